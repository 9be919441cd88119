"""The models on disk, known by their files without loading torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import utf8_name
from textgen.files.small_files import read_json
from textgen.messages import Message
from textgen.models.families import family_for
from textgen.models.family import Family
from textgen.models.views import TitleRanker
from textgen.resources import models_dir, user_models_dir

TOKENIZER_FILES = ("tokenizer.model", "../tokenizer/zh8k.model")
CONFIG = "config.json"
CARD = "CARD.md"
WEIGHTS = "model.safetensors"
PRIOR = "prior.safetensors"
FINGERPRINT_DIGITS = 12
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_DAMAGED = "is the file whole?"
_OTHER = "is it a model's config.json?"
_CONVERT = "weights are read from safetensors only: textgen models convert {path} OUT writes them"


@dataclass(frozen=True)
class ModelFiles:
    """A model directory that has been looked at but not loaded.

    Attributes:
        name: What the user calls it: an embedded or added name, or a path.
        path: The directory.
        family: The record of its family, found by config.json.
        config: The parsed `config.json`.
        tokenizer: The SentencePiece model; None if there is none.
        embedded: Whether it ships with the package.
        added: Whether the user added it.
        precision: What its network is to multiply in: `fp32`, `bf16` or `int8`.
    """

    name: str
    path: Path
    family: Family
    config: dict[str, Any]
    tokenizer: Path | None
    embedded: bool
    added: bool = False
    precision: str = "fp32"

    @property
    def kind(self) -> str:
        """The name of its family: `title`, `bert`, `gpt2`, or what else config.json has as its model_type."""
        return self.family.name

    @property
    def positions(self) -> int:
        """Most ids that its network reads and writes together, which its family has."""
        return int(self.config[str(self.family.keys.positions)])

    @property
    def label(self) -> str:
        """The model's name in records, and the first digits of the weights' sha256."""
        name = self.name if self.embedded or self.added else self.path.resolve().name
        return f"{name}@sha256:{fingerprint(self.weights)}"

    @property
    def weights(self) -> Path:
        """The weights' file."""
        return self.path / WEIGHTS


def embedded_names() -> list[str]:
    """Names of the models that ship with the package."""
    return sorted(folder.name for folder in models_dir().iterdir() if (folder / WEIGHTS).is_file())


def added_names() -> list[str]:
    """Names of the models that the user added; none if their folder cannot be read."""
    folders = {file.parent.name for file in user_models_dir().glob(f"*/{WEIGHTS}")}
    # hidden are those that are being written
    return sorted(name for name in folders.difference(embedded_names()) if not name.startswith("."))


def find_model(name: str, precision: str = "fp32") -> ModelFiles:
    """Find a model by embedded name, added name, or directory; the first that there is.

    Args:
        name: The name or the directory.
        precision: What its network is to multiply in, once it is loaded.

    Raises:
        UsageError: There is none; the hint says what was probably meant.
        ModelError: The directory is not a whole model of a known kind.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise UsageError("a model is named by text, not {kind}", kind=kind, hint="give its name or directory")
    return replace(_find(name), precision=precision)


def _find(name: str) -> ModelFiles:
    if name in embedded_names():
        return inspect_model(models_dir() / name, name, embedded=True)
    known = [*embedded_names(), *added_names()]
    if name in known:
        return inspect_model(user_models_dir() / name, name, embedded=False, added=True)
    hint: str = Message("models: {known}, or a directory", known=known)
    if not name:
        raise UsageError("the model's name is empty", hint=hint)
    if files := _in_directory(name):
        return files
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        hint = "was it a hub id? hub models are not supported yet: download it and give its directory"
        raise UsageError("there is no directory {name}", name=name, hint=hint)
    if near := get_close_matches(name, known, n=1):
        hint = Message("did you mean {near}?", near=near[0])
    raise UsageError("there is no model {name}", name=name, hint=hint)


def find_scorer(name: str, precision: str = "fp32") -> ModelFiles:
    """Find a model that ranks titles; see `find_model`.

    Raises:
        UsageError: There is no such model, or it ranks nothing.
        ModelError: It is not whole.
    """
    files = find_model(name, precision)
    if not files.family.offers(TitleRanker):
        hint = "the recipe title-scorer trains one that ranks"
        raise UsageError("{@scorer} {name} is a {kind} model", name=name, kind=files.kind, hint=hint)
    return files


def find_directory(name: str) -> ModelFiles:
    """Look at the model in a directory, whatever models are called so. Raises as `find_model`."""
    if files := _in_directory(name):
        return files
    hint = "give the folder with config.json and model.safetensors"
    raise UsageError("there is no directory {name}", name=name, hint=hint)


def inspect_model(path: Path, name: str, *, embedded: bool, added: bool = False) -> ModelFiles:
    """Look at a model directory. Raises ModelError if it is not whole or of no known kind."""
    config = _read_config(path)
    if not (path / WEIGHTS).is_file():
        hint = "weights are read from safetensors only"
        hint = _CONVERT if _is_convertible(path) else hint
        raise ModelError("{path} has no model.safetensors", path=path, hint=hint)
    tokenizer = next(((path / file).resolve() for file in TOKENIZER_FILES if (path / file).is_file()), None)
    return ModelFiles(name, path, family_in(path, config), config, tokenizer, embedded, added)


def family_in(path: Path, config: Mapping[str, Any]) -> Family:
    """The family of the model of a config in a directory. Raises ModelError if it names no model_type."""
    if not isinstance(config.get("model_type"), str):
        raise ModelError("{path}/config.json names no model_type", path=path, hint=_OTHER)
    return family_for(config)


def fingerprint(path: Path) -> str:
    """The first digits of the sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:FINGERPRINT_DIGITS]


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, from its header alone. Raises ModelError if it is broken."""
    try:
        with utf8_name(path) as name, safe_open(name, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError("cannot read {path}: {error}", path=path, error=error, hint=_DAMAGED) from None


def _in_directory(name: str) -> ModelFiles | None:
    """The model in the directory of a name; None if there is none."""
    try:
        path = Path(name).expanduser()
        if not path.exists():
            return None
    except (OSError, RuntimeError):  # longer than a path can be, or the home of nobody
        return None
    if not path.is_dir():
        hint = "give the folder that holds it"
        raise UsageError("{name} is a file; a model is a directory", name=name, hint=hint)
    return inspect_model(path, name, embedded=False)


def _is_convertible(path: Path) -> bool:
    """Whether a directory has weights of PyTorch, TensorFlow or Keras."""
    return any(next(path.glob(pattern), None) for pattern in ("*.bin", "*.index", "*.weights", "*.h5"))


def _read_config(path: Path) -> dict[str, Any]:
    file = path / CONFIG
    try:
        config = read_json(file)
    except FileNotFoundError:
        hint = _CONVERT if _is_convertible(path) else "is it a model directory?"
        raise ModelError("{path} has no config.json", path=path, hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError("cannot read {file}: {reason}", file=file, reason=reason, hint=_DAMAGED) from None
    if not isinstance(config, dict):
        raise ModelError("{file} is not a JSON object", file=file, hint=_OTHER)
    return config
