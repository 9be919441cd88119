"""The planner, which makes a job of a command, its inputs and options, and checks them all.

The command line, `run_batch` and job files all come this way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from textgen.backends.defaults import with_defaults
from textgen.backends.registry import editor_options, for_command, options_class, precision_for
from textgen.batch.engine import Task
from textgen.batch.manifest import Manifest
from textgen.batch.option_files import with_contents
from textgen.batch.output import Output, check_output, output_of
from textgen.batch.run import Job, Summary, earlier_run, run
from textgen.commands import EDITING, GENERATING, generating
from textgen.compute import processors
from textgen.errors import UsageError
from textgen.events import OnEvent, ignore
from textgen.files.rows import FileRows, GivenRows
from textgen.messages import option
from textgen.models.place import CPU, CUDA, Place, choose_device
from textgen.options import InputOptions, Options, RunOptions, composed, parse
from textgen.rng import fresh_seed
from textgen.schema import Row
from textgen.store.catalog import ModelFiles, find_model, find_scorer
from textgen.store.peft_adapters import with_adapter

M = TypeVar("M", bound=BaseModel)

CGMH = "cgmh"  # what the command line calls a model of textgen sample, and is textgen compose
OF_TABLES = ("field", "id_field", "keywords_field", "choices_field", "keep_fields")
ON_FILES = ("force", "resume", "retry_errors", "csv_safe")  # what needs an output that is a file


def plan(
    command: str,
    inputs: Sequence[str] | Sequence[Row],
    options: dict[str, Any],
    output: str | None = None,
    *,
    model: str | None = None,
) -> Job:
    """Check everything that can be checked before a model is loaded, and settle the seed.

    Args:
        command: `title`, `sample`, `compose`, `rewrite`, `correct` or `fill`.
        inputs: Files, folders or patterns; or rows.
        options: Fields of `textgen.options.InputOptions`, of `RunOptions`, and of the model's options, as
            far as they are set.
        output: A file, a folder, or a stream such as `-`; None keeps no records.
        model: The model's name or directory; None is the command's own.

    Raises:
        UsageError: An option is wrong, something is missing, or the output cannot be written or would
            destroy something.
    """
    if command == "sample" and model == CGMH:
        command, model = "compose", None
    options = options.copy()  # what is left of them
    how = _take(options, RunOptions)
    files = _choose_model(command, model)
    files = with_adapter(files, how.adapter) if how.adapter else files
    target = None if output is None else output_of(output, how.shard)
    if target is None and (unfit := [name for name in ON_FILES if getattr(how, name)]):
        raise UsageError(
            "{option} needs a file to write to", option=option(unfit[0]), hint="name one with {@output}"
        )
    rows = _rows(command, inputs, options, target)
    parsed = _generation_options(command, files, options)
    start = check_output(target, rows.files, how) if target else "new"
    earlier = earlier_run(target) if target and start != "new" else None
    settled = _seeded(parsed, earlier)
    place = _place(how, earlier, one_thread=output is not None or how.workers is not None)
    with place.entered():
        edits = command in EDITING
        precision = _had("precision", how, earlier, lambda asked: precision_for(asked, files, edits=edits))
    editor = command if command in EDITING else None
    task = Task(replace(files, precision=precision), settled, editor, place)
    return Job(command, task, rows, target, how, start, fresh_seed=settled.seed != parsed.seed)


def run_batch(
    command: str,
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    model: str | None = None,
    on_event: OnEvent = ignore,
    **options: Any,
) -> Summary:
    """Generate for the rows of files, into a file; what is interrupted can be resumed.

    Args:
        command: `title`, `sample`, `compose`, `rewrite`, `correct` or `fill`.
        inputs: Files, folders or patterns, in any format of `textgen.files.formats`, also packed.
        output: A `.jsonl`, `.csv`, `.parquet` or `.txt` file, or a folder with `/` behind it.
        model: The model's name or directory; None is the command's own.
        on_event: Told of the progress.
        **options: Fields of `textgen.options.InputOptions`, of `RunOptions` (such as `resume=True`), and of
            the model's options (such as `num_candidates=3, seed=7`).

    Returns:
        How many rows there are, and how many are errors.

    Raises:
        UsageError: An option is wrong, the input missing, or the output exists.
        TextgenError: The run was cut short; what was written is safe.
    """
    names = [inputs] if isinstance(inputs, str | Path) else inputs
    if not isinstance(names, Sequence) or not names:
        hint = "give a file, a folder, or a list of them"
        raise UsageError("{inputs} names no input", inputs=inputs, hint=hint)
    job = plan(command, [str(name) for name in names], options, str(output), model=model)
    if job.target is None:
        raise UsageError(
            "{output} is no file", output=output, hint="textgen.load(…).generate returns records"
        )
    return run(job, on_event)


def _choose_model(command: str, name: str | None) -> ModelFiles:
    """Find the model that a command is to use; it must be of a kind that does the command's task."""
    default = generating(command).model
    return for_command(find_model(default if name is None else name), command)


