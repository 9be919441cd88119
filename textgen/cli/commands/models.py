"""`textgen models`: which models there are, what they are; the user's own added; import and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.render import console
from textgen.errors import DataError, ModelError

if TYPE_CHECKING:
    from textgen.store.catalog import ModelFiles

models = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A model's name or directory.", show_default=False)]
Directory = Annotated[Path, typer.Argument(help="The model's directory.", metavar="DIR", show_default=False)]


@models.command("list")
def list_models(as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """List embedded and added models."""
    from textgen.store.catalog import added_names, embedded_names, find_model

    for name in [*embedded_names(), *added_names()]:
        try:
            files = find_model(name)
            facts = _facts(files) if as_json else {}
        except ModelError as error:  # the others are there all the same
            console.note(f"warning: {error.line}")
            continue
        if as_json:
            console.json_result(json.dumps(facts, ensure_ascii=False))
        else:
            origin = "embedded" if files.embedded else "added"
            console.result(console.cells(files.name, files.kind, f"{_megabytes(files)} MB", origin))
    return 0


@models.command()
def info(name: Name, as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """Show a model's sizes, files and card."""
    from textgen.store.catalog import CARD, find_model

    files = find_model(name)
    facts = _facts(files)
    if as_json:
        console.json_result(json.dumps(facts, ensure_ascii=False))
        return 0
    for key, value in facts.items():
        if value is not None:  # not every kind has layers and positions
            console.result(f"{key:12} {console.cells(str(value))}")
    card = files.path / CARD
    if card.exists():
        _show(card)
    return 0


@models.command()
def check(
    name: Name,
    precision: Annotated[
        str, opt.option("What it is to write in (default auto).", metavar="auto|fp32|bf16|int8")
    ] = "auto",
    as_json: opt.Json = False,
    debug: opt.Debug = False,
) -> int:
    """Look at a model from its files to what it writes, and say what is broken.

    A checkpoint is loaded twice: that of a large model takes a while.
    """
    from textgen.check.finding import BROKEN
    from textgen.check.run import check_model
    from textgen.cli.render.findings import show

    found = []
    for finding in check_model(name, precision=precision):
        found.append(finding)
        if not as_json:
            show(finding)
    sound = all(finding.state != BROKEN for finding in found)
    if as_json:
        facts = {"model": name, "sound": sound, "findings": [finding.to_dict() for finding in found]}
        console.json_result(json.dumps(facts, ensure_ascii=False))
    return 0 if sound else 1


@models.command()
def add(
    directory: Directory,
    name: Annotated[
        str | None, opt.option("What to call it (default the directory's name).", metavar="NAME")
    ] = None,
    force: Annotated[bool, opt.option("Replace the added model of that name.", "--force")] = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Copy a model into your folder of models, so that --model NAME finds it from anywhere.

    The folder is that of programs' data (see `models info NAME`), or TEXTGEN_MODELS of the environment.
    """
    from textgen.backends.registry import check_loads
    from textgen.store.catalog import find_directory
    from textgen.store.user_models import add_model

    files = find_directory(str(directory))
    added = add_model(files, directory.resolve().name if name is None else name, check_loads, force=force)
    console.note(f"added {added.name} ({added.kind}, {_megabytes(added)} MB): {added.path}", quiet=quiet)
    return 0


@models.command()
def remove(
    names: Annotated[
        list[str], typer.Argument(help="Names of added models.", metavar="NAME...", show_default=False)
    ],
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Delete models that were added."""
    from textgen.store.user_models import remove_models

    for name in remove_models(names):
        console.note(f"removed {name}", quiet=quiet)
    return 0


@models.command()
def export(
    name: Name,
    directory: Annotated[Path, typer.Argument(help="Where to write; made if absent.", metavar="DIR")],
    dtype: Annotated[
        str | None, opt.option("For transformers: precision (default fp16).", metavar="fp16|fp32")
    ] = None,
    storage: Annotated[
        str | None,
        opt.option("Write a directory for textgen alone, in this precision.", metavar="int8|fp16|fp32"),
    ] = None,
    force: opt.Force = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write a directory that transformers loads as it is; with --storage, one for textgen alone."""
    from textgen.store.catalog import find_model
    from textgen.store.export import check_export, export_model, store_model

    files = find_model(name)
    check_export(directory, dtype, force=force, storage=storage)
    written = (
        export_model(files, directory, dtype or "fp16")
        if storage is None
        else store_model(files, directory, storage)
    )
    for path in written:
        console.note(f"wrote {path}", quiet=quiet)
    return 0


@models.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(help="A checkpoint, or the folder with one.", metavar="SRC", show_default=False),
    ],
    directory: Annotated[Path, typer.Argument(help="Where to write.", metavar="OUT", show_default=False)],
    kind: Annotated[
        str | None,
        opt.option(
            "The kind of model, where the names of its tensors do not tell it.",
            metavar="simbert|roformer|roformer-sim|nezha",
        ),
    ] = None,
    force: Annotated[bool, opt.option("Replace a model that is there.", "--force")] = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Convert a checkpoint of TensorFlow, bert4keras, UER or PyTorch (.bin) to safetensors.

    TensorFlow is not needed. Files of PyTorch are read by the loader that runs nothing in them.
    """
    from textgen.store.convert.conversion import convert_model

    done = convert_model(source, directory, kind=kind, force=force)
    for path in done.files:
        console.note(f"wrote {path}", quiet=quiet)
    if done.left_out:
        count, named = len(done.left_out), ", ".join(done.left_out[:3])
        tensors = "tensor" if count == 1 else "tensors"
        more = ", …" if count > 3 else ""
        place = f"that a {done.kind} model has no place for"
        console.note(f"left out {count} {tensors} {place}: {named}{more}", quiet=quiet)
    if not done.tokenizer:
        console.note(f"warning: no vocabulary lies beside {source}: put it into {directory}", quiet=quiet)
    return 0


def _show(card: Path) -> None:
    """Print a card. What cannot be read is told: the model is none the worse for it."""
    from textgen.files.encodings.detection import decode_bytes
    from textgen.files.small_files import read_small

    try:
        text = decode_bytes(read_small(card), name=str(card)).rstrip()
    except OSError as error:
        console.note(f"warning: no card: {card}: {error.strerror or error}")
    except DataError as error:
        console.note(f"warning: no card: {error.line}")
    else:  # where a closed pipe is no missing card
        console.result(f"\n{text}")


def _facts(files: ModelFiles) -> dict[str, Any]:
    from textgen.store.catalog import fingerprint, read_metadata

    config = files.config
    return {
        "name": files.name,
        "kind": files.kind,
        "embedded": files.embedded,
        "layers": files.size("layers"),
        "width": files.size("width"),
        "positions": files.size("positions"),
        "vocabulary": config.get("vocab_size"),
        "styles": config.get("styles"),
        "storage": read_metadata(files.weight_files[0]).get("storage", "float"),
        "sha256": fingerprint(*files.weight_files),
        "megabytes": _megabytes(files),
        "path": str(files.path),
    }


def _megabytes(files: ModelFiles) -> float:
    return round(sum(file.stat().st_size for file in files.weight_files) / 1e6, 1)
