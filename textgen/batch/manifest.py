"""The manifest of a run: everything its results depend on, in a file beside them.

A run may be resumed only as what it was: same options and seed, same models, same input, same versions,
same machine. How many processes compute is not part of it, nor what the output is called.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from textgen.batch.journal import unwritten
from textgen.compute import processor_name
from textgen.errors import UsageError
from textgen.files.atomic import json_bytes, replace_whole
from textgen.files.small_files import read_json
from textgen.models.place import Place
from textgen.options import Options
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import SMALL_FILES
from textgen.version import __version__, version_of

PARTS = ("models", "options", "input", "versions", "machine", "output")
LIBRARIES = ("torch", "sentencepiece", "jieba")
SUFFIXES = (".json", ".safetensors")  # of a model's files
MOST_SHOWN = 4  # differences
CHANGED = "the input has changed"


@dataclass(frozen=True)
class Manifest:
    """The manifest of a run.

    Attributes:
        command: What is done: `title`, `sample`, `compose` and so on.
        models: Name and sha256 of the files of each model, by what it is for.
        options: All of them, the seed among them.
        input: sha256 of the input and of how it is read, its rows, and which of them.
        versions: Of the libraries, and of Python.
        machine: Processor, system, kind of device, threads of a worker, precision.
        output: How it is written, where that is not as usual.
        errors: How many rows are errors; None until all are computed.
        replaces: Whether the run may replace an output that is there already.
    """

    command: str
    models: dict[str, Any]
    options: dict[str, Any]
    input: dict[str, Any]
    versions: dict[str, str]
    machine: dict[str, Any]
    output: dict[str, Any] = field(default_factory=dict)
    errors: int | None = None
    replaces: bool = False

    def write(self, path: Path) -> None:
        """Write the manifest atomically. Raises TextgenError if that fails."""
        try:
            replace_whole(path, json_bytes(asdict(self), indent=1))
        except OSError as error:
            raise unwritten(path, error) from None


def manifest_of(
    command: str, models: Mapping[str, ModelFiles], options: Options, input: dict[str, Any], place: Place
) -> Manifest:
    """The manifest of a run that begins."""
    return Manifest(
        command,
        {
            role: {"name": files.label.partition("@")[0], "sha256": _digest(files)}
            for role, files in models.items()
        },
        options.model_dump(mode="json"),
        input,
        {"textgen": __version__, "python": platform.python_version()}
        | {name: version_of(name) for name in LIBRARIES},
        {
            "cpu": processor_name(),
            "system": f"{platform.system()} {platform.machine()}",
            "device": place.device,
            "threads": place.threads or 1,
            "precision": models["model"].precision,
        },
    )


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises UsageError if it is none."""
    try:
        manifest = Manifest(**read_json(path))
        for name in PARTS:
            if not isinstance(getattr(manifest, name), dict):
                raise TypeError(f"{name} is no table")
        return manifest
    except (OSError, ValueError, TypeError) as error:
        message, hint = "{path} cannot be used: {reason}", "{@force} begins anew"
        raise UsageError(message, path=path, reason=error, hint=hint) from None


def check_same(earlier: Manifest, now: Manifest, path: Path, *, same_input: bool = True) -> None:
    """Refuse to resume if anything differs from what was run.

    Args:
        earlier: What was run.
        now: What is to be run.
        path: Where the earlier one is kept.
        same_input: Whether the input must be the same, and not only the number of its rows.

    Raises:
        UsageError: They differ; the message says in what.
    """
    before, after = asdict(earlier), asdict(now)
    for values in (before, after):
        del values["errors"], values["replaces"]
        if not same_input:
            values["input"].pop("sha256", None)
    found = [
        CHANGED if name == "input.sha256" else f"{name} {_short(one)}, now {_short(other)}"
        for name, one, other in _differences(before, after)
    ]
    if not found:
        return
    message, hint = "{path} is of another run: {differences}", "{@force} begins anew"
    if len(found) > MOST_SHOWN:
        message = "{path} is of another run: {differences}, and {more} more"
    if found == [CHANGED] and earlier.errors:
        hint = "{@retry_errors} redoes the error rows, {@force} begins anew"
    shown, more = "; ".join(found[:MOST_SHOWN]), len(found) - MOST_SHOWN
    raise UsageError(message, path=path, differences=shown, more=more, hint=hint)


def _differences(one: Any, other: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys((*one, *other)):
            yield from _differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif one != other:
        yield name, one, other


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else text[:20] + "…"


def _digest(files: ModelFiles) -> str:
    """The sha256 of all files of a model, its tokenizer's among them."""
    digest = sha256()
    names = {*SMALL_FILES, *(path.name for path in files.path.iterdir() if path.suffix in SUFFIXES)}
    paths = sorted(path for name in names if (path := files.path / name).is_file())
    if files.adapter is not None:
        paths += sorted(path for path in files.adapter.iterdir() if path.suffix in SUFFIXES)
    for path in [*paths, *([files.tokenizer] if files.tokenizer else [])]:
        digest.update(os.fsencode(path.name))
        with path.open("rb") as file:
            file_digest(file, lambda: digest)
    return digest.hexdigest()
