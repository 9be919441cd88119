"""The path that every generating command takes: options, checks, model, records, exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgen.cli import console
from textgen.errors import UsageError
from textgen.options import Options, parse
from textgen.schema import Record, Row

if TYPE_CHECKING:
    from textgen.cli.observe import Observation
    from textgen.events import OnEvent
    from textgen.models.catalog import ModelFiles

OK, FAILED, SOME_FAILED = 0, 1, 3


@dataclass(frozen=True)
class Request:
    """What a command was asked to do, before anything is loaded.

    Attributes:
        files: The model.
        options: Validated, with the seed that will be used.
        rows: The input.
        output: Where records go; None prints.
        as_json: Print records instead of texts.
        quiet: Say nothing on stderr but errors.
        threads: Threads to compute with; None leaves torch's choice.
        editor: The command, if it writes by editing under the model.
        observation: What is shown and kept of the chains.
    """

    files: ModelFiles
    options: Options
    rows: list[Row]
    output: Path | None
    as_json: bool
    quiet: bool
    threads: int | None
    editor: str | None = None
    observation: Observation | None = None


def one_sink(output: Path | None, *, as_json: bool) -> None:
    """Refuse to both write and print the records."""
    if output and as_json:
        raise UsageError("-o writes the records, --json prints them", hint="leave out one of them")


def observation_of(given: dict[str, Any]) -> Observation:
    """Take what is to be shown and kept of the chains out of the options that the user set."""
    from textgen.cli.observe import Observation

    trace, plot = given.pop("trace", None), given.pop("plot", None)
    return Observation(
        bool(given.pop("watch", False)), Path(trace) if trace else None, Path(plot) if plot else None
    )


def choose_model(name: str, task: str, otherwise: str) -> ModelFiles:
    """Find the model a command is to use, of a kind that does its task."""
    from textgen.models.catalog import find_model
    from textgen.registry import task_of

    files = find_model(name)
    if task_of(files.kind) != task:
        raise UsageError(f"{name} is a {files.kind} model", hint=otherwise)
    return files


def options_for(files: ModelFiles, given: dict[str, Any], editor: str | None = None) -> Any:
    """Validate the options for a model, or for a command that writes by editing."""
    from textgen.batch.read import read_lines
    from textgen.registry import editor_options, options_class

    if editor is not None:
        return parse(editor_options(editor), given, user=f"textgen {editor}")

    if isinstance(given.get("one_of"), str):
        given = given | {"one_of": read_lines(given["one_of"], "--one-of")}
    return parse(options_class(files.kind), given, user=f"{files.kind} models")


def seeded(options: Options, *, quiet: bool) -> Options:
    """Where something is drawn and no seed was given, take a fresh one and tell it."""
    from textgen.rng import fresh_seed

    if not options.draws or options.seed is not None:
        return options
    options = options.model_copy(update={"seed": fresh_seed()})
    console.note(f"seed {options.seed}", quiet=quiet)
    return options


def generate(request: Request, show: Callable[[Record, Row], None]) -> int:
    """Generate, show or write every record as it comes, and tell the exit code."""
    failed = 0
    for record in _records(request, show):
        if record.error is not None:
            failed += 1
            console.report(_named(record, len(request.rows)))
    total = len(request.rows)
    if request.output:
        records = "1 record" if total == 1 else f"{total} records"
        console.note(f"wrote {records} to {request.output}", quiet=request.quiet)
    if not failed:
        return OK
    return FAILED if failed == total else SOME_FAILED


def _records(request: Request, show: Callable[[Record, Row], None]) -> Iterable[Record]:
    from textgen.batch.write import write_records

    with _listening(request) as on_event:
        records = _computed(request, on_event)
        if request.output:
            yield from write_records(request.output, records)
            return
        for record, row in zip(records, request.rows, strict=True):
            if request.as_json:
                console.result(record.to_json())
            elif record.error is None:
                show(record, row)
            yield record


@contextmanager
def _listening(request: Request) -> Iterator[OnEvent]:
    """What renders events, and observes chains where that was asked for."""
    from textgen.cli.observe import Observation, observing

    observation = request.observation or Observation()
    with (
        console.listening(
            len(request.rows),
            quiet=request.quiet,
            to_file=request.output is not None,
            watched=observation.watch,
        ) as on_event,
        observing(observation, on_event) as heard,
    ):
        yield heard


def _computed(request: Request, on_event: Any) -> Iterable[Record]:
    if all(row.error is not None for row in request.rows):  # nothing to load a model for
        return (Record(row.name, [], request.files.label, error=row.error) for row in request.rows)
    backend = load(request)
    records: Iterable[Record] = backend.run(request.rows, request.options, on_event)
    return records


def load(request: Request) -> Any:
    """Load the backend of the request's model, with its threads."""
    import torch

    from textgen.registry import backend_class, editor_class

    if request.threads:
        torch.set_num_threads(min(request.threads, os.cpu_count() or 1))
    kind = request.files.kind
    backend = backend_class(kind) if request.editor is None else editor_class(request.editor)
    return backend.open(request.files)


def _named(record: Record, total: int) -> str:
    return str(record.error) if total == 1 else f"{record.id}: {record.error}"
