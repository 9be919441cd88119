"""A run over files: rows in, records out, nothing lost.

The records go into a journal beside the output, a line each, and become the output once all are there.
A run that was interrupted goes on behind the last whole window of rows, and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import islice

from textgen.batch.engine import Engine, NothingToCompute, Rows, Slice, Task, Worker
from textgen.batch.journal import Journal, Kept, digests_in, journal, unwritten, whole_windows
from textgen.batch.manifest import Manifest, check_same, manifest_of, read_manifest
from textgen.batch.output import Output, Start, start_of
from textgen.batch.pool import pool
from textgen.batch.publish import appeared, finish, publish_whole
from textgen.batch.ray import on_ray
from textgen.batch.retry import RowsAgain, record_lines
from textgen.compute import share
from textgen.errors import TextgenError, UsageError
from textgen.events import Note, OnEvent, ProgressCounter, ignore
from textgen.files.atomic import stamp
from textgen.files.lock import locked
from textgen.messages import located
from textgen.models.place import CUDA
from textgen.options.batch import RunOptions
from textgen.schema import Record

OnRecord = Callable[[Record], None]


def unheard(record: Record) -> None:
    """The callback of a caller who does not want the records."""


@dataclass(frozen=True)
class Job:
    """A planned run.

    Attributes:
        command: `title`, `sample`, `compose` and so on.
        task: What is done with every row.
        rows: The input.
        target: Where the records go; None gives them to the caller, and keeps none.
        options: How the run goes.
        start: From `check_output`.
        fresh_seed: Nobody has named the seed of what is drawn.
    """

    command: str
    task: Task
    rows: Rows
    target: Output | None
    options: RunOptions
    start: Start = "new"
    fresh_seed: bool = False

    @property
    def output(self) -> Output:
        """The files of the output. Raises ValueError if the job has none."""
        if self.target is None:
            raise ValueError("the job has no output; stream it")
        return self.target

    @property
    def shard(self) -> Slice:
        """The rows of the shard: neighbours, so that the outputs of all, joined, are that of the whole."""
        (part, parts), total = self.options.shard, len(self.rows)
        return Slice(self.rows, total * (part - 1) // parts, total * part // parts)


@dataclass(frozen=True)
class Summary:
    """The summary of a run.

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