def _generation_options(command: str, files: ModelFiles, options: dict[str, Any]) -> Any:
    """Validate what is left of the options once those of reading and running are taken out."""
    options = with_contents(options)
    if command in EDITING:
        edits = parse(editor_options(command), options, user=f"textgen {command}")
        find_model(edits.proposals)
        return edits
    options = with_defaults(files, options)
    parsed = parse(composed(options_class(files.kind)), options, user=f"{files.kind} models")
    if scorer := parsed.models.get("scorer"):
        find_scorer(scorer)
    return parsed


def _take(options: dict[str, Any], kind: type[M], default: Mapping[str, Any] | None = None) -> M:
    """Take the options of a kind out of those that the user set; where nothing is set, the defaults hold."""
    taken = {name: options.pop(name) for name in kind.model_fields if name in options}
    return parse(kind, {**(default or {}), **taken})


def _rows(
    command: str, inputs: Sequence[str] | Sequence[Row], options: dict[str, Any], output: Output | None
) -> FileRows | GivenRows:
    """The rows of a job; the options of reading are taken out of those given."""
    rows = [item for item in inputs if isinstance(item, Row)]
    if rows:
        if unfit := [name for name in InputOptions.model_fields if name in options]:
            raise UsageError(
                "{option} says how files are read", option=option(unfit[0]), hint="name a file with {@input}"
            )
        return GivenRows(rows)
    names = [item for item in inputs if isinstance(item, str)]
    reads = GENERATING[command].reading
    if reads.get("field", "") is None and "field" in options:
        raise UsageError(
            "{@field} does not apply to {command}", command=command, hint="{@keywords_field} names the words"
        )
    if "choices_field" in options and "choices_field" not in reads:
        raise UsageError(
            "{@choices_field} does not apply to {command}", command=command, hint="fill ranks choices"
        )
    of_tables = [name for name in OF_TABLES if name in options]
    reading = _take(options, InputOptions, reads)
    found = FileRows(names, reading, output.owns if output else None)
    if of_tables and not any(source.format.is_table for source in found.sources):
        raise UsageError(
            "{option} is for tables, and the input is text",
            option=option(of_tables[0]),
            hint="{@format} tsv, csv or jsonl reads a file of another ending as one",
        )
    return found


def _place(how: RunOptions, earlier: Manifest | None, *, one_thread: bool) -> Place:
    """Where a run computes; a cluster has what it has, whatever is here."""
    on_ray = how.engine == "ray"
    device = (CUDA if how.num_gpus else CPU) if on_ray else _had("device", how, earlier, choose_device)
    # records are to be the same with any number of processes: then each has one thread
    threads = min(how.threads, processors()) if how.threads else 1 if one_thread or on_ray else None
    return Place(device, threads)


def _had(name: str, how: RunOptions, earlier: Manifest | None, choose: Callable[[str], str]) -> str:
    """What a run has of the machine: what was asked for; for `auto` what the run that it goes on with had."""
    asked: str = getattr(how, name)
    known = earlier.machine.get(name) if earlier and asked == "auto" else None
    if not isinstance(known, str):
        return choose(asked)
    try:
        return choose(known)
    except UsageError:
        raise UsageError(
            "the run was made with {option} {known}, which this machine does not have",
            option=option(name),
            known=known,
            hint="go on where it is to be had, or begin anew with {@force}",
        ) from None


def _seeded(options: Options, earlier: Manifest | None) -> Options:
    """Options with a seed where something is drawn: that given, that of the earlier run, or a new one."""
    if not options.draws or options.seed is not None:
        return options
    seed = earlier.options.get("seed") if earlier else None
    return options.model_copy(update={"seed": seed if isinstance(seed, int) else fresh_seed()})
