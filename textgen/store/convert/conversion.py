"""Conversion of checkpoints of TensorFlow, Keras, UER-py and PyTorch to a directory of safetensors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from textgen.errors import ModelError, UsageError
from textgen.files.atomic import json_bytes, real_path, sync_path, write_whole, writing
from textgen.files.folders import draft_folder, swap_in
from textgen.store.catalog import CARD
from textgen.store.checkpoint import CONFIG, WEIGHTS, inner_folder, is_convertible, refuse_stand_ins
from textgen.store.convert import google, grover, plain, uer
from textgen.store.convert.beside import (
    VOCABULARY,
    config_beside,
    files_beside,
    has_tokenizer,
    read_config,
    words_of,
)
from textgen.store.convert.bundle import INDEX, read_bundle
from textgen.store.convert.keras import SUFFIXES, read_keras
from textgen.store.convert.lazy import LazyTensor, write_lazily
from textgen.store.convert.pickled import SHARDED, WHOLE, read_pickled
from textgen.store.convert.renamed import Renamed

KINDS = google.KINDS
Reader = Callable[[Path], tuple[dict[str, LazyTensor], list[Path]]]


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Attributes:
        kind: The kind of model.
        files: What was written.
        left_out: Tensors that such a model has no place for.
        tokenizer: Whether a vocabulary lay beside the checkpoint.
    """

    kind: str
    files: list[Path]
    left_out: list[str]
    tokenizer: bool


def convert_model(
    source: Path, directory: Path, *, kind: str | None = None, force: bool = False
) -> Conversion:
    """Write a checkpoint as a directory with config.json, model.safetensors and what lies beside it.

    Args:
        source: The checkpoint, or a folder with one.
        directory: Where; it is there as a whole or not at all.
        kind: One of `KINDS`, where the names of the tensors do not tell it.
        force: Replace a model that is there.

    Raises:
        UsageError: There is no checkpoint, or something is in the way, or the kind has to be said.
        ModelError: The checkpoint is broken, or of a kind that is not converted.
        TextgenError: The directory cannot be written.
    """
    path, reader = _found(source)
    refuse_stand_ins(path.parent)
    _check_free(directory, path, force=force)
    tensors, files = reader(path)
    renamed = _renamed(tensors, path.parent, kind)
    beside = files_beside(path.parent)
    config = _with_specials(renamed, beside)
    target = real_path(directory)
    draft = draft_folder(target)
    with writing(directory):
        draft.mkdir(parents=True)
        try:
            for name, file in beside.items():
                shutil.copyfile(file, draft / name)
                sync_path(draft / name)
            write_whole(draft / CONFIG, json_bytes(config, indent=2, sort_keys=True))
            write_whole(draft / CARD, _card(target.name, files, renamed).encode("utf-8", "backslashreplace"))
            write_lazily(draft / WEIGHTS, renamed.tensors)
            written = sorted(file.name for file in draft.iterdir())
            if not swap_in(draft, target, replace=force):
                raise UsageError("{path} is not empty", path=directory, hint="give another directory")
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Conversion(
        renamed.kind, [directory / name for name in written], renamed.left_out, has_tokenizer(beside)
    )


def _found(source: Path) -> tuple[Path, Reader]:
    """The file by which a checkpoint is read, and what reads it. Raises UsageError if there is none."""
    if (index := source.with_name(source.name + INDEX)).is_file():  # as TensorFlow names it
        return index, read_bundle
    if source.is_file():
        if reader := _reader(source.name):
            return source, reader
        hint = "give a .index of TensorFlow, a .bin of PyTorch, or weights of Keras"
        raise UsageError("{path} is no checkpoint that is converted", path=source, hint=hint)
    if not source.is_dir():
        raise UsageError("there is no {path}", path=source, hint="give a checkpoint, or the folder with it")
    if (source / WEIGHTS).is_file():
        hint = "use it as it is"
        raise UsageError("{path} has model.safetensors already", path=source, hint=hint)
    names = sorted(file.name for file in source.iterdir() if file.is_file())
    known = next(([name] for name in (SHARDED, WHOLE) if name in names), None)
    found = known or [name for name in names if _reader(name)]
    if len(found) != 1:
        inner = inner_folder(source, is_convertible)
        raise UsageError(
            "{path} holds several checkpoints: {found}"
            if found
            else "{path} holds no checkpoint that is converted",
            path=source,
            found=found,
            hint="give the path of one"
            if found
            else "give a folder with a .index, a .bin, or weights of Keras"
            if inner is None
            else "there is one in {inner}",
            inner=inner,
        )
    return source / found[0], _reader(found[0]) or read_pickled


