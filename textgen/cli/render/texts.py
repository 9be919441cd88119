"""Samples, edited texts and corrections on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from textgen.cli.render import console
from textgen.cli.spelling import flag

if TYPE_CHECKING:
    from textgen.batch.run import Job
    from textgen.schema import Candidate, Lock, Record, Row

Show = Callable[["Record", "Row"], None]  # prints the texts of a record


def samples(job: Job) -> Show:
    """A printer of the samples of a record, separated if there are several."""
    number = numbering(len(job.rows) * job.task.options.num_candidates)

    def show(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            number()
            console.result(candidate.text)

    return show


def numbering(total: int) -> Callable[[], None]:
    """Call before each sample: draws what tells it apart from the one before."""
    shown = 0

    def number() -> None:
        nonlocal shown
        shown += 1
        if total > 1:
            console.rule(shown)

    return number


def texts(job: Job) -> Show:
    """A printer of the texts of a record, on a terminal with their scores."""
    return _named(job, _text)


def corrections(job: Job) -> Show:
    """A printer of the texts of a record, with their changes."""
    return _named(job, _correction)


def _named(job: Job, show: Callable[[Candidate, Row], None]) -> Show:
    """A printer of every candidate; behind the name of its record, if there are several records."""

    def show_all(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            if len(job.rows) > 1:
                console.result(console.cells(record.id, ""), end="")
            show(candidate, row)
        if record.locks is not None:
            if record.error is not None and len(job.rows) > 1:
                console.result(console.cells(record.id, ""), end="")
            _locks(record)

    return show_all


def _locks(record: Record) -> None:
    """Print what was locked, each with what it was taken for."""
    locked = ", ".join(f"{lock.text} ({_reason(lock)})" for lock in record.locks or ()) or "nothing"
    if sys.stdout.isatty():
        console.styled((f"  locked: {locked}", "dim"))
    else:
        console.result(f"  locked: {locked}")


def _reason(lock: Lock) -> str:
    return flag(lock.reason) if lock.kind == "keep" else f"{lock.kind}: {lock.reason}"


def _text(candidate: Candidate, row: Row) -> None:
    if not sys.stdout.isatty():
        console.result(candidate.text)
        return
    console.styled(candidate.text, (f"  {candidate.score:.2f}", "dim"))


KINDS = {
    "word": "often written so by mistake",
    "particle": "的, 地 or 得 by the words beside it",
    "sound": "sounds alike",
    "shape": "looks alike",
    "missing": "was missing",
    "doubled": "stood there twice",
    "swapped": "in the wrong order",
    "extra": "was too many",
    "other": "fits better",
}


def _correction(candidate: Candidate, row: Row) -> None:
    _changes(candidate, row.text)
    for change in candidate.changes or ():
        if change.kind is not None:
            before = row.text[change.source_start : change.source_end]
            after = candidate.text[change.start : change.end]
            what = " → ".join(filter(None, (before, after)))
            console.styled(f"    {what}  ", (KINDS[change.kind], "dim"))


def _changes(candidate: Candidate, source: str) -> None:
    from textgen.text.diff import marked

    console.result(candidate.text)
    found = candidate.changes or ()
    if not sys.stdout.isatty():
        if found:
            console.result(f"  {marked(source, candidate.text, found)}")
        return
    if not found:
        console.styled(("  no change", "dim"))
        return
    parts: list[str | tuple[str, str]] = ["  "]
    end = 0
    for change in found:
        parts.append((candidate.text[end : change.start], "dim"))
        parts.append((source[change.source_start : change.source_end], "red strike"))
        parts.append((candidate.text[change.start : change.end], "bold green"))
        end = change.end
    console.styled(*parts, (candidate.text[end:], "dim"))
