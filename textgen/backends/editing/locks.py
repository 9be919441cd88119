"""Locks: the parts of a given text that may not change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textgen.backends.tokenized import token_places
from textgen.errors import DataError
from textgen.mcmc.cgmh.edits import FREE, State, Subject
from textgen.text.diff import Anchor
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
    if absent := missing(reading.source, words):
        raise DataError("{word} is not in the sentence", word=absent[0], hint="{@keep} takes parts of it")
    places = token_places(ids, tokenizer, reading.text)
    found = []
    for span in (span for word in words for span in reading.found(word)):
        inside = [n for n, own in enumerate(places) if own.start < span.stop and span.start < own.stop]
        if inside:
            found.append(range(inside[0], inside[-1] + 1))
    return found


def anchors(starts: Sequence[int], texts: Sequence[str], now: Sequence[int]) -> list[Anchor]:
    """Parts of a text that stayed, as they stand in what was read and in what became of it.

    Args:
        starts: Where they stood, in characters, in their order.
        texts: The parts.
        now: Where they stand now.
    """
    stayed = zip(starts, now, texts, strict=True)
    return [Anchor(start, at, len(text)) for start, at, text in stayed]


def locked_state(reading: Reading, words: Sequence[str], tokenizer: Tokenizer, subject: Subject) -> State:
    """The state of a text whose kept words, line breaks and odd characters are locked.

    Raises:
        DataError: A word is not in the text, or nothing of it may change.
    """
    ids, vocabulary = tokenizer.encode(reading.text), tokenizer.vocabulary
    plain = set(redrawable(ids, vocabulary))
    odd = [range(n, n + 1) for n in range(len(ids)) if n not in plain]
    # the bytes of a character stay together
    odd = _merged(odd, touching=True)
    spans = _merged([*odd, *kept_spans(reading, ids, words, tokenizer)], touching=False)
    labels = [FREE] * len(ids)
    for label, span in enumerate(spans, 1):
        for place in span:
            labels[place] = label
    if FREE not in labels:
        hint = "keep less of it" if words else "give a sentence of ordinary text"
        raise DataError("nothing in the text may change", hint=hint)
    return State(tuple(ids), tuple(labels), subject=subject)


def _merged(spans: Iterable[range], *, touching: bool) -> list[range]:
    """Spans in order, those that share a place (or only touch) made one."""
    found: list[range] = []
    for span in sorted(spans, key=lambda span: (span.start, span.stop)):
        if found and span.start < found[-1].stop + touching:
            found[-1] = range(found[-1].start, max(found[-1].stop, span.stop))
        else:
            found.append(span)
    return found
