"""Texts of several sentences, each of which is worked on for itself, and put together again."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from textgen.backends.base import Found, Outcome
from textgen.backends.editing.chain_texts import FEW
from textgen.backends.editing.locks import Held
from textgen.errors import DataError
from textgen.messages import Message
from textgen.schema import Candidate, Row
from textgen.text.diff import Change
from textgen.text.model_input import Reading
from textgen.text.segment import sentences

SHORT = 12  # characters; a shorter sentence goes with the next one of its line, which tells what it is about
LONG = 120  # characters; a longer sentence is cut at a comma, since work grows with the square
_CUTS = "，；：、,;: "


def stretches(text: str) -> list[range]:
    """The places of the parts of a text that are worked on one by one; together they are all of it."""
    found: list[str] = []
    for sentence in sentences(text):
        if found and len(found[-1].strip()) < SHORT and not found[-1].endswith("\n"):
            found[-1] += sentence
        else:
            found.append(sentence)
    parts = [part for one in found for part in _cut(one)]
    ends = accumulate(map(len, parts))
    return [range(end - len(part), end) for part, end in zip(parts, ends, strict=True)]


def _cut(sentence: str) -> Iterator[str]:
    """Yield parts of a sentence of which none is too long."""
    while len(sentence) > LONG:
        end = max(sentence.rfind(mark, LONG // 2, LONG) for mark in _CUTS) + 1 or LONG
        yield sentence[:end]
        sentence = sentence[end:]
    yield sentence


def part_of(row: Row, reading: Reading, parts: Sequence[range], number: int) -> tuple[Row, Reading]:
    """One of the parts of a row as a row of its own.

    Args:
        row: The whole.
        reading: Of it.
        parts: The places of all parts in what is read.
        number: Of the part. What is not read between two of them goes with the first.
    """
    span, last = parts[number], number + 1 == len(parts)
    start = reading.places[span.start] if number else 0
    end = len(reading.source) if last else reading.places[span.stop]
    source, places = reading.source[start:end], [n - start for n in reading.places[span.start : span.stop]]
    text = reading.text[span.start : span.stop]
    key = f"{row.text if row.id is None else row.id}#{number}"  # random numbers of its own
    return replace(row, text=source, id=key), replace(reading, source=source, text=text, places=places)


def inside(parts: Iterable[Held], span: range) -> list[Held]:
    """What may not change of a stretch, by places in it."""
    found = [
        (max(one.span.start, span.start), min(one.span.stop, span.stop), one)
        for one in parts
        if one.span.start < span.stop and span.start < one.span.stop
    ]
    return [replace(one, span=range(a - span.start, b - span.start)) for a, b, one in found]


def joined(parts: Sequence[tuple[str, Outcome | None]], most: int, *, ranked: bool, changes: bool) -> Outcome:
    """The outcome of a text by those of its parts.

    Args:
        parts: The source of each, and what became of it; None for what had to stay.
        most: Texts that are wanted.
        ranked: Whether the candidates of a part come best first; otherwise they are samples, and those of
            one number go together.
        changes: Whether candidates tell what was changed.
    """
    chosen: list[list[Candidate]] = []
    notes: list[str] = []
    failed: list[DataError] = []
    for source, outcome in parts:
        if isinstance(outcome, DataError):
            failed.append(outcome)
            outcome = None
        found = outcome if isinstance(outcome, Found) else Found(outcome or [])
        # of the whole there may be enough texts
        notes += [note for note in found.notes if note not in notes and _template(note) != FEW]
        chosen.append(found.candidates or [Candidate(source, 0.0, "mean_logprob", 0.0, 0, "stop")])
    if failed:
        if len(failed) == sum(outcome is not None for _, outcome in parts):
            return failed[0]
        template = "{failed} of {all} sentences stay as they are: {why}"
        notes.append(Message(template, failed=len(failed), all=len(parts), why=failed[0].message))
    ways = _best(chosen, most) if ranked else _abreast(chosen, most)
    texts = [_together([own[n] for own, n in zip(chosen, way, strict=True)], changes=changes) for way in ways]
    if len(texts) < most:
        notes.append(Message(FEW, count=len(texts), wanted=most))
    return Found(texts, tuple(notes))


def _template(note: str) -> str:
    return note.template if isinstance(note, Message) else note


def _abreast(chosen: Sequence[Sequence[Candidate]], most: int) -> list[tuple[int, ...]]:
    """The numbers of samples that go together: every part gives another one each time, if it can."""
    count = min(most, max(map(len, chosen)))
    return [tuple(min(n, len(own) - 1) for own in chosen) for n in range(count)]


def _best(chosen: Sequence[Sequence[Candidate]], most: int) -> list[tuple[int, ...]]:
    """The numbers of the candidates that make the best texts, best first.

    Texts are independent by parts: log pi of a text is the sum of theirs.
    """

    def loss(way: Sequence[int]) -> float:
        return sum(_log_target(own[0]) - _log_target(own[n]) for own, n in zip(chosen, way, strict=True))

    first = (0,) * len(chosen)
    found: list[tuple[int, ...]] = []
    waiting, seen = [(0.0, first)], {first}
    while waiting and len(found) < most:
        _, way = heapq.heappop(waiting)
        found.append(way)
        for part, n in enumerate(way):
            further = (*way[:part], n + 1, *way[part + 1 :])
            if n + 1 < len(chosen[part]) and further not in seen:
                seen.add(further)
                heapq.heappush(waiting, (loss(further), further))
    return found


def _log_target(candidate: Candidate) -> float:
    return candidate.chain.log_target or 0.0 if candidate.chain else 0.0


def _together(parts: Sequence[Candidate], *, changes: bool) -> Candidate:
    """The text of parts that follow each other. Where it was found is told of no part alone."""
    found: list[Change] = []
    at = source_at = 0
    for part in parts:
        own: Sequence[Change] = part.changes or ()
        found += [
            replace(
                one,
                source_start=one.source_start + source_at,
                source_end=one.source_end + source_at,
                start=one.start + at,
                end=one.end + at,
            )
            for one in own
        ]
        grown = sum((one.end - one.start) - (one.source_end - one.source_start) for one in own)
        at += len(part.text)
        source_at += len(part.text) - grown
    logprob, tokens = sum(part.logprob or 0.0 for part in parts), sum(part.tokens for part in parts)
    text = "".join(part.text for part in parts)
    shown = found if changes else None
    return Candidate(text, logprob / max(1, tokens), "mean_logprob", logprob, tokens, "stop", changes=shown)