def run(job: Job, on_event: OnEvent = ignore, on_record: OnRecord = unheard) -> Summary:
    """Compute the missing records of a run, and finish it.

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
        for note in job.rows.notes:
            on_event(note)
        manifest = _manifest(job)
        if job.start == "new":
            return _go_on(job, manifest, Kept(), on_event, on_record)
        known = job.output.running if job.start == "resume" else job.output.manifest
        earlier = read_manifest(known)
        retried = job.start == "retry" and bool(earlier.errors)
        check_same(earlier, manifest, known, same_input=not retried)
        if job.start == "resume":
            return _resume(job, earlier, on_event, on_record)
        if retried:
            return _retry(job, manifest, on_event, on_record)
        return Summary(len(job.shard), earlier.errors or 0, 0)


def stream(job: Job, on_event: OnEvent = ignore) -> Iterator[Record]:
    """Compute the rows of a job and keep nothing: the records in their order.

    Args:
        job: What to do; its target is not looked at.
        on_event: Told of the progress.

    Raises:
        TextgenError: A row is an error under `strict`, or a process died.
    """
    for note in job.rows.notes:
        on_event(note)
    with _engine(job, len(job.shard)) as engine:
        engine.begin(on_event)
        for record in engine.records(job.shard, ProgressCounter(len(job.shard), on_event)):
            check_strict(record, job.options)
            yield record


def check_strict(record: Record, options: RunOptions) -> None:
    """Raise TextgenError at an error record under `strict`."""
    if options.strict and record.error is not None:
        hint = "{@strict} stops here; without it {@resume} goes on"
        raise TextgenError("{error}", error=located(record.id, record.error), hint=hint)


def earlier_run(output: Output) -> Manifest | None:
    """The manifest of the run that an output is of."""
    known = next((path for path in (output.running, output.manifest) if path.exists()), None)
    return read_manifest(known) if known else None


def _engine(job: Job, count: int) -> AbstractContextManager[Engine]:
    """The engine for so many rows of the job."""
    task, options = job.task, job.options
    if not count or all(row.error is not None for row in job.rows):  # nothing to load a model for
        return nullcontext(NothingToCompute(task))
    if options.engine == "ray":
        return on_ray(task, options)
    # a GPU computes for one process faster than for several
    several = task.place.threads == 1 and options.threads is None and task.place.device != CUDA
    workers = options.workers or (share().threads if several else 1)
    workers = min(workers, -(-count // task.options.window))
    return pool(task, workers) if workers > 1 else nullcontext(Worker(task))


def _manifest(job: Job) -> Manifest:
    part, parts = job.options.shard
    size = {"rows": len(job.rows), "shard": f"{part}/{parts}"}
    input = {"sha256": job.rows.fingerprint(), **size, **job.rows.reading}
    found = manifest_of(job.command, job.task.models, job.task.options, input, job.task.place)
    safe = {"csv_safe": True} if job.options.csv_safe else {}
    return replace(found, output=safe, replaces=job.options.force or job.start == "retry")


def _resume(job: Job, earlier: Manifest, on_event: OnEvent, on_record: OnRecord) -> Summary:
    """Continue after the last complete window, or finish what has been computed."""
    output = job.output
    whole = output.whole.exists() or output.path.exists()  # what becomes the output, or has become it
    if earlier.errors is not None and not output.part.exists() and whole:
        publish_whole(output, earlier)
        return Summary(len(job.shard), earlier.errors, 0)
    ours = output.part.exists() and output.path.exists() and output.part.samefile(output.path)
    if output.path.exists() and not (earlier.replaces or ours):
        raise appeared(output, UsageError)
    digests = zip(digests_in(output.part_digests), job.shard, strict=False)
    fit = (digest == row.digest for digest, row in digests)
    kept = whole_windows(output.part, fit, job.task.options.window, len(job.shard))
    return _go_on(job, replace(earlier, errors=None), kept, on_event, on_record)


def _go_on(job: Job, manifest: Manifest, kept: Kept, on_event: OnEvent, on_record: OnRecord) -> Summary:
    total, rows = len(job.shard), replace(job.shard, start=job.shard.start + kept.rows)
    with _engine(job, len(rows)) as engine:
        engine.begin(on_event)
        with journal(job.output.part, job.output.part_digests, kept) as log:
            manifest.write(job.output.running)
            records = engine.records(rows, ProgressCounter(total, on_event, done=kept.rows))
            errors = kept.errors + _write(records, log, job, on_record)
        memory = engine.memory
    _check_input(job, whole=log.rows == len(rows))
    finish(job.output, manifest, errors, job.shard)
    return Summary(total, errors, len(rows), memory)


def _retry(job: Job, manifest: Manifest, on_event: OnEvent, on_record: OnRecord) -> Summary:
    """Compute the error rows again; the other records stay as they are, byte for byte."""
    output = job.output
    rows = RowsAgain(job.shard, output.records, output.digests)
    if rows.changed:
        message = "rows that have changed since and are computed again, too: {rows}"
        on_event(Note(message, rows=f"{rows.changed:,}"))
    before = [stamp(output.path), stamp(output.records)]  # whether somebody edits them
    with _engine(job, len(rows)) as engine:
        engine.begin(on_event)
        with journal(output.part, output.part_digests, Kept()) as log:
            again = engine.records(rows, ProgressCounter(len(rows), on_event))
            errors = 0
            kept = zip(rows.again, record_lines(output.records), digests_in(output.digests), strict=False)
            for computed, line, digest in kept:
                if computed:
                    errors += _write(islice(again, 1), log, job, on_record)
                else:
                    log.write(line, digest)
        memory = engine.memory
    if [stamp(output.path), stamp(output.records)] != before:
        message = "{path} was changed during the run, and is left as it is"
        raise TextgenError(message, path=output.path, hint="look at it, then give {@retry_errors} again")
    _check_input(job, whole=log.rows == len(job.shard))
    finish(output, manifest, errors, job.shard)
    return Summary(len(job.shard), errors, len(rows), memory)


def _check_input(job: Job, *, whole: bool) -> None:
    """Refuse to finish if the input has changed meanwhile; what was written stays."""
    if whole and (not job.rows.touched() or _are_made_of_its_rows(job)):
        return
    message = "the input changed while it was read; the records so far stay in {part}"
    hint = "with the input as it was {@resume} goes on, {@force} begins anew"
    if job.start == "retry":
        message = "the input changed while it was read; {path} is as it was"
        hint = "{@retry_errors} begins anew, {@force} begins anew"
    raise TextgenError(message, part=job.output.part, path=job.output.path, hint=hint)


def _are_made_of_its_rows(job: Job) -> bool:
    """Whether the records in the journal are those of the input as it is now."""
    digests, shard = digests_in(job.output.part_digests), job.shard
    rows = 0
    try:
        for row in job.rows:
            if shard.start <= rows < shard.stop and row.digest != next(digests, None):
                return False
            rows += 1
    except TextgenError:  # it cannot be read any more
        return False
    return rows == len(job.rows)


def _write(records: Iterable[Record], log: Journal, job: Job, on_record: OnRecord) -> int:
    """Write records as they come; return how many are errors."""
    errors = 0
    for record in records:
        check_strict(record, job.options)
        errors += record.error is not None
        log.write(record.to_json(), record.made_of)
        on_record(record)
        if log.rows % job.task.options.window == 0:
            log.sync()
    return errors


@contextmanager
def _held(job: Job) -> Iterator[None]:
    """Lock the output, and check that no other run has changed it since this one was planned."""
    output = job.output
    made = [folder for folder in output.path.parents if not folder.exists()] if output.in_folder else []
    try:
        if output.in_folder:
            output.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(output.path.parent, error) from None
    try:
        with locked(output.lock, output.path):
            if start_of(output, job.options) != job.start:
                message = "{path} has just been written by another run"
                raise UsageError(message, path=output.path, hint="look at it")
            yield
    finally:
        with suppress(OSError):  # they are not empty, unless they were made for nothing
            for folder in made:
                folder.rmdir()
