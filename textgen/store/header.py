"""The tensors in safetensors files, by the files' headers alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from textgen.errors import ModelError
from textgen.files.atomic import utf8_name
from textgen.store.checkpoint import DAMAGED


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        name: Its name.
        dtype: Its type as safetensors calls it, such as `F16`.
        shape: Its shape.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def stored_tensors(paths: Iterable[Path]) -> list[Stored]:
    """The tensors in files. Raises ModelError if a file is broken."""
    return [tensor for path in paths for tensor in _in(path)]


def _in(path: Path) -> list[Stored]:
    try:
        with utf8_name(path) as file, safe_open(file, framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            return [Stored(name, one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()]
    except (OSError, SafetensorError) as error:
        raise ModelError("cannot read {path}: {error}", path=path, error=error, hint=DAMAGED) from None
