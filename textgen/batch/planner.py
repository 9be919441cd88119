"""The commands that generate, as the library knows them: their models, options and rows.

The command line and `textgen.run_batch` are views of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from textgen.batch.engine import Task, cores
from textgen.batch.output import Output, check_output, output_of
from textgen.batch.run import Job, Summary, earlier_seed, run
from textgen.errors import UsageError
from textgen.events import OnEvent, ignore
from textgen.files.rows import FileRows, GivenRows, read_lines
from textgen.messages import option
from textgen.options import InputOptions, Options, RunOptions, parse
from textgen.registry import EDITORS, LANGUAGE_MODEL, editor_options, options_class, task_of
from textgen.rng import fresh_seed
from textgen.schema import Row
from textgen.store.catalog import ModelFiles, find_model, find_scorer

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Command:
    """A command that generates.

    Attributes:
        model: Its default model.
        otherwise: What does the other kinds of models' work.
        reading: How it reads files, where its user says nothing.
    """

    model: str
    otherwise: str
    reading: InputOptions


OF_TABLES = ("field", "id_field", "keywords_field", "keep_fields")
ON_LINES = InputOptions(lines=True, keywords_field="")
COMMANDS = {
    "title": Command("title", "textgen sample continues prompts with it", InputOptions(keywords_field="")),
    "sample": Command("gpt2", "textgen title writes titles with it", ON_LINES),
    "compose": Command(LANGUAGE_MODEL, "the language model is a gpt2", InputOptions(field=None, lines=True)),
    "rewrite": Command(LANGUAGE_MODEL, "the language model is a gpt2", ON_LINES),
    "correct": Command(LANGUAGE_MODEL, "the language model is a gpt2", ON_LINES),
    "fill": Command(LANGUAGE_MODEL, "the language model is a gpt2", ON_LINES),
}


def choose_model(command: str, name: str | None = None) -> ModelFiles:
    """Find the model that a command is to use.

    Raises:
        UsageError: There is none of that name, or it is of a kind that does another command's task.
    """
    known = COMMANDS[command]
    files = find_model(known.model if name is None else name)
    wrong = files.kind != LANGUAGE_MODEL if command in EDITORS else task_of(files.kind) != command
    if wrong:
        raise UsageError(f"{name} is a {files.kind} model", hint=known.otherwise)
    return files


def options_for(command: str, files: ModelFiles, given: dict[str, Any]) -> Any:
    """Validate what is left of the options once those of reading and running are taken out."""
    if command in EDITORS:
        options = parse(editor_options(command), given, user=f"textgen {command}")
        find_model(options.proposals)
        return options
    if isinstance(given.get("one_of"), str):
        given = given | {"one_of": read_lines(given["one_of"], "{@one_of}")}
    options = parse(options_class(files.kind), given, user=f"{files.kind} models")
    if scorer := getattr(options, "scorer", None):
        find_scorer(scorer)
    return options


def take(given: dict[str, Any], kind: type[M], default: M | None = None) -> M:
    """Take the options of a kind out of those that the user set.

    Args:
        given: All that are set, by name; loses those that are taken.
        kind: The class of the options.
        default: Their values where nothing is set.
    """
    taken = {name: given.pop(name) for name in kind.model_fields if name in given}
    base = default.model_dump() if default is not None else {}
    return parse(kind, base | taken)


def read_rows(
    command: str, inputs: Sequence[str], given: dict[str, Any], output: Output | None = None
) -> FileRows:
    """The rows of files for a command.

    Args:
        command: The command.
        inputs: Files, folders, patterns.
        given: The options that the user set; loses those of reading.
        output: Where records go; its files are not meant by folders and patterns.
    """
    of_tables = [name for name in OF_TABLES if name in given]
    reading = take(given, InputOptions, COMMANDS[command].reading)
    rows = FileRows(inputs, reading, output.owns if output else None)
    if of_tables and not any(source.format.is_table for source in rows.sources):
        hint = "{@format} tsv, csv or jsonl reads a file of another ending as one"
        raise UsageError(
            "{option} is for tables, and the input is text", option=option(of_tables[0]), hint=hint
        )
    return rows


def given_rows(rows: Sequence[Row], given: dict[str, Any]) -> GivenRows:
    """Rows that were given as they are.

    Raises:
        UsageError: Options say how files are to be read, and there are none.
    """
    if unfit := [name for name in InputOptions.model_fields if name in given]:
        raise UsageError(
            "{option} says how files are read", option=option(unfit[0]), hint="name a file with {@input}"
        )
    return GivenRows(rows)


def task_for(command: str, files: ModelFiles, options: Options, run: RunOptions, *, records: bool) -> Task:
    """What is done with every row.

    Args:
        command: The command.
        files: Its model.
        options: With a seed where anything is drawn.
        run: How the run goes.
        records: Whether records are written, which are to be the same with any number of processes: then
            each has one thread.
    """
    one = records or run.workers is not None or run.engine != "local"
    threads = min(run.threads, cores()) if run.threads else 1 if one else None
    return Task(files, options, command if command in EDITORS else None, threads)


def seeded(options: Options, output: Output | None, *, earlier: bool) -> Options:
    """Where something is drawn and no seed was given: with the seed of the earlier run, or a fresh one."""
    if not options.draws or options.seed is not None:
        return options
    seed = earlier_seed(output) if output is not None and earlier else None
    return options.model_copy(update={"seed": fresh_seed() if seed is None else seed})


def run_batch(
    command: str,
    inputs: str | Sequence[str],
    output: str | Path,
    *,
    model: str | None = None,
    on_event: OnEvent = ignore,
    **options: Any,
) -> Summary:
    """Generate for the rows of files, into a file; what is interrupted can be resumed.

    Args:
        command: `title`, `sample`, `compose`, `rewrite`, `correct` or `fill`.
        inputs: Files, folders or patterns: text, JSONL, CSV, TSV or Parquet, also packed by gzip or xz.
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
    if command not in COMMANDS:
        raise UsageError(f"no command {command}", hint=f"there are {', '.join(COMMANDS)}")
    names = [inputs] if isinstance(inputs, str | Path) else inputs
    given = dict(options)
    how = take(given, RunOptions)
    files = choose_model(command, model)
    target = output_of(str(output), how.shard)
    if target is None:
        raise UsageError(f"{output} is no file", hint="textgen.load(…).generate returns records")
    rows = read_rows(command, [str(name) for name in names], given, target)
    parsed = options_for(command, files, given)
    start = check_output(target, rows.files, how)
    parsed = seeded(parsed, target, earlier=start != "new")
    task = task_for(command, files, parsed, how, records=True)
    return run(Job(command, task, rows, target, how, start), on_event)
