"""Locks: the parts of a given text that may not change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textgen.backends.tokenized import texts_of, token_places
from textgen.errors import DataError
from textgen.mcmc.cgmh.edits import FREE, State, Subject
from textgen.options.cgmh import SourceOptions
from textgen.schema import Lock
from textgen.text.confusion.errors import misspelt
from textgen.text.diff import Anchor
from textgen.text.facts.fact import KINDS
from textgen.text.facts.found import facts
from textgen.text.keywords import missing
from textgen.text.model_input import Reading
from textgen.tokenizers.base import Tokenizer, Vocabulary


def redrawable(ids: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    """Places that can be redrawn: not line breaks, nor bytes that make a character together."""
    return [n for n, i in enumerate(ids) if i not in vocabulary.byte_ids and i != vocabulary.newline]


def kept_spans(
    reading: Reading, ids: Sequence[int], words: Sequence[str], tokenizer: Tokenizer
) -> list[range]:
    """Places of the tokens that write some of the words, every occurrence of them.

    Args:
        reading: The text.
        ids: Its tokens.
        words: As they stand in the text as it was typed.
        tokenizer: Of the tokens.

    Raises:
        DataError: A word is not in the text, or nothing of it is read.
    """
    check_kept(reading, words)
    return token_spans(reading, ids, [span for word in words for span in reading.found(word)], tokenizer)


def check_kept(reading: Reading, words: Sequence[str]) -> None:
    """Refuse words that are not in the text as it was typed. Raises DataError."""
    if absent := missing(reading.source, words):
        raise DataError("{word} is not in the sentence", word=absent[0], hint="{@keep} takes parts of it")


def token_spans(
    reading: Reading, ids: Sequence[int], spans: Iterable[range], tokenizer: Tokenizer
) -> list[range]:
    """The places of the tokens that write spans of what is read; nothing for those that no token writes."""
    places = token_places(ids, tokenizer, reading.text)
    found = []
    for span in spans:
        inside = [n for n, own in enumerate(places) if own.start < span.stop and span.start < own.stop]
        if inside:
            found.append(range(inside[0], inside[-1] + 1))
    return found


@dataclass(frozen=True)
class Held:
    """A part of what is read that may not change.

    Attributes:
        span: Its characters.
        kind: What unlocks it, or `keep`.
        reason: What it was taken for.
    """

    span: range
    kind: str
    reason: str

    def lock(self, reading: Reading) -> Lock:
        """The part as it stands in the source."""
        start, end = reading.span(self.span.start, self.span.stop)
        return Lock(reading.source[start:end], start, end, self.kind, self.reason)


def held(reading: Reading, options: SourceOptions) -> list[Held]:
    """The parts of a text that options lock, in their order.

    Raises:
        DataError: A word to be kept is not in the text.
    """
    check_kept(reading, options.keep)
    found = [
        Held(range(fact.start, fact.end), fact.kind, fact.reason)
        for fact in facts(reading.text, options.locked, flawed=options.flawed)
    ]
    if options.flawed:  # what a known misspelling holds is no fact, as 未 in 未尾
        wrong = {place for span, _ in misspelt(reading.text) for place in span}
        found = [one for one in found if one.kind == "quotes" or not wrong.issuperset(one.span)]
    for reason, words in (("keep", options.keep), ("keep_file", options.keep_file)):
        found += [Held(span, "keep", reason) for word in words for span in reading.found(word)]
    return sorted(found, key=lambda one: (one.span.start, one.span.stop))


def anchors(starts: Sequence[int], texts: Sequence[str], now: Sequence[int]) -> list[Anchor]:
    """Parts of a text that stayed, as they stand in what was read and in what became of it.

    Args:
        starts: Where they stood, in characters, in their order.
        texts: The parts.
        now: Where they stand now.
    """
    stayed = zip(starts, now, texts, strict=True)
    return [Anchor(start, at, len(text)) for start, at, text in stayed]


def in_order(labels: Sequence[int]) -> list[int]:
    """Places of a longest part of some labels that rises: the spans that none of the others went past."""
    best: list[list[int]] = []  # by where it ends
    for place, label in enumerate(labels):
        before = [found for found in best if labels[found[-1]] < label]
        best.append([*max(before, key=len, default=[]), place])
    return max(best, key=len, default=[])


def locked_state(
    reading: Reading, parts: Sequence[Held], tokenizer: Tokenizer, subject: Subject, *, strict: bool = True
) -> State:
    """The state of a text of which parts, line breaks and odd characters are locked.

    Raises:
        DataError: Nothing of it may change, if that is refused (`strict`).
    """
    ids, vocabulary = tokenizer.encode(reading.text), tokenizer.vocabulary
    plain = set(redrawable(ids, vocabulary))
    odd = [range(n, n + 1) for n in range(len(ids)) if n not in plain]
    # the bytes of a character stay together
    odd = _merged(odd, touching=True)
    chosen = token_spans(reading, ids, [one.span for one in parts], tokenizer)
    spans = _merged([*odd, *chosen], touching=False)
    labels = [FREE] * len(ids)
    for label, span in enumerate(spans, 1):
        for place in span:
            labels[place] = label
    if strict and FREE not in labels:
        raise nothing_free(parts)
    return State(tuple(ids), tuple(labels), subject=subject)


def locked_texts(reading: Reading, state: State, tokenizer: Tokenizer) -> tuple[str, ...]:
    """What the locked spans of a state stand for, in the text as it is read."""
    places = token_places(state.ids, tokenizer, reading.text)
    return tuple(texts_of(reading.text, places, state.spans))


def nothing_free(parts: Sequence[Held]) -> DataError:
    """The error of a text of which everything is locked, with what would unlock some of it."""
    problem, found = "nothing in the text may change", {one.kind for one in parts}
    if kinds := [kind for kind in KINDS if kind in found]:
        hint = "its {kinds} are locked; {@free} {first} unlocks these"
        return DataError(problem, hint=hint, kinds=" and ".join(kinds), first=kinds[0])
    return DataError(problem, hint="keep less of it" if parts else "give a sentence of ordinary text")


def _merged(spans: Iterable[range], *, touching: bool) -> list[range]:
    """Spans in order, those that share a place (or only touch) made one."""
    found: list[range] = []
    for span in sorted(spans, key=lambda span: (span.start, span.stop)):
        if found and span.start < found[-1].stop + touching:
            found[-1] = range(found[-1].start, max(found[-1].stop, span.stop))
        else:
            found.append(span)
    return found
