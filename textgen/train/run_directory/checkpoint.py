"""Checkpoints: weights, optimizer, averages and progress, so that a run can go on where it was.

A checkpoint is a folder that appears by one rename, so that there is always a whole one. Tensors lie in
safetensors files.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from textgen.errors import ModelError, TextgenError
from textgen.files.atomic import sync, utf8_name
from textgen.files.small_files import read_json

FOLDER, DRAFT = "checkpoint", "checkpoint.part"
ASIDE = ".old"
NAME = re.compile(rf"{FOLDER}-(\d+)({re.escape(ASIDE)})?")
PROGRESS = "progress.json"


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    Attributes:
        progress: How far it was, as JSON has it.
        tensors: Groups of tensors: `weights`, `optimizer`, `average`.
    """

    progress: dict[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]


def save_checkpoint(directory: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of a step; those before it are deleted.

    Raises:
        TextgenError: The disk is full, or gone; the checkpoint before stays.
    """
    draft, path = directory / DRAFT, directory / f"{FOLDER}-{step:08d}"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        for name, tensors in checkpoint.tensors.items():
            _write(draft / f"{name}.safetensors", save({k: t.contiguous().cpu() for k, t in tensors.items()}))
        _write(draft / PROGRESS, json.dumps(checkpoint.progress).encode())
        if path.exists():  # of the same step, by a run that was stopped as soon as it went on
            path.replace(path.with_name(path.name + ASIDE))
        draft.replace(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        reason, hint = error.strerror or error, "make room and run the same with {@resume}"
        raise TextgenError("writing {path} failed: {reason}", path=path, reason=reason, hint=hint) from None
    for old in _all(directory):
        if old != path:
            delete_checkpoint(old)


def delete_checkpoint(path: Path) -> None:
    """Delete a checkpoint such that no half of it is ever taken for one."""
    draft = path.with_name(DRAFT)
    shutil.rmtree(draft, ignore_errors=True)
    with suppress(OSError):
        shutil.rmtree(path.replace(draft), ignore_errors=True)


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """The newest checkpoint; None if there is none.

    Raises:
        ModelError: It is broken.
    """
    found = _all(directory)
    if not found:
        return None
    try:
        progress = read_json(found[-1] / PROGRESS)
        tensors = {}
        for path in sorted(found[-1].glob("*.safetensors")):
            with utf8_name(path) as name:
                tensors[path.stem] = load_file(name)
    except (OSError, ValueError, SafetensorError) as error:
        path, hint = found[-1], "delete it; the run begins anew"
        raise ModelError("cannot read {path}: {error}", path=path, error=error, hint=hint) from None
    return Checkpoint(progress, tensors)


def _all(directory: Path) -> list[Path]:
    """The checkpoints that are there, the newest last; of one step, that which was put aside comes first."""
    if not directory.is_dir():
        return []
    found = [(match, path) for path in directory.iterdir() if (match := NAME.fullmatch(path.name))]
    return [path for *_, path in sorted((int(match[1]), match[2] is None, path) for match, path in found)]


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        sync(file)
