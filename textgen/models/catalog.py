"""Which models there are, told from their files without loading torch."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from textgen.errors import ModelError, UsageError
from textgen.resources import models_dir

TOKENIZER_FILES = ("tokenizer.model", "../tokenizer/zh8k.model")
WEIGHTS = "model.safetensors"
PRIOR = "prior.safetensors"
FINGERPRINT_DIGITS = 12
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class ModelFiles:
    """A model directory that has been looked at but not loaded.

    Attributes:
        name: What the user calls it: an embedded name or a path.
        path: The directory.
        kind: `title`, `bert`, `gpt2`, or what else config.json has as its model_type; picks the backend.
        config: The parsed `config.json`.
        tokenizer: The SentencePiece model; None if there is none.
        embedded: Whether it ships with the package.
    """

    name: str
    path: Path
    kind: str
    config: dict[str, Any]
    tokenizer: Path | None
    embedded: bool

    @property
    def label(self) -> str:
        """What records say of the model: its name and the first digits of the weights' sha256."""
        name = self.name if self.embedded else self.path.resolve().name
        return f"{name}@sha256:{fingerprint(self.weights)}"

    @property
    def weights(self) -> Path:
        """The weights' file."""
        return self.path / WEIGHTS


def embedded_names() -> list[str]:
    """Names of the models that ship with the package."""
    return sorted(folder.name for folder in models_dir().iterdir() if (folder / WEIGHTS).is_file())


def find_model(name: str) -> ModelFiles:
    """Find a model by embedded name or directory.

    Raises:
        UsageError: There is none; the hint says what was probably meant.
        ModelError: The directory is not a whole model of a known kind.
    """
    if not name:
        raise UsageError(
            "the model's name is empty", hint=f"models: {', '.join(embedded_names())}, or a directory"
        )
    if name in embedded_names():
        return inspect_model(models_dir() / name, name, embedded=True)
    path = _existing(name)
    if path is not None and path.is_dir():
        return inspect_model(path, name, embedded=False)
    if path is not None:
        raise UsageError(f"{name} is a file; a model is a directory", hint="give the folder that holds it")
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        raise UsageError(
            f"{name} looks like a hub id; hub models are not supported yet",
            hint=f"download it and name the directory: --model ./{name.split('/')[1]}",
        )
    near = difflib.get_close_matches(name, embedded_names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"models: {', '.join(embedded_names())}, or a directory"
    raise UsageError(f"there is no model {name}", hint=hint)


def inspect_model(path: Path, name: str, *, embedded: bool) -> ModelFiles:
    """Look at a model directory. Raises ModelError if it is not whole or of no known kind."""
    config = _read_config(path)
    if not (path / WEIGHTS).is_file():
        raise ModelError(f"{path} has no {WEIGHTS}", hint="weights are read from safetensors only")
    tokenizer = next((path / file for file in TOKENIZER_FILES if (path / file).is_file()), None)
    tokenizer = tokenizer.resolve() if tokenizer else None
    return ModelFiles(name, path, _kind(path, config), config, tokenizer, embedded)


def fingerprint(path: Path) -> str:
    """The first digits of the sha256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, from its header alone. Raises ModelError if it is broken."""
    try:
        with safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}", hint="is the file whole?") from None


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # longer than a path can be, or the home of nobody
        return None


def _read_config(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} has no config.json", hint="is it a model directory?") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {file}: {error}", hint="is the file whole?") from None
    if not isinstance(config, dict):
        raise ModelError(f"{file} is not a JSON object", hint="is it a model's config.json?")
    return config


def _kind(path: Path, config: dict[str, Any]) -> str:
    architecture = config.get("model_type")
    if not isinstance(architecture, str):
        raise ModelError(f"{path}/config.json names no model_type", hint="is it a model's config.json?")
    # a title model is a BERT that says which token types its targets have
    return "title" if architecture == "bert" and "target_types" in config else architecture
