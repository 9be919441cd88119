"""`textgen batch`: a run that a file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import ObservedSink, generate
from textgen.cli.render.texts import texts
from textgen.cli.spelling import naming_keys
from textgen.commands import GENERATING
from textgen.files.config_file import read_job
from textgen.options import RunOptions

JOB = "A TOML file with command, input, output, and options of the command."
OVERRIDES = ("force", "resume", "retry_errors", "strict", "workers", "shard")


@opt.takes({name: flag for name, flag in opt.flags_of(RunOptions).items() if name in OVERRIDES})
def batch(
    job: Annotated[Path, typer.Argument(help=JOB, metavar="JOB.toml", show_default=False)],
    options: dict[str, Any],
    quiet: opt.Quiet = False,
) -> int:
    """Take the command, its input, output and options from the file.

    Keys are long options with underscores, such as num_candidates = 3, and command = "title",
    input = "news.jsonl" (or a list), output = "titles.csv". Paths are those of the folder that you are in.
    """
    command, inputs = read_job(job, tuple(GENERATING))
    settings = opt.read_settings(job, command)
    settings.pop("inputs", None)
    model = opt.validated(settings.pop("model", None), str | None, job, "model")
    with naming_keys(job, {*settings} - {*options}, flags=OVERRIDES):
        sink = opt.take(settings, ObservedSink)
        if quiet:
            sink = sink.model_copy(update={"quiet": True})
        return generate(command, inputs, settings | options, model=model, sink=sink, shown=texts)
