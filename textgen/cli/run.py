"""The path that every generating command takes: checks, seed, model, records, exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgen.cli.observers import Observation, check_observation, observing
from textgen.cli.render import console
from textgen.errors import UsageError
from textgen.schema import Record, Row

if TYPE_CHECKING:
    from textgen.batch.engine import Rows, Task
    from textgen.batch.output import Output
    from textgen.events import OnEvent
    from textgen.options import Options, RunOptions
    from textgen.store.catalog import ModelFiles

OK, FAILED, SOME_FAILED = 0, 1, 3
ON_FILES = ("force", "resume", "retry_errors", "csv_safe")  # what needs an output that is a file
GIGABYTE = 1 << 30

Show = Callable[[Record, Row], None]


@dataclass(frozen=True)
class Sink:
    """Where results go, and how much is said beside them.

    Attributes:
        output: Where records go; None prints texts.
        as_json: Print records instead of texts.
        quiet: Say nothing on stderr but errors.
    """

    output: str | None
    as_json: bool
    quiet: bool


@dataclass(frozen=True)
class Request:
    """What a command was asked to do, once it has been checked and before anything is loaded.

    Attributes:
        command: Its name.
        task: What is done with every row.
        rows: The input.
        run: How the run goes.
        sink: Where results go.
        output: The files that are written; None where records are printed.
        start: How the run begins.
        observation: What is shown and kept of the chains.
    """

    command: str
    task: Task
    rows: Rows
    run: RunOptions
    sink: Sink
    output: Output | None = None
    start: Any = "new"
    observation: Observation = field(default_factory=Observation)


def target_of(output: str | None, run: RunOptions) -> Output | None:
    """The files that an output stands for; None where records or texts are printed."""
    from textgen.batch.output import output_of

    return None if output is None else output_of(output, run.shard)


def request_for(
    command: str,
    files: ModelFiles,
    options: Options,
    rows: Rows,
    run: RunOptions,
    sink: Sink,
    observation: Observation,
) -> Request:
    """Check everything that can be checked before a model is loaded, and settle the seed.

    Raises:
        UsageError: Something cannot be written or would destroy something, or options exclude each other.
    """
    from textgen.batch.output import check_output
    from textgen.batch.planner import seeded, task_for
    from textgen.options import ChainOptions

    if sink.output and sink.as_json:
        raise UsageError("-o writes the records, --json prints them", hint="leave out one of them")
    output = target_of(sink.output, run)
    unfit = [name for name in ON_FILES if getattr(run, name)]
    if output is None and unfit and not (unfit == ["force"] and observation.files):
        raise UsageError(f"{{@{unfit[0]}}} needs a file to write to", hint="name one with -o")
    start = check_output(output, rows.files, run) if output else "new"
    if observation.wanted and not isinstance(options, ChainOptions):
        raise UsageError(f"a {files.kind} model runs no chains", hint="leave out --watch, --trace and --plot")
    check_observation(observation, [*rows.files, *(output.files if output else ())], force=run.force)
    if observation.wanted and (run.engine != "local" or (run.workers or 1) > 1):
        raise UsageError("chains are watched in one process", hint="leave out --workers and --engine")
    settled = seeded(options, output, earlier=start != "new")
    if settled.seed != options.seed:
        console.note(f"seed {settled.seed}", quiet=sink.quiet)
    task = task_for(command, files, settled, run, records=sink.output is not None)
    if observation.wanted:
        run = run.model_copy(update={"workers": 1})
    return Request(command, task, rows, run, sink, output, start, observation)


def generate(request: Request, show: Show) -> int:
    """Generate, show or write every record as it comes, and tell the exit code."""
    return _to_file(request, request.output) if request.output else _to_stdout(request, show)


def _to_file(request: Request, output: Output) -> int:
    from textgen.batch.run import Job, bounds, run

    first, last = bounds(len(request.rows), request.run.shard)
    errors = console.Errors(last - first, quiet=request.sink.quiet)
    job = Job(request.command, request.task, request.rows, output, request.run, request.start)
    try:
        with _listening(request, last - first) as on_event:
            summary = run(job, on_event, errors.see)
    except KeyboardInterrupt:
        if request.start == "retry" and output.path.exists():
            console.note(f"{output.path} is as it was; --retry-errors begins anew")
        elif output.running.exists() and output.part.exists():
            console.note(f"{output.path} is not finished; --resume goes on")
        elif not output.path.parent.exists():
            console.note(f"{output.path.parent} is gone, and with it what was written")
        raise
    finally:
        errors.end()
    if not summary.computed and request.start != "resume":
        told = f"{output.path} has all {summary.rows} records already (errors: {summary.errors})"
        console.note(told, quiet=request.sink.quiet)
        return OK
    records = "1 record" if summary.rows == 1 else f"{summary.rows} records"
    failed = f" (errors: {summary.errors})" if summary.errors else ""
    memory = f"; a process took up to {summary.memory / GIGABYTE:.2f} GiB" if summary.memory else ""
    console.note(f"wrote {records} to {output.path}{failed}{memory}", quiet=request.sink.quiet)
    return _exit_code(summary.rows, summary.errors)


def _to_stdout(request: Request, show: Show) -> int:
    from textgen.batch.engine import Slice
    from textgen.batch.run import bounds, stream

    rows = Slice(request.rows, *bounds(len(request.rows), request.run.shard))
    errors = console.Errors(len(rows), quiet=request.sink.quiet)
    as_json = request.sink.as_json or request.sink.output is not None
    with _lines_to(request.sink.output) as write, _listening(request, len(rows)) as on_event:
        records = stream(request.task, request.run, request.rows, on_event)
        for record, row in zip(records, rows, strict=True):
            if as_json:
                write(record.to_json())
            elif record.error is None:
                show(record, row)
            errors.see(record)
    errors.end()
    return _exit_code(len(rows), errors.count)


@contextmanager
def _listening(request: Request, total: int) -> Iterator[OnEvent]:
    """What renders events, and observes chains where that was asked for."""
    watched = request.observation.watch
    to_file = request.output is not None
    with (
        console.listening(total, quiet=request.sink.quiet, to_file=to_file, watched=watched) as on_event,
        observing(request.observation, on_event) as heard,
    ):
        yield heard


@contextmanager
def _lines_to(output: str | None) -> Iterator[Callable[[str], None]]:
    """What writes a record to stdout, or to a device, which may be a terminal, or a pipe."""
    from textgen.batch.output import STREAMS
    from textgen.text.visible import escaped

    if output is None or output in STREAMS:
        yield console.json_result
        return
    with Path(output).open("w", encoding="utf-8", errors="backslashreplace") as file:

        def write(line: str) -> None:
            file.write(escaped(line) + "\n")
            file.flush()

        yield write


def _exit_code(rows: int, errors: int) -> int:
    if not errors:
        return OK
    return FAILED if errors == rows else SOME_FAILED
