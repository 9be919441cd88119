"""Locks: the parts of a given text that may not change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

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
    reading: Reading, ids: Sequence[int], words: Sequence[str], vocabulary: Vocabulary
) -> list[range]:
    """Places of the tokens that write some of the words, every occurrence of them.

    Args:
        reading: The text.
        ids: Its tokens.
        words: As they stand in the text as it was typed.
        vocabulary: Of the tokens.

    Raises:
        DataError: A word is not in the text.
    """
    if absent := missing(reading.source, words):
        raise DataError("{word} is not in the sentence", word=absent[0], hint="{@keep} takes parts of it")
    ends = list(accumulate(len(vocabulary.pieces[i]) for i in ids))
    starts = [0, *ends[:-1]]
    found = []
    for span in (span for word in words for span in reading.found(word)):
        first, last = (len(reading.text[:place].encode()) for place in (span.start, span.stop))
        inside = [n for n, end in enumerate(ends) if starts[n] < last and first < end]
        found.append(range(inside[0], inside[-1] + 1))
    return found


def anchors(
    starts: Iterable[int], ids: Sequence[int], spans: Sequence[range], tokenizer: Tokenizer
) -> list[Anchor]:
    """The spans of tokens that stayed, as they stand in the text that was read and in what became of it.

    Args:
        starts: Where they stood, in characters, in their order.
        ids: The tokens now.
        spans: Where they stand now, in the same order.
        tokenizer: Of the tokens.
    """
    ids = list(ids)
    return [
        Anchor(
            start,
            len(tokenizer.decode(ids[: span.start])),
            len(tokenizer.decode(ids[span.start : span.stop])),
        )
        for start, span in zip(starts, spans, strict=True)
    ]


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
    spans = _merged([*odd, *kept_spans(reading, ids, words, vocabulary)], touching=False)
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
