"""Which pieces of a given text may not change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from textgen.errors import DataError
from textgen.mcmc.edits import FREE, State, Subject
from textgen.text.keywords import missing
from textgen.tokenizers.base import Tokenizer, Vocabulary


def ordinary(ids: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    """Places that can be redrawn: not line breaks, nor bytes that make a character together."""
    return [n for n, i in enumerate(ids) if i not in vocabulary.byte_ids and i != vocabulary.newline]


def kept_spans(text: str, ids: Sequence[int], words: Sequence[str], vocabulary: Vocabulary) -> list[range]:
    """Places of the pieces that write some of the words, every occurrence of them.

    Raises:
        DataError: A word is not in the text.
    """
    if absent := missing(text, words):
        raise DataError(f"{absent[0]} is not in the sentence", hint="--keep takes parts of it")
    whole = text.encode()
    ends = list(accumulate(len(vocabulary.pieces[i]) for i in ids))
    starts = [0, *ends[:-1]]
    found = []
    for word in (word.encode() for word in words):
        at = whole.find(word)
        while at >= 0:
            inside = [n for n, end in enumerate(ends) if starts[n] < at + len(word) and at < end]
            found.append(range(inside[0], inside[-1] + 1))
            at = whole.find(word, at + 1)
    return found


def locked_state(text: str, words: Sequence[str], tokenizer: Tokenizer, subject: Subject) -> State:
    """The state of a text whose kept words, line breaks and odd characters are locked.

    Raises:
        DataError: A word is not in the text, or nothing of it may change.
    """
    ids, vocabulary = tokenizer.encode(text), tokenizer.vocabulary
    plain = set(ordinary(ids, vocabulary))
    odd = [range(n, n + 1) for n in range(len(ids)) if n not in plain]
    # the bytes of a character stay together
    odd = _merged(odd, touching=True)
    spans = _merged([*odd, *kept_spans(text, ids, words, vocabulary)], touching=False)
    labels = [FREE] * len(ids)
    for label, span in enumerate(spans, 1):
        for place in span:
            labels[place] = label
    if FREE not in labels:
        raise DataError(
            "nothing in the text may change",
            hint="keep less of it" if words else "give a sentence of ordinary text",
        )
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
