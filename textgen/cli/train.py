"""`textgen train`: models from text, a command a recipe."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from textgen.cli import console
from textgen.cli import options as opt
from textgen.options.train import OPTIONS, TrainOptions

if TYPE_CHECKING:
    from textgen.options import InputOptions

OK, INTERRUPTED = 0, 130
TRAINING_PANEL, DATA_PANEL = "Training", "Data"
FIELDS = {
    "text_field": "Its field with the text (default text).",
    "title_field": "Its field with the title (default title).",
    "label_field": "Its field with the label (default label).",
    "source_field": "Its field with the name of its source, for --weight (default source, else the file).",
}

train = typer.Typer(help="Train models: a command a recipe.", no_args_is_help=True)

Inputs = Annotated[
    list[str], typer.Argument(help="Rows: text files, tables, folders, patterns.", metavar="INPUT...")
]
Directory = Annotated[
    Path, typer.Option("-o", "--output", help="The run's folder, which becomes the model's.", metavar="DIR")
]
Dev = Annotated[
    str | None,
    opt.option(
        "Rows to look at meanwhile; the best model on them is kept.", panel=DATA_PANEL, metavar="FILE"
    ),
]
Resume = Annotated[bool, opt.switch("--resume", "Go on with the run in DIR, if there is one.")]
Force = Annotated[bool, opt.switch("--force", "Delete the run in DIR.")]
Whole = Annotated[bool, opt.switch("--whole", "A text file is one text, not one a line.", panel=DATA_PANEL)]
Format = Annotated[
    str | None,
    opt.option(
        "What the files hold (default by their endings).",
        panel=DATA_PANEL,
        metavar="text|lines|jsonl|csv|tsv|parquet",
    ),
]


def flags_of(options: type[TrainOptions]) -> opt.Flags:
    """Flags of a recipe's options, in their own words."""
    return {name: _flag(name, field) for name, field in options.model_fields.items()}


def _flag(name: str, field: Any) -> Any:
    kind, default = field.annotation, field.default
    plain = [part for part in get_args(kind) if part is not type(None)] or [kind]
    kind = plain[0] if len(plain) == 1 and get_origin(kind) is not Literal else kind
    if kind is bool:
        both = f"--{name.replace('_', '-')}/--no-{name.replace('_', '-')}"
        shown = _told(field.description, "on" if default else "off")
        return Annotated[
            bool | None, typer.Option(both, help=shown, rich_help_panel=TRAINING_PANEL, show_default=False)
        ]
    metavar = "|".join(get_args(kind)) if get_origin(kind) is Literal else None
    shown = _told(field.description, default)
    given = {int: int, float: float}.get(kind, list[str] if get_origin(kind) is dict else str)
    return Annotated[given | None, opt.option(shown, panel=TRAINING_PANEL, metavar=metavar)]


def _told(description: str, default: Any) -> str:
    """The description with the default, where that is a value."""
    if default in (None, {}):
        return description
    shown = "-".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f"{description.removesuffix('.')} (default {shown})."


def command_for(recipe: str, options: type[TrainOptions]) -> Callable[..., int]:
    """The command of a recipe."""

    def command(
        inputs: Inputs,
        given: dict[str, Any],
        output: Directory,
        dev: Dev = None,
        format: Format = None,
        whole: Whole = False,
        resume: Resume = False,
        force: Force = False,
        as_json: Annotated[bool, opt.switch("--json", "Print one JSON object.")] = False,
        threads: opt.Threads = None,
        config: opt.Config = None,
        quiet: opt.Quiet = False,
        debug: opt.Debug = False,
    ) -> int:
        from textgen.batch.engine import threads as computing
        from textgen.cli.training import watching
        from textgen.train.run import train as run

        fields = {name.removesuffix("_field"): given.pop(name) for name in FIELDS if name in given}
        with computing(threads), _stopping(quiet) as stopped, watching(recipe, quiet=quiet) as on_event:
            outcome = run(
                recipe,
                inputs,
                output,
                dev=dev,
                fields=fields,
                reading=_reading(format, whole=whole),
                resume=resume,
                force=force,
                stopped=stopped,
                on_event=on_event,
                **given,
            )
        if as_json:
            console.result(json.dumps({"model": str(output), **vars(outcome)}, ensure_ascii=False))
        else:
            figures = [f"{name} {value:.4g}" for name, value in outcome.figures.items()]
            console.result("\t".join([str(output), f"{outcome.step} of {outcome.steps} steps", *figures]))
        if not outcome.finished:
            console.note("the model can be used; the same command with --resume goes on", quiet=quiet)
        return INTERRUPTED if stopped() and not outcome.finished else OK

    command.__name__, command.__doc__ = "train", options.__doc__
    shown = {name: Annotated[str | None, opt.option(told, panel=DATA_PANEL)] for name, told in FIELDS.items()}
    if recipe not in ("conditional",):
        shown.pop("label_field")
    return opt.takes(shown, flags_of(options))(command)


for _name, _options in OPTIONS.items():
    train.command(_name)(command_for(_name, _options))


def _reading(format: str | None, *, whole: bool) -> InputOptions:
    from textgen.options import InputOptions, parse
    from textgen.train.run import READING

    given = READING.model_dump() | {"lines": not whole} | ({"format": format} if format else {})
    return parse(InputOptions, given, user="train")


@contextmanager
def _stopping(quiet: bool) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C lets the present step end; the second does not."""
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, earlier)
        console.note("stopping after this step; a checkpoint will be written", quiet=quiet)

    earlier = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, earlier)
