"""The models on disk, known by their files without loading torch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import utf8_name
from textgen.files.small_files import read_json
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
    """

    name: str
    path: Path
    family: Family
    config: dict[str, Any]
    tokenizer: Path | None
    embedded: bool
    added: bool = False

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
        """What records say of the model: its name and the first digits of the weights' sha256."""
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


def find_model(name: str) -> ModelFiles:
    """Find a model by embedded name, added name, or directory; the first that there is.

    Raises:
        UsageError: There is none; the hint says what was probably meant.
        ModelError: The directory is not a whole model of a known kind.
    """
    if name in embedded_names():
        return inspect_model(models_dir() / name, name, embedded=True)
    known = [*embedded_names(), *added_names()]
    if name in known:
        return inspect_model(user_models_dir() / name, name, embedded=False, added=True)
    hint = f"models: {', '.join(known)}, or a directory"
    if not name:
        raise UsageError("the model's name is empty", hint=hint)
    if path := _existing(name):
        return _look(path, name)
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        raise UsageError(
            f"there is no directory {name}",
            hint="was it a hub id? hub models are not supported yet: download it and give its directory",
        )
    near = difflib.get_close_matches(name, known, n=1)
    raise UsageError(f"there is no model {name}", hint=f"did you mean {near[0]}?" if near else hint)


def find_scorer(name: str) -> ModelFiles:
    """Find a model that ranks titles.

    Raises:
        UsageError: There is no such model, or it ranks nothing.
        ModelError: It is not whole.
    """
    files = find_model(name)
    if not files.family.offers(TitleRanker):
        raise UsageError(
            f"{{@scorer}} {name} is a {files.kind} model",
            hint="textgen train title-scorer makes one that ranks",
        )
    return files


def find_directory(name: str) -> ModelFiles:
    """Look at the model in a directory, whatever models are called so. Raises as `find_model`."""
    if path := _existing(name):
        return _look(path, name)
    raise UsageError(f"there is no directory {name}", hint=f"give the folder with {CONFIG} and {WEIGHTS}")


def inspect_model(path: Path, name: str, *, embedded: bool, added: bool = False) -> ModelFiles:
    """Look at a model directory. Raises ModelError if it is not whole or of no known kind."""
    config = _read_config(path)
    if not (path / WEIGHTS).is_file():
        raise ModelError(f"{path} has no {WEIGHTS}", hint="weights are read from safetensors only")
    tokenizer = next((path / file for file in TOKENIZER_FILES if (path / file).is_file()), None)
    tokenizer = tokenizer.resolve() if tokenizer else None
    return ModelFiles(name, path, family_in(path, config), config, tokenizer, embedded, added)


def family_in(path: Path, config: Mapping[str, Any]) -> Family:
    """The family of the model of a config in a directory. Raises ModelError if it names no model_type."""
    if not isinstance(config.get("model_type"), str):
        raise ModelError(f"{path}/{CONFIG} names no model_type", hint=f"is it a model's {CONFIG}?")
    return family_for(config)


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
        with utf8_name(path) as name, safe_open(name, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}", hint="is the file whole?") from None


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # longer than a path can be, or the home of nobody
        return None


def _look(path: Path, name: str) -> ModelFiles:
    if not path.is_dir():
        raise UsageError(f"{name} is a file; a model is a directory", hint="give the folder that holds it")
    return inspect_model(path, name, embedded=False)


def _read_config(path: Path) -> dict[str, Any]:
    file = path / CONFIG
    try:
        config = read_json(file)
    except FileNotFoundError:
        raise ModelError(f"{path} has no {CONFIG}", hint="is it a model directory?") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"cannot read {file}: {reason}", hint="is the file whole?") from None
    if not isinstance(config, dict):
        raise ModelError(f"{file} is not a JSON object", hint=f"is it a model's {CONFIG}?")
    return config