def _reader(name: str) -> Reader | None:
    if name.endswith(INDEX):
        return read_bundle
    if name == SHARDED or name.endswith(".bin"):
        return read_pickled
    return read_keras if name.endswith(SUFFIXES) else None


def _check_free(directory: Path, source: Path, *, force: bool) -> None:
    """Refuse a place before any work: one that holds something, or the checkpoint itself."""
    if real_path(source).is_relative_to(real_path(directory)):
        hint = "give another directory"
        raise UsageError("{path} holds the checkpoint itself", path=directory, hint=hint)
    with writing(directory):
        if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
            return
    if not directory.is_dir():
        raise UsageError("{path} is a file", path=directory, hint="give a directory")
    if not (directory / CONFIG).is_file() or not (directory / WEIGHTS).is_file():
        hint = "give another directory"
        raise UsageError("{path} is not empty, and no model", path=directory, hint=hint)
    if not force:
        raise UsageError("{path} holds a model", path=directory, hint="{@force} replaces it")


def _renamed(tensors: Mapping[str, LazyTensor], folder: Path, kind: str | None) -> Renamed:
    if kind is not None and kind not in KINDS:
        raise UsageError("{@kind} {kind} is unknown", kind=kind, known=[*KINDS], hint="one of: {known}")
    if google.fits(tensors):
        renamed = google.rename(tensors, config_beside(folder), kind)
    elif kind is not None:
        hint = "the names of its tensors say it already"
        raise UsageError("{@kind} {kind} does not go with such a checkpoint", kind=kind, hint=hint)
    elif grover.fits(tensors):
        renamed = grover.rename(tensors, config_beside(folder))
    elif uer.fits(tensors):
        renamed = uer.rename(tensors, config_beside(folder))
    elif any(".ATTRIBUTES/" in name for name in tensors):
        hint = "save it with bert4keras' save_weights_as_checkpoint"
        raise ModelError("the checkpoint names layers of a Keras model, not of a known network", hint=hint)
    elif any("/" in name for name in tensors):
        hint = "BERT, NEZHA, RoFormer and GPT2-ML of TensorFlow are converted"
        raise ModelError("no known network has a tensor {name}", name=min(tensors), hint=hint)
    else:
        renamed = plain.rename(tensors, read_config(folder / CONFIG))
    _check_heads(renamed.config)
    return renamed


def _check_heads(config: Mapping[str, Any]) -> None:
    heads = config.get("num_attention_heads", config.get("n_head"))
    width = config.get("hidden_size", config.get("n_embd"))
    if (
        isinstance(heads, int)
        and isinstance(width, int)
        and heads > 0
        and width % heads
        and "head_dim" not in config
    ):
        hint = "does the config belong to the checkpoint?"
        raise ModelError("{heads} heads do not divide {width}", heads=heads, width=width, hint=hint)


def _with_specials(renamed: Renamed, beside: Mapping[str, Path]) -> dict[str, Any]:
    """The config with the ids of special tokens, checked against the vocabulary."""
    if VOCABULARY not in beside or "vocab_size" not in renamed.config:
        return renamed.config
    words, size = words_of(beside[VOCABULARY]), renamed.config["vocab_size"]
    if isinstance(size, int) and max(words.values()) >= size:
        raise ModelError(
            "{path} has {words} words, the model {size}",
            path=beside[VOCABULARY],
            words=max(words.values()) + 1,
            size=size,
            hint="put the vocabulary that it was trained with beside the checkpoint",
        )
    ids = {key: words[word] for key, word in renamed.specials.items() if word in words}
    return renamed.config | ids


def _card(name: str, files: list[Path], renamed: Renamed) -> str:
    lines = [f"# {name}", "", "Converted by `textgen models convert` from:", ""]
    for file in files:
        with file.open("rb") as content:
            lines.append(f"- {file.name}, sha256 {file_digest(content, 'sha256').hexdigest()}")
    if renamed.left_out:
        lines += ["", f"Left out: {', '.join(renamed.left_out)}."]
    return "\n".join(lines) + "\n"
