"""The path that every generating command takes: plan, run, show or write the records, exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgen.cli.flags import JSON, QUIET
from textgen.cli.observers import Observation, check_observable, check_observation, observing
from textgen.cli.render import console
from textgen.cli.render.texts import Show
from textgen.compute import uncollected
from textgen.errors import UsageError
from textgen.events import ChainStep
from textgen.messages import Message
from textgen.options.fields import FILES, OptionGroup, field
from textgen.schema import Record, Row

if TYPE_CHECKING:
    from textgen.batch.run import Job
    from textgen.events import Event, OnEvent

OK, FAILED, SOME_FAILED = 0, 1, 3
GIGABYTE = 1 << 30


class Printing(OptionGroup):
    """The options of what is printed."""

    as_json: bool = field(False, JSON)
    quiet: bool = field(False, QUIET)


class Sink(Printing):
    """The options of the place where results go."""

    output: str | None = field(
        None,
        "Write records to this file (its ending is the format) or into a folder/; - prints them.",
        FILES,
        metavar="OUT.jsonl|csv|parquet|txt",
    )


class ObservedSink(Observation, Sink):
    """The same, with the observers of chains."""


def generate(
    command: str,
    inputs: Sequence[str] | Sequence[Row],
    options: dict[str, Any],
    *,
    model: str | None,
    sink: Sink,
    shown: Callable[[Job], Show],
) -> int:
    """Run a command, show or write every record as it comes, and tell the exit code.

    Args:
        command: Its name.
        inputs: Files, folders and patterns, or rows.
        options: Those that the user set.
        model: The model's name or directory; None is the command's own.
        sink: Where results go.
        shown: Makes what prints the texts of a record.

    Raises:
        UsageError: Something cannot be written or would destroy something, or options exclude each other.
    """
    observation = sink if isinstance(sink, Observation) else Observation()
    job = planned(command, inputs, options, model=model, sink=sink, observation=observation)
    run = _to_file if job.target else _to_stdout
    return run(job, sink, observation, shown(job))


def planned(
    command: str,
    inputs: Sequence[str] | Sequence[Row],
    options: dict[str, Any],
    *,
    model: str | None,
    sink: Sink,
    observation: Observation,
) -> Job:
    """The job of a command, whose chains can be observed as is wanted."""
    from textgen.batch.planner import plan

    if sink.output and sink.as_json:
        raise UsageError("{@output} writes the records, {@as_json} prints them", hint="leave out one of them")
    force = bool(options.get("force"))
    if sink.output is None and observation.files:
        options = {name: value for name, value in options.items() if name != "force"}  # is for these files
    with uncollected():
        job = plan(command, inputs, options, sink.output, model=model)
    if not observation.wanted:
        return job
    others = [*job.rows.files, *(job.target.files if job.target else ())]
    check_observation(observation, others, force=force)
    check_observable(job)
    return replace(job, options=job.options.model_copy(update={"workers": 1}))


def seed_note(job: Job, sink: Sink) -> Callable[[], None]:
    """A function that tells, once, a seed that nobody has named; to be called when something is drawn."""
    untold = job.fresh_seed

    def tell() -> None:
        nonlocal untold
        if untold:
            console.note(f"seed {job.task.options.seed}", quiet=sink.quiet)
        untold = False

    return tell


def _to_file(job: Job, sink: Sink, observation: Observation, show: Show) -> int:
    from textgen.batch.run import run

    output = job.output
    errors = console.Errors(len(job.shard), quiet=sink.quiet)
    tell_seed = seed_note(job, sink)

    def see(record: Record) -> None:
        if record.error is None:
            tell_seed()
        errors.see(record)

    try:
        with _listening(job, sink, observation, tell_seed) as on_event:
            summary = run(job, on_event, see)
    except KeyboardInterrupt:
        if job.start == "retry" and output.path.exists():
            console.note(f"{output.path} is as it was; --retry-errors begins anew")
        elif output.running.exists() and output.part.exists():
            console.note(f"{output.path} is not finished; --resume goes on")
        elif not output.path.parent.exists():
            console.note(f"{output.path.parent} is gone, and with it what was written")
        raise
    finally:
        errors.end()
    if not summary.computed and job.start != "resume":
        again = "; {@retry_errors} computes these again" if summary.errors else ""
        whole = "its 1 record" if summary.rows == 1 else f"all {summary.rows} records"
        already = "{path} has {whole} already (errors: {errors}{again})"
        values = {"path": output.path, "whole": whole, "errors": summary.errors, "again": Message(again)}
        console.note(Message(already, **values), quiet=sink.quiet)
        return exit_code(summary.rows, summary.errors)
    records = "1 record" if summary.rows == 1 else f"{summary.rows} records"
    failed = f" (errors: {summary.errors})" if summary.errors else ""
    memory = f"; a process took up to {summary.memory / GIGABYTE:.2f} GiB" if summary.memory else ""
    console.note(f"wrote {records} to {output.path}{failed}{memory}", quiet=sink.quiet)
    return exit_code(summary.rows, summary.errors)


def _to_stdout(job: Job, sink: Sink, observation: Observation, show: Show) -> int:
    from textgen.batch.run import stream

    rows = job.shard
    errors = console.Errors(len(rows), quiet=sink.quiet)
    as_json = sink.as_json or sink.output is not None
    tell_seed = seed_note(job, sink)
    with _lines_to(sink.output) as write, _listening(job, sink, observation, tell_seed) as on_event:
        for record, row in zip(stream(job, on_event), rows, strict=True):
            if record.error is None:
                tell_seed()
            if as_json:
                write(record.to_json())
            elif record.error is None or record.locks is not None:
                show(record, row)
            errors.see(record)
    errors.end()
    return exit_code(len(rows), errors.count)


@contextmanager
def _listening(
    job: Job, sink: Sink, observation: Observation, tell_seed: Callable[[], None]
) -> Iterator[OnEvent]:
    """Yield a listener that renders events, and shows them to the observers: the seed with the first step."""
    to_file, watched = job.target is not None, observation.watch
    with (
        console.listening(len(job.shard), quiet=sink.quiet, to_file=to_file, watched=watched) as on_event,
        observing(observation, on_event) as observed,
    ):

        def heard(event: Event) -> None:
            if isinstance(event, ChainStep):
                tell_seed()
            observed(event)

        # as it is without observers: chains spare themselves the telling where nobody listens
        yield heard if observation.wanted else observed


@contextmanager
def _lines_to(output: str | None) -> Iterator[Callable[[str], None]]:
    """Yield a writer of lines to stdout, or to a device such as a terminal or a pipe."""
    from textgen.batch.output import STREAMS
    from textgen.text.visible import escaped

    if output is None or output in STREAMS:
        yield console.json_result
        return
    with Path(output).open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield lambda line: print(escaped(line), file=file, flush=True)


def exit_code(rows: int, errors: int) -> int:
    """The exit code of so many rows, of which so many are errors."""
    if not errors:
        return OK
    return FAILED if errors == rows else SOME_FAILED
