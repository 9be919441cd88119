"""A directory as transformers writes it: what its small files say, and which files its weights are in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from textgen.errors import ModelError
from textgen.files.small_files import read_json

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER_CONFIG, GENERATION_CONFIG = "tokenizer_config.json", "generation_config.json"
ADAPTER_CONFIG = "adapter_config.json"  # of PEFT
CHAT_TEMPLATE = "chat_template.jinja"
SYMBOLS, ADDED_TOKENS = "special_tokens_map.json", "added_tokens.json"
SPIECES = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "chinese_vocab.model")
VOCABULARIES = ("vocab.txt", "tokenizer.json", "vocab.json", "merges.txt", *SPIECES)
# a vocabulary, and what is said of it
TOKENIZER = (GENERATION_CONFIG, TOKENIZER_CONFIG, CHAT_TEMPLATE, SYMBOLS, ADDED_TOKENS, *VOCABULARIES)
SMALL_FILES = (CONFIG, *TOKENIZER, INDEX)
LARGE = (".safetensors", ".bin", ".index", ".h5", ".weights")  # endings of weights, in any format
# what comes instead of a file where it was fetched the wrong way, by how it begins
STAND_INS = {
    (b"version https://git-lfs",): (
        "{path} is a pointer of Git LFS, not the file",
        "git lfs pull fetches the file",
    ),
    (b"<!doctype html", b"<html"): ("{path} is a web page, not the file", "download the file itself"),
}
LONGEST_START = max(len(mark) for marks in STAND_INS for mark in marks)
DAMAGED = "is the file whole?"
CONVERT = "weights are read from safetensors only: textgen models convert {path} OUT writes them"


@dataclass(frozen=True)
class Checkpoint:
    """The files of a checkpoint beside its weights.

    Attributes:
        path: The directory.
        config: The parsed `config.json`.
    """

    path: Path
    config: Mapping[str, Any]

    @cached_property
    def generation(self) -> Mapping[str, Any]:
        """`generation_config.json`; empty if there is none."""
        return self._optional(GENERATION_CONFIG)

    @cached_property
    def tokenizer(self) -> Mapping[str, Any]:
        """`tokenizer_config.json`, with what `special_tokens_map.json` and `added_tokens.json` add."""
        symbols = self._optional(SYMBOLS)
        return {**symbols, **self._optional(TOKENIZER_CONFIG)}

    @cached_property
    def added_tokens(self) -> Mapping[str, int]:
        """Tokens that were added to the vocabulary, with their ids."""
        listed = self.tokenizer.get("added_tokens_decoder") or {}
        with taken_apart(self.path / TOKENIZER_CONFIG):
            found = {token["content"]: int(number) for number, token in listed.items()}
            check_ids(found)
        older = self._optional(ADDED_TOKENS)
        with taken_apart(self.path / ADDED_TOKENS):
            check_ids(older)
        return {**older, **found}

    def setting(self, name: str) -> Any:
        """A setting of `generation_config.json`, or else of `config.json`; None if neither has it."""
        found = self.generation.get(name)
        return self.config.get(name) if found is None else found

    def symbol(self, name: str) -> str | None:
        """What the tokenizer's files call a symbol such as `eos_token`; None if they do not name it."""
        found = self.tokenizer.get(name)
        found = found.get("content") if isinstance(found, dict) else found
        return found if isinstance(found, str) else None

    def file(self, *names: str) -> Path | None:
        """The first of these files that there is."""
        return next((self.path / name for name in names if (self.path / name).is_file()), None)

    def _optional(self, name: str) -> dict[str, Any]:
        return read_object(self.path / name) if (self.path / name).is_file() else {}


def tokenizer_files(path: Path) -> dict[str, Path]:
    """The files in a directory that its tokenizer is made of, and what is said of its symbols, by name."""
    return {name: path / name for name in TOKENIZER if (path / name).is_file()}


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ModelError if there is none in it, FileNotFoundError if no file."""
    try:
        found = read_json(file)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError("cannot read {file}: {reason}", file=file, reason=reason, hint=DAMAGED) from None
    if not isinstance(found, dict):
        hint = "is it of a model?"
        raise ModelError("{file} is not a JSON object", file=file, hint=hint)
    return found


@contextmanager
def taken_apart(file: Path) -> Iterator[None]:
    """Look into what was read of a file. Raises ModelError: its parts are not what they are taken for."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        hint = "download it again"
        raise ModelError("{file} is not of the form that such files have", file=file, hint=hint) from None


