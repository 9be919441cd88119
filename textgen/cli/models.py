"""`textgen models`: which models there are, what they are, and their export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import console
from textgen.cli import options as opt

if TYPE_CHECKING:
    from textgen.models.catalog import ModelFiles

models = typer.Typer(help="List, describe and export models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A model's name or directory.", show_default=False)]


@models.command("list")
def list_models(as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """List the models that are installed."""
    from textgen.models.catalog import embedded_names, find_model

    for name in embedded_names():
        files = find_model(name)
        if as_json:
            console.result(json.dumps(_facts(files), ensure_ascii=False))
        else:
            console.result(f"{name}\t{files.kind}\t{_megabytes(files)} MB")
    return 0


@models.command()
def info(name: Name, as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """Say what a model is: its sizes, files and card."""
    from textgen.models.catalog import find_model

    files = find_model(name)
    facts = _facts(files)
    if as_json:
        console.result(json.dumps(facts, ensure_ascii=False))
        return 0
    for key, value in facts.items():
        console.result(f"{key:12} {value}")
    card = files.path / "CARD.md"
    if card.is_file():
        console.result("\n" + card.read_text(encoding="utf-8").rstrip())
    return 0


@models.command()
def export(
    name: Name,
    directory: Annotated[Path, typer.Argument(help="Where to write; made if absent.", metavar="DIR")],
    dtype: Annotated[
        str, opt.option("Precision of the weights (default fp16).", metavar="fp16|fp32")
    ] = "fp16",
    force: opt.Force = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> int:
    """Write a directory that transformers loads as it is."""
    from textgen.models.catalog import find_model
    from textgen.models.export import check_export, export_model

    files = find_model(name)
    check_export(directory, dtype, force=force)
    for path in export_model(files, directory, dtype):
        console.note(f"wrote {path}", quiet=quiet)
    return 0


def _facts(files: ModelFiles) -> dict[str, Any]:
    from textgen.models.catalog import fingerprint, read_metadata

    config = files.config
    return {
        "name": files.name,
        "kind": files.kind,
        "layers": config.get("n_layer", config.get("num_hidden_layers")),
        "width": config.get("n_embd", config.get("hidden_size")),
        "positions": config.get("n_positions", config.get("max_position_embeddings")),
        "vocabulary": config.get("vocab_size"),
        "storage": read_metadata(files.weights).get("storage", "float"),
        "sha256": fingerprint(files.weights),
        "megabytes": _megabytes(files),
        "path": str(files.path),
    }


def _megabytes(files: ModelFiles) -> float:
    return round(files.weights.stat().st_size / 1e6, 1)
