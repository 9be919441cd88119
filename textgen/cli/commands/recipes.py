"""The commands of `textgen train`: one for every recipe of a network, and that of tokenizers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import OK, Printing
from textgen.cli.render import console
from textgen.options import fields
from textgen.options.fields import Count, changed, field
from textgen.options.recipes import OPTIONS
from textgen.options.tokenizer import TokenizerTrainOptions

if TYPE_CHECKING:
    from pydantic import BaseModel

    from textgen.train.run import Outcome

INTERRUPTED = 130

recipes = typer.Typer(no_args_is_help=True)

Inputs = Annotated[
    list[str], typer.Argument(help="Rows: text files, tables, folders, patterns; or -.", metavar="INPUT...")
]
Directory = Annotated[
    Path, typer.Option("-o", "--output", help="The run's folder, which becomes the model's.", metavar="DIR")
]
Folder = Annotated[
    Path, typer.Option("-o", "--output", help="Folder for the tokenizer, which is its name.", metavar="DIR")
]


class TokenizerRun(Printing):
    """The options of a run that trains a tokenizer."""

    force: bool = field(False, "Replace the tokenizer in DIR.")


class TrainRun(TokenizerRun):
    """The same of a network."""

    dev: str | None = field(
        None, "Rows for evaluation during training; the best model is kept.", fields.DATA, metavar="FILE"
    )
    resume: bool = field(False, "Continue the run in DIR, if there is one.")
    force: bool = changed(TokenizerRun, "force", False, "Replace the run in DIR, once all rows are read.")
    threads: Count | None = field(
        None, "Threads to compute with (default: the cores it may use).", fields.RUN
    )


def flags_of(options: type[BaseModel]) -> opt.Flags:
    """Flags of a recipe's options; those that it has for itself come first, then panel by panel."""
    panels = {name: fields.shown(info, "panel") for name, info in options.model_fields.items()}
    order = {panel: number for number, panel in enumerate(fields.OF_TRAINING)}
    found = opt.flags_of(options)
    return {name: found[name] for name in sorted(found, key=lambda name: order[panels[name]])}


def command_for(recipe: str, model: type[BaseModel]) -> Callable[..., int]:
    """The command of a recipe of a network."""

    def command(
        inputs: Inputs,
        options: dict[str, Any],
        output: Directory,
        run: TrainRun,
    ) -> int:
        from textgen.cli.render.training import stopping, watching
        from textgen.compute import import_torch
        from textgen.compute import threads as computing

        import_torch()
        from textgen.train.run import train

        quiet = run.quiet or not _speaks()
        with (
            computing(run.threads),
            stopping(quiet=quiet) as stopped,
            watching(recipe, quiet=quiet) as on_event,
        ):
            outcome = train(
                recipe,
                inputs,
                output,
                dev=run.dev,
                resume=run.resume,
                force=run.force,
                stopped=stopped,
                on_event=on_event,
                **options,
            )
        if _speaks():
            _print_outcome(output, outcome, as_json=run.as_json)
        if not outcome.finished:
            usable = "the model can be used; " if outcome.step else ""
            console.note(f"{usable}the same command with --resume goes on", quiet=quiet)
        return INTERRUPTED if stopped() and not outcome.finished else OK

    command.__name__, command.__doc__ = f"train.{recipe}", model.__doc__  # the table of its options
    return opt.takes(flags_of(model))(command)


def _print_outcome(output: Path, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        console.json_result(json.dumps({"model": str(output), **vars(outcome)}, ensure_ascii=False))
        return
    figures = [f"{name} {value:.4g}" for name, value in outcome.figures.items()]
    steps = f"{outcome.step:,} of {outcome.steps:,} steps"
    console.result(console.cells(str(output), steps, *figures))


def _speaks() -> bool:
    """Tell whether this process prints: of those that accelerate launch starts, the first does."""
    return os.environ.get("RANK", "0") == "0"


def tokenizer(inputs: Inputs, options: dict[str, Any], output: Folder, run: TokenizerRun) -> int:
    """Train a SentencePiece tokenizer, for --tokenizer DIR of the other recipes."""
    from textgen.cli.render.training import watching
    from textgen.train.recipes.tokenizer import train_tokenizer

    with watching("tokenizer", quiet=run.quiet) as on_event:
        trained = train_tokenizer(inputs, output, force=run.force, on_event=on_event, **options)
    if run.as_json:
        facts = vars(trained) | {"path": str(trained.path)}
        console.json_result(json.dumps(facts, ensure_ascii=False))
        return OK
    figures = (
        f"{trained.pieces:,} tokens",
        f"{trained.alphabet:,} characters",
        f"{100 * trained.covered:.4g} % covered",
    )
    console.result(console.cells(str(trained.path), *figures))
    return OK


tokenizer.__name__ = "train.tokenizer"
recipes.command("tokenizer")(opt.takes(flags_of(TokenizerTrainOptions))(tokenizer))
for _name, _options in OPTIONS.items():
    recipes.command(_name)(command_for(_name, _options))