def check_ids(tokens: Mapping[str, Any]) -> None:
    """Raises ValueError: what a token has for an id is none."""
    if not all(type(number) is int and number >= 0 for number in tokens.values()):
        raise ValueError


def read_config(path: Path) -> dict[str, Any]:
    """The `config.json` of a directory. Raises ModelError if there is none, or what it says is no model."""
    refuse_stand_ins(path)
    try:
        return read_object(path / CONFIG)
    except FileNotFoundError:
        pass
    if (path / ADAPTER_CONFIG).is_file():
        hint = "give the model that it was trained on as the model, and this directory with {@adapter}"
        raise ModelError("{path} holds an adapter, not a model", path=path, hint=hint)
    _refuse_gguf(path)
    if is_convertible(path):
        raise ModelError("{path} has no config.json", path=path, hint=CONVERT)
    inner = inner_folder(path, lambda folder: (folder / CONFIG).is_file() or is_convertible(folder))
    hint = "is it a model directory?" if inner is None else "there is a model in {inner}"
    raise ModelError("{path} has no config.json", path=path, hint=hint, inner=inner)


def refuse_stand_ins(path: Path) -> None:
    """Refuse a directory where something else was stored under the name of a model's file.

    Raises:
        ModelError: A file is a pointer of Git LFS, or a web page.
    """
    for file in sorted(path.iterdir()):
        if not file.is_file() or (file.suffix not in LARGE and file.name not in SMALL_FILES):
            continue
        try:
            with file.open("rb") as stream:
                start = stream.read(LONGEST_START).lower()
        except OSError:  # which is told where it is read
            continue
        if found := next((said for marks, said in STAND_INS.items() if start.startswith(marks)), None):
            problem, hint = found
            raise ModelError(problem, path=file, hint=hint)


def inner_folder(path: Path, fits: Callable[[Path], bool]) -> Path | None:
    """The first folder that fits inside a directory: in an archive's own, or among snapshots of the hub."""
    inner = (folder for pattern in ("*", "snapshots/*") for folder in sorted(path.glob(pattern)))
    return next((folder for folder in inner if folder.is_dir() and fits(folder)), None)


def _refuse_gguf(path: Path) -> None:
    if any(path.glob("*.gguf")):
        hint = "give the directory of the model in safetensors that it was made from"
        raise ModelError("{path} holds GGUF files, which textgen does not read", path=path, hint=hint)


def is_convertible(path: Path) -> bool:
    """Whether a directory has weights of PyTorch, TensorFlow or Keras."""
    return any(next(path.glob(pattern), None) for pattern in ("*.bin", "*.index", "*.weights", "*.h5"))


def weight_files(path: Path) -> tuple[Path, ...]:
    """The safetensors files of a directory, in order.

    Raises:
        ModelError: There are none, or a shard is missing.
    """
    if (path / WEIGHTS).is_file():
        return (path / WEIGHTS,)
    if (path / INDEX).is_file():
        return _shards(path)
    _refuse_gguf(path)
    hint = CONVERT if is_convertible(path) else "weights are read from safetensors only"
    raise ModelError("{path} has no model.safetensors", path=path, hint=hint)


def _shards(path: Path) -> tuple[Path, ...]:
    listed = read_object(path / INDEX).get("weight_map")
    if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed.values()):
        raise ModelError("{file} has no weight_map", file=path / INDEX, hint=DAMAGED)
    names = sorted(set(listed.values()))
    # a name with a folder in it could lead anywhere
    missing = [name for name in names if Path(name).name != name or not (path / name).is_file()]
    if missing:
        raise ModelError(
            "{path} lacks {count} of {all} parts of its weights, the first {name}",
            path=path,
            count=len(missing),
            all=len(names),
            name=missing[0],
            hint="download it again",
        )
    return tuple(path / name for name in names)
