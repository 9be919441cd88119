"""The models on disk, known by their files without loading torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import utf8_name
from textgen.messages import Message, with_article
from textgen.models.families import family_for
from textgen.models.families.pretrained import pretrained_family
from textgen.models.family import Family
from textgen.models.views import TitleRanker
from textgen.resources import models_dir, user_models_dir
from textgen.store.checkpoint import DAMAGED, INDEX, WEIGHTS, read_config, weight_files
from textgen.store.guises import true_config
from textgen.store.header import stored_tensors
from textgen.store.sizes import positions_of, size_of

TOKENIZER_FILES = ("tokenizer.model", "../tokenizer/zh8k.model")
CARD = "CARD.md"
PRIOR = "prior.safetensors"
FINGERPRINT_DIGITS = 12
CHUNK = 2**20  # bytes
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_OTHER = "is it a model's config.json?"


@dataclass(frozen=True)
class ModelFiles:
    """A model directory that has been looked at but not loaded.

    Attributes:
        name: What the user calls it: an embedded or added name, or a path.
        path: The directory.
        family: The record of its family, found by config.json.
        config: The parsed `config.json`.
        tokenizer: The SentencePiece model of our own make; None if there is none.
        embedded: Whether it ships with the package.
        added: Whether the user added it.
        precision: What its network is to multiply in: `fp32`, `bf16` or `int8`.
        adapter: The directory of an adapter that is to be merged into its weights.
    """

    name: str
    path: Path
    family: Family
    config: dict[str, Any]
    tokenizer: Path | None
    embedded: bool
    added: bool = False
    precision: str = "fp32"
    adapter: Path | None = None

    @property
    def kind(self) -> str:
        """The name of its family: `title`, `bert`, `gpt2`, or what else config.json has as its model_type."""
        return self.family.name

    @property
    def positions(self) -> int:
        """Most ids that its network reads and writes together, which its family has."""
        if self.family.loader is not None:
            return positions_of(self.config)
        return int(self.config[str(self.family.keys.positions)])

    def size(self, name: str) -> int | None:
        """Its `layers`, `width` or `positions` by config.json; None if it does not say."""
        if self.family.loader is not None:
            return size_of(self.config, name)
        return self.family.size(self.config, name)

    @property
    def label(self) -> str:
        """The model's name in records, and the first digits of the weights' sha256."""
        name = self.name if self.embedded or self.added else self.path.resolve().name
        if self.adapter is None:
            return f"{name}@sha256:{fingerprint(*self.weight_files)}"
        added = sorted(self.adapter.glob("*.safetensors"))
        return f"{name}+{self.adapter.resolve().name}@sha256:{fingerprint(*self.weight_files, *added)}"

    @property
    def weights(self) -> Path:
        """The weights' file, of a model of our own make."""
        return self.path / WEIGHTS

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The files that the weights are in. Raises ModelError if one is missing."""
        return weight_files(self.path)


def embedded_names() -> list[str]:
    """Names of the models that ship with the package."""
    return sorted(folder.name for folder in models_dir().iterdir() if (folder / WEIGHTS).is_file())


def added_names() -> list[str]:
    """Names of the models that the user added; none if their folder cannot be read."""
    folders = {
        file.parent.name for weights in (WEIGHTS, INDEX) for file in user_models_dir().glob(f"*/{weights}")
    }
    # hidden are those that are being written
    return sorted(name for name in folders.difference(embedded_names()) if not name.startswith("."))


def find_model(name: str, precision: str = "fp32", *, whole: bool = True) -> ModelFiles:
    """Find a model by embedded name, added name, or directory; the first that there is.

    Args:
        name: The name or the directory.
        precision: What its network is to multiply in, once it is loaded.
        whole: Whether its weights must be there; else their absence shows when they are wanted.

    Raises:
        UsageError: There is none; the hint says what was probably meant.
        ModelError: The directory is not a whole model of a known kind.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise UsageError("a model is named by text, not {kind}", kind=kind, hint="give its name or directory")
    return replace(_find(name, whole=whole), precision=precision)


def _find(name: str, *, whole: bool) -> ModelFiles:
    if name in embedded_names():
        return inspect_model(models_dir() / name, name, embedded=True, whole=whole)
    known = [*embedded_names(), *added_names()]
    if name in known:
        return inspect_model(user_models_dir() / name, name, embedded=False, added=True, whole=whole)
    hint: str = Message("models: {known}, or a directory", known=known)
    if not name:
        raise UsageError("the model's name is empty", hint=hint)
    if files := _in_directory(name, whole=whole):
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
        raise UsageError(
            "{@scorer} {name} is {kind} model", name=name, kind=with_article(files.kind), hint=hint
        )
    return files


def find_directory(name: str) -> ModelFiles:
    """Look at the model in a directory, whatever models are called so. Raises as `find_model`."""
    if files := _in_directory(name):
        return files
    hint = "give the folder with config.json and model.safetensors"
    raise UsageError("there is no directory {name}", name=name, hint=hint)


def inspect_model(
    path: Path, name: str, *, embedded: bool, added: bool = False, whole: bool = True
) -> ModelFiles:
    """Look at a model directory. Raises ModelError if it is not whole or of no known kind."""
    config = read_config(path)
    if whole:
        weight_files(path)
    config = true_config(config, lambda: _tensor_names(path))
    tokenizer = next(((path / file).resolve() for file in TOKENIZER_FILES if (path / file).is_file()), None)
    family = family_in(path, config, ours=tokenizer is not None)
    return ModelFiles(name, path, family, config, tokenizer, embedded, added)


def _tensor_names(path: Path) -> list[str]:
    """The names of a model's tensors; none where they cannot be read, which is told once they are wanted."""
    try:
        return [tensor.name for tensor in stored_tensors(weight_files(path))]
    except ModelError:
        return []


def family_in(path: Path, config: Mapping[str, Any], *, ours: bool = True) -> Family:
    """The family of the model of a config in a directory.

    Args:
        path: The directory.
        config: Its parsed `config.json`.
        ours: Whether its tokenizer is of our make; if not, it is of another make wherever its family is known
            to transformers, and config.json has no key of ours.

    Raises:
        ModelError: The config names no model_type, or a class that writes nothing.
    """
    if not isinstance(config.get("model_type"), str):
        raise ModelError("{path}/config.json names no model_type", path=path, hint=_OTHER)
    family = family_for(config)
    if family.views and (ours or family.architecture is None or family.marker is not None):
        return family
    if found := pretrained_family(config):
        return found
    if family.architecture is not None and (named := config.get("architectures")):
        hint = "take a checkpoint with the head that it was trained with to write"
        template = "{path} is {architecture}, which writes no text"
        raise ModelError(template, path=path, architecture=with_article(named[0]), hint=hint)
    return family


def fingerprint(*paths: Path) -> str:
    """The first digits of the sha256 of files, one behind the other."""
    digest = sha256()
    for path in paths:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                digest.update(part)
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, from its header alone. Raises ModelError if it is broken."""
    try:
        with utf8_name(path) as name, safe_open(name, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError("cannot read {path}: {error}", path=path, error=error, hint=DAMAGED) from None


def _in_directory(name: str, *, whole: bool = True) -> ModelFiles | None:
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
    return inspect_model(path, name, embedded=False, whole=whole)
