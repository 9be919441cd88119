"""`textgen batch`: a run that a file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgen.cli import flags as opt

JOB = "A TOML file with command, input, output, and options of the command."


def batch(
    context: typer.Context,
    job: Annotated[Path, typer.Argument(help=JOB, metavar="JOB.toml", show_default=False)],
    force: Annotated[bool, opt.switch("--force", "Overwrite the output.")] = False,
    resume: Annotated[bool, opt.switch("--resume", "Go on where the run was interrupted.")] = False,
    retry_errors: Annotated[
        bool, opt.switch("--retry-errors", "Redo the error rows of a finished output.")
    ] = False,
    strict: Annotated[bool, opt.switch("--strict", "Stop at the first row that is an error.")] = False,
    workers: Annotated[int | None, opt.option("Processes, of one thread each (default one a core).")] = None,
    shard: Annotated[
        str | None, opt.option("Only this part of the rows, such as 2/8.", metavar="I/N")
    ] = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Run the command that a file describes, with the input, output and options that are written there.

    Its keys are long options with underscores, such as num_candidates = 3, and command = "title",
    input = "news.jsonl" (or a list), output = "titles.csv". Paths are those of the folder that you are in.
    """
    from textgen.batch.planner import COMMANDS
    from textgen.files.config_file import read_job

    command, inputs = read_job(job, tuple(COMMANDS))
    named = ["--", *inputs] if command == "title" else [part for name in inputs for part in ("-i", name)]
    switches = {"--force": force, "--resume": resume, "--retry-errors": retry_errors}
    switches |= {"--strict": strict, "--quiet": quiet}
    flags = [flag for flag, wanted in switches.items() if wanted]
    for flag, value in (("--workers", workers), ("--shard", shard)):
        flags += [] if value is None else [flag, str(value)]
    root = context.find_root().command
    args = [command, "--config", str(job), *flags, *named]
    code = root.main(args, prog_name="textgen", standalone_mode=False)
    return code if isinstance(code, int) else 0
