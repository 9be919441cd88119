"""The commands of `textgen train`: one for every recipe of a network, and that of tokenizers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.render import console
from textgen.files.formats.registry import format_names
from textgen.options import fields
from textgen.options.recipes import OPTIONS
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.options.train_titles import TitledTrainOptions

if TYPE_CHECKING:
    from pydantic import BaseModel

    from textgen.options import InputOptions
    from textgen.train.run import Outcome

OK, INTERRUPTED = 0, 130
FIELDS = {
    "text_field": "Field with the text (default text).",
    "title_field": "Field with the title (default title).",
    "label_field": "Field with the label (default label).",
    "source_field": "Field with the name of a row's source, for --weight (default source, else the file).",
}
LABELLED = ("conditional",)

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
Dev = Annotated[
    str | None,
    opt.option("Rows to look at meanwhile; the best model is kept.", panel=fields.DATA, metavar="FILE"),
]
Resume = Annotated[bool, opt.switch("--resume", "Go on with the run in DIR, if there is one.")]
Force = Annotated[bool, opt.switch("--force", "Replace the run in DIR, once all rows are read.")]
Replace = Annotated[bool, opt.switch("--force", "Replace the tokenizer in DIR.")]
Json = Annotated[bool, opt.switch("--json", "Print one JSON object.")]
Whole = Annotated[bool, opt.switch("--whole", "A text file is one text, not one a line.", panel=fields.DATA)]
Format = Annotated[
    str | None,
    opt.option(
        "What the files hold (default by their endings).", panel=fields.DATA, metavar="|".join(format_names())
    ),
]


def flags_of(options: type[BaseModel]) -> opt.Flags:
    """Flags of a recipe's options; those that it has for itself come first, then panel by panel."""
    panels = {name: fields.shown(info, "panel") for name, info in options.model_fields.items()}
    order = {panel: number for number, panel in enumerate(fields.OF_TRAINING)}
    found = opt.flags_of(options)
    return {name: found[name] for name in sorted(found, key=lambda name: order[panels[name]])}


def _field(name: str) -> Any:
    """The flag that names a field; that of the text is called as in the other commands, too."""
    names = [f"--{name.replace('_', '-')}", *(["--field"] if name == "text_field" else [])]
    return Annotated[str | None, opt.option(FIELDS[name], *names, panel=fields.DATA)]


def command_for(recipe: str, model: type[BaseModel]) -> Callable[..., int]:
    """The command of a recipe of a network."""
    needed = {"title_field": issubclass(model, TitledTrainOptions), "label_field": recipe in LABELLED}
    shown = [name for name in FIELDS if needed.get(name, True)]

    def command(
        inputs: Inputs,
        options: dict[str, Any],
        output: Directory,
        dev: Dev = None,
        format: Format = None,
        whole: Whole = False,
        resume: Resume = False,
        force: Force = False,
        as_json: Json = False,
        threads: opt.Threads = None,
        quiet: opt.Quiet = False,
    ) -> int:
        from textgen.cli.render.training import stopping, watching
        from textgen.compute import threads as computing
        from textgen.train.run import train

        quiet = quiet or not _speaks()
        named = {name.removesuffix("_field"): options.pop(name) for name in shown if name in options}
        with computing(threads), stopping(quiet=quiet) as stopped, watching(recipe, quiet=quiet) as on_event:
            outcome = train(
                recipe,
                inputs,
                output,
                dev=dev,
                fields=named,
                reading=_reading(format, whole=whole),
                resume=resume,
                force=force,
                stopped=stopped,
                on_event=on_event,
                **options,
            )
        if _speaks():
            _print_outcome(output, outcome, as_json=as_json)
        if not outcome.finished:
            usable = "the model can be used; " if outcome.step else ""
            console.note(f"{usable}the same command with --resume goes on", quiet=quiet)
        return INTERRUPTED if stopped() and not outcome.finished else OK

    command.__name__, command.__doc__ = f"train.{recipe}", model.__doc__  # the table of its options
    return opt.takes({name: _field(name) for name in shown}, flags_of(model))(command)


def _print_outcome(output: Path, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        console.json_result(json.dumps({"model": str(output), **vars(outcome)}, ensure_ascii=False))
        return
    figures = [f"{name} {value:.4g}" for name, value in outcome.figures.items()]
    steps = f"{outcome.step:,} of {outcome.steps:,} steps"
    console.result(console.cells(str(output), steps, *figures))


def _speaks() -> bool:
    """Of the processes that accelerate launch has started the first alone speaks."""
    return os.environ.get("RANK", "0") == "0"


def tokenizer(
    inputs: Inputs,
    options: dict[str, Any],
    output: Folder,
    format: Format = None,
    whole: Whole = False,
    force: Replace = False,
    as_json: Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Train a SentencePiece tokenizer, for --tokenizer DIR of the other recipes."""
    from textgen.cli.render.training import watching
    from textgen.train.recipes.tokenizer import train_tokenizer

    field = options.pop("text_field", "text")
    reading = _reading(format, whole=whole)
    with watching("tokenizer", quiet=quiet) as on_event:
        trained = train_tokenizer(
            inputs, output, field=field, reading=reading, force=force, on_event=on_event, **options
        )
    if as_json:
        facts = vars(trained) | {"path": str(trained.path)}
        console.json_result(json.dumps(facts, ensure_ascii=False))
        return OK
    figures = (
        f"{trained.pieces:,} pieces",
        f"{trained.alphabet:,} characters",
        f"{100 * trained.covered:.4g} % covered",
    )
    console.result(console.cells(str(trained.path), *figures))
    return OK


def _reading(format: str | None, *, whole: bool) -> InputOptions:
    from textgen.options import InputOptions, parse
    from textgen.train.data.corpus import READING

    given = READING.model_dump() | {"lines": not whole} | ({"format": format} if format else {})
    return parse(InputOptions, given, user="train")


tokenizer.__name__ = "train.tokenizer"
recipes.command("tokenizer")(
    opt.takes({"text_field": _field("text_field")}, flags_of(TokenizerTrainOptions))(tokenizer)
)
for _name, _options in OPTIONS.items():
    recipes.command(_name)(command_for(_name, _options))
