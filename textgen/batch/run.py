"""A run over files: rows in, records out, nothing lost.

The records go into a journal beside the output, a line each, and become the output once all are there.
A run that was interrupted goes on behind the last whole window of rows, and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import islice

from textgen.batch.engine import Engine, Nothing, Rows, Slice, Task, cores, local
from textgen.batch.formats import convert
from textgen.batch.journal import (
    Journal,
    Kept,
    journal,
    locked,
    replace_durably,
    unwritten,
    whole_windows,
)
from textgen.batch.manifest import Manifest, check_same, manifest_of, read_manifest
from textgen.batch.output import Output, Start, start_of
from textgen.batch.retry import ErrorRows, is_error, record_lines
from textgen.errors import TextgenError, UsageError
from textgen.events import OnEvent, Tally, ignore
from textgen.options.batch import RunOptions
from textgen.schema import Record, Row

OnRecord = Callable[[Record], None]


def unheard(record: Record) -> None:
    """The callback of a caller who does not want the records."""


@dataclass(frozen=True)
class Job:
    """A run.

    Attributes:
        command: `title`, `sample`, `compose` and so on.
        task: What is done with every row.
        rows: The input.
        output: Where the records go.
        options: How the run goes.
        start: From `check_output`.
    """

    command: str
    task: Task
    rows: Rows
    output: Output
    options: RunOptions
    start: Start = "new"

    @property
    def bounds(self) -> tuple[int, int]:
        """The rows of the shard."""
        return bounds(len(self.rows), self.options.shard)

    @property
    def total(self) -> int:
        """How many rows the shard has."""
        first, last = self.bounds
        return last - first


@dataclass(frozen=True)
class Summary:
    """How a run ended.

    Attributes:
        rows: Records in the output.
        errors: How many of them are errors.
        computed: How many this run has computed.
        memory: Most bytes that one of its processes has held; 0 where the system does not tell.
    """

    rows: int
    errors: int
    computed: int
    memory: int = 0


def bounds(total: int, shard: tuple[int, int]) -> tuple[int, int]:
    """The rows of a shard: neighbours, so that the outputs of all shards, joined, are that of the whole."""
    part, parts = shard
    return total * (part - 1) // parts, total * part // parts


def run(job: Job, on_event: OnEvent = ignore, on_record: OnRecord = unheard) -> Summary:
    """Compute what is missing of a run, and finish it.

    Args:
        job: What to do; its options have a seed where anything is drawn.
        on_event: Told of the progress, of inputs that were shortened, and so on.
        on_record: Told of every record once it is written.

    Raises:
        UsageError: The run does not match the one that it is to go on with, or another writes the output.
        TextgenError: A model cannot be loaded, the output not be written, a process died, or a row is an
            error under `strict`. What was written is safe, and `resume` goes on.
    """
    with _held(job):
        manifest = _manifest(job)
        if job.start == "new":
            return _go_on(job, manifest, Kept(), on_event, on_record)
        known = job.output.running if job.start == "resume" else job.output.manifest
        earlier = read_manifest(known)
        check_same(earlier, manifest, known, same_input=job.start != "retry")
        if job.start == "resume":
            there = job.output.path.exists() and not job.output.part.exists()
            if earlier.errors is not None and there:
                job.output.running.replace(job.output.manifest)  # it was killed just before this
                return Summary(job.total, earlier.errors, 0)
            kept = whole_windows(job.output.part, job.task.options.window, job.total)
            return _go_on(job, manifest, kept, on_event, on_record)
        if job.start == "finished" or not earlier.errors:
            return Summary(job.total, earlier.errors or 0, 0)
        return _retry(job, manifest, on_event, on_record)


def stream(task: Task, options: RunOptions, rows: Rows, on_event: OnEvent = ignore) -> Iterator[Record]:
    """Compute rows and keep nothing: the records in their order.

    Args:
        task: What is done with every row.
        options: How the run goes.
        rows: The input, of which `shard` is computed.
        on_event: Told of the progress.

    Raises:
        TextgenError: A row is an error under `strict`, or a process died.
    """
    some = Slice(rows, *bounds(len(rows), options.shard))
    with engine_for(task, options, rows, len(some)) as engine:
        engine.begin(on_event)
        for record in engine.records(some, Tally(len(some), on_event)):
            check_strict(record, options)
            yield record


def check_strict(record: Record, options: RunOptions) -> None:
    """Raise TextgenError at an error record under `strict`."""
    if options.strict and record.error is not None:
        raise TextgenError(
            f"{record.id}: {record.error}", hint="--strict stops here; without it --resume goes on"
        )


def earlier_seed(output: Output) -> int | None:
    """The seed of the run that an output is of."""
    known = next((path for path in (output.running, output.manifest) if path.exists()), None)
    seed = read_manifest(known).options.get("seed") if known else None
    return seed if isinstance(seed, int) else None


def engine_for(
    task: Task, options: RunOptions, rows: Iterable[Row], count: int
) -> AbstractContextManager[Engine]:
    """What computes rows.

    Args:
        task: What is done with every row.
        options: How the run goes.
        rows: The whole input, whatever of it is computed.
        count: How many rows are computed.
    """
    if not count or all(row.error is not None for row in rows):  # nothing to load a model for
        return nullcontext(Nothing(task))
    if options.engine == "ray":
        from textgen.batch.ray import on_ray

        return on_ray(task, options)
    workers = options.workers or (cores() if task.threads == 1 and options.threads is None else 1)
    return local(task, min(workers, -(-count // task.options.window)))


def _manifest(job: Job) -> Manifest:
    part, parts = job.options.shard
    size = {"rows": len(job.rows), "shard": f"{part}/{parts}"}
    input = {"sha256": job.rows.fingerprint(), **size, **job.rows.reading}
    return manifest_of(job.command, job.task.models, job.task.options, input, job.task.threads or 1)


def _go_on(job: Job, manifest: Manifest, kept: Kept, on_event: OnEvent, on_record: OnRecord) -> Summary:
    first, last = job.bounds
    rows = Slice(job.rows, first + kept.rows, last)
    with engine_for(job.task, job.options, job.rows, len(rows)) as engine:
        engine.begin(on_event)
        with journal(job.output.part, kept) as log:
            manifest.write(job.output.running)
            records = engine.records(rows, Tally(job.total, on_event, done=kept.rows))
            errors = kept.errors + _write(records, log, job, on_record)
        memory = engine.memory
    _check_input(job, whole=log.rows == len(rows))
    _finish(job, manifest, errors)
    return Summary(job.total, errors, len(rows), memory)


def _retry(job: Job, manifest: Manifest, on_event: OnEvent, on_record: OnRecord) -> Summary:
    """Compute the error rows again; the other records stay as they are, byte for byte."""
    old = job.output.records
    rows = ErrorRows(Slice(job.rows, *job.bounds), old)
    with engine_for(job.task, job.options, job.rows, len(rows)) as engine:
        engine.begin(on_event)
        with journal(job.output.part, Kept()) as log:
            again = engine.records(rows, Tally(len(rows), on_event))
            errors = 0
            for line in record_lines(old):
                if is_error(line):
                    errors += _write(islice(again, 1), log, job, on_record)
                else:
                    log.write(line)
        memory = engine.memory
    _check_input(job, whole=log.rows == job.total)
    _finish(job, manifest, errors)
    return Summary(job.total, errors, len(rows), memory)


def _check_input(job: Job, *, whole: bool) -> None:
    """Refuse records of an input that is another one by now: nobody may go on from them."""
    if whole and not job.rows.changed():
        return
    with suppress(OSError):
        job.output.part.unlink(missing_ok=True)
        job.output.running.unlink(missing_ok=True)
    raise TextgenError("the input changed while it was read", hint="run it again")


def _write(records: Iterable[Record], log: Journal, job: Job, on_record: OnRecord) -> int:
    """Write records as they come; how many of them are errors."""
    errors = 0
    for record in records:
        check_strict(record, job.options)
        errors += record.error is not None
        log.write(record.to_json())
        on_record(record)
        if log.rows % job.task.options.window == 0:
            log.sync()
    return errors


def _finish(job: Job, manifest: Manifest, errors: int) -> None:
    """Make the output of the journal: there at once and as a whole, or not at all.

    A process that is killed between two steps leaves what `run` can go on from.
    """
    output = job.output
    replace(manifest, errors=errors).write(output.running)
    try:
        if output.records == output.path:
            output.part.replace(output.path)
        else:
            convert(output.part, output.draft, output.format)
            replace_durably(output.draft, output.path)
            if errors:  # what --retry-errors goes by
                output.part.replace(output.records)
            else:
                output.records.unlink(missing_ok=True)
                output.part.unlink()
        output.running.replace(output.manifest)
    except OSError as error:
        output.draft.unlink(missing_ok=True)
        raise unwritten(output.path, error) from None


@contextmanager
def _held(job: Job) -> Iterator[None]:
    """Keep other runs from the output, and see that none has been at it since it was looked at."""
    output = job.output
    made = [folder for folder in output.path.parents if not folder.exists()] if output.in_folder else []
    try:
        output.make_folder()
    except OSError as error:
        raise unwritten(output.path.parent, error) from None
    try:
        with locked(output.lock, output.path):
            if start_of(output, job.options) != job.start:
                raise UsageError(f"{output.path} has just been written by another run", hint="look at it")
            yield
    finally:
        with suppress(OSError):  # they are not empty, unless they were made for nothing
            for folder in made:
                folder.rmdir()
