"""Titles on stdout: with their scores, and the passages of the article that they repeat."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textgen.cli.render import console
from textgen.cli.render.texts import Show
from textgen.options import TitleOptions

if TYPE_CHECKING:
    from textgen.batch.run import Job
    from textgen.schema import Candidate, Record, Row

CONTEXT = 14  # characters shown around a passage
DIRECTIONS = {"l2r": "→", "r2l": "←", "both": "↔"}


def titles(job: Job) -> Show:
    """A printer of the titles of a record; behind its name, if there are several records."""
    several = len(job.rows) > 1
    options = job.task.options
    details = options.num_candidates > 1 or (isinstance(options, TitleOptions) and options.explain)

    def show(record: Record, row: Row) -> None:
        for candidate in record.candidates:
            line = console.cells(*([record.id] if several else []), candidate.text)
            if details and sys.stdout.isatty():  # what speaks for it, where there is a choice
                console.styled(line, (f"  {_facts(candidate)}", "dim"))
            else:
                console.result(line)
            if candidate.support is not None:
                passages(candidate, row.text)

    return show


def passages(candidate: Candidate, source: str) -> None:
    """Print the passages of the article that a title repeats, highlighted, or in brackets in a pipe.

    Args:
        candidate: With its `support`.
        source: The article.
    """
    terminal = sys.stdout.isatty()
    if not terminal:
        console.result(f"  {_facts(candidate)}, score: {candidate.score_kind}")
    for span in candidate.support or ():
        before = _line(source[max(0, span.source_start - CONTEXT) : span.source_start])
        found = source[span.source_start : span.source_end]
        after = _line(source[span.source_end : span.source_end + CONTEXT])
        place = f"  {span.source_start:>5}  "
        if terminal:
            console.styled((place, "dim"), before, (found, "bold green"), after)
        else:
            console.result(f"{place}{before}【{found}】{after}")


def _facts(candidate: Candidate) -> str:
    arrow = DIRECTIONS[candidate.direction or "l2r"]
    fails = f", fails: {', '.join(candidate.flags)}" if candidate.flags else ""
    return f"{candidate.score:.4f} {arrow} {100 * (candidate.copied or 0):.0f} % in the article{fails}"


def _line(text: str) -> str:
    return " ".join(text.split())
