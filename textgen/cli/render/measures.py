"""Measurements of a machine: what is measured now, and the table of all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textgen.cli.render import console

if TYPE_CHECKING:
    from textgen.bench.figures import Report

WIDTH = 100  # of a table in a file or pipe
MEGABYTE = 1e6
MEMORY = "memory"


@contextmanager
def measuring(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal what is measured, and that it goes on; yields what is told of each measurement."""
    if quiet or not sys.stderr.isatty():
        yield lambda name, number, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    # drawing takes time from what is measured
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=2) as bar:
        task = bar.add_task("", total=None)

        def tell(name: str, number: int, total: int) -> None:
            bar.update(task, description=name, completed=max(0, number - 1), total=total, refresh=True)

        yield tell


def show(report: Report, reference: Report | None) -> None:
    """Print the table on stdout: a row a measure, a column a precision, here and on the reference machine."""
    from rich.console import Console
    from rich.table import Table

    precisions = list(dict.fromkeys(one.precision for one in report.figures))
    known = {} if reference is None else {one.key: one.value for one in reference.figures}
    console.result(f"here: {report.machine.line}; auto is {report.machine.auto}")
    if reference is not None:
        console.result(f"reference: {reference.machine.line}")
    table = Table()
    table.add_column("measure")
    table.add_column("unit")
    for precision in precisions:
        table.add_column(precision, justify="right")
    for precision in precisions if reference else ():
        table.add_column(f"{precision}, reference", justify="right", style="dim")
    found = {one.key: one for one in report.figures}
    measures = {one.name: one.unit for one in report.figures}
    for name, unit in measures.items():
        here = [_figure(found[name, one].value) if (name, one) in found else "" for one in precisions]
        there = [_figure(known[name, one]) if (name, one) in known else "" for one in precisions]
        table.add_row(name, unit, *here, *(there if reference else ()))
    table.add_section()
    for name in measures:
        taken = [found[name, one].memory if (name, one) in found else 0 for one in precisions]
        if any(taken):
            cells = [f"{one / MEGABYTE:,.0f}" if one else "" for one in taken]
            table.add_row(f"{MEMORY}: {name}", "MB", *cells, *([""] * len(precisions) if reference else ()))
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
