"""Examples as memory-mapped arrays, for corpora larger than memory.

An example has columns of ids, such as the source and the target of a title, and a few numbers of its own.
A column is two files: the ids of all examples end to end, and where each example's end.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgen.files.atomic import json_bytes, write_whole
from textgen.files.small_files import read_json

IDS, ENDS, NUMBERS = np.dtype("<u4"), np.dtype("<i8"), np.dtype("<i8")
ABOUT = "about.json"


@dataclass(frozen=True)
class Example:
    """A training example: of one row, or of a part of it.

    Attributes:
        ids: By column.
        numbers: Numbers of its own, such as that of its style.
    """

    ids: Mapping[str, Sequence[int]]
    numbers: Mapping[str, int] = field(default_factory=dict)


class ArrayWriter:
    """Writes examples as they come.

    Args:
        directory: Where; what is there is deleted.
        columns: Names of the columns of ids.
        numbers: Names of the numbers.
    """

    def __init__(self, directory: Path, columns: Sequence[str], numbers: Sequence[str]) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._directory, self._columns, self._numbers = directory, tuple(columns), tuple(numbers)
        self._ends = dict.fromkeys(columns, 0)
        names = [*(f"{name}.{part}" for name in columns for part in ("ids", "ends")), *numbers]
        self._files = {name: (directory / name).open("wb") for name in names}

    def add(self, example: Example) -> None:
        """Write an example behind the others."""
        for name in self._columns:
            ids = np.asarray(example.ids[name], dtype=IDS)
            self._ends[name] += len(ids)
            self._files[f"{name}.ids"].write(ids.tobytes())
            self._files[f"{name}.ends"].write(np.asarray(self._ends[name], ENDS).tobytes())
        for name in self._numbers:
            self._files[name].write(np.asarray(example.numbers[name], NUMBERS).tobytes())

    def finish(self, about: Mapping[str, Any]) -> None:
        """Close the files; the arrays are whole once `about.json` is there."""
        for file in self._files.values():
            file.close()
        kept = {"columns": self._columns, "numbers": self._numbers, "about": dict(about)}
        write_whole(self._directory / ABOUT, json_bytes(kept))


class Arrays:
    """Examples that an `ArrayWriter` has written; only what is asked for is read.

    Args:
        directory: Theirs. Raises OSError or ValueError where it is not whole.

    The numbers of examples go round: behind the last come copies of the first and the others.

    Attributes:
        about: What was written of them.
        columns: Names of the columns of ids.
        number_names: Names of the numbers.
    """

    def __init__(self, directory: Path) -> None:
        kept = read_json(directory / ABOUT)
        self.about: dict[str, Any] = kept["about"]
        self.columns, self.number_names = tuple(kept["columns"]), tuple(kept["numbers"])
        self._ids = {name: _mapped(directory / f"{name}.ids", IDS) for name in self.columns}
        self._ends = {name: _mapped(directory / f"{name}.ends", ENDS) for name in self.columns}
        self._numbers = {name: _mapped(directory / name, NUMBERS) for name in self.number_names}
        counts = {len(of_all) for of_all in (*self._ends.values(), *self._numbers.values())}
        last = {name: int(ends[-1]) if len(ends) else 0 for name, ends in self._ends.items()}
        if len(counts) > 1 or any(len(self._ids[name]) != end for name, end in last.items()):
            raise ValueError(f"{directory} is not whole")

    def __len__(self) -> int:
        return len(next(iter(self._ends.values())))

    def ids(self, column: str, example: int) -> list[int]:
        """The ids of an example in a column."""
        ends = self._ends[column]
        example %= len(ends)
        start = int(ends[example - 1]) if example else 0
        found: list[int] = self._ids[column][start : int(ends[example])].tolist()
        return found

    def lengths(self) -> NDArray[np.int64]:
        """The number of ids of each example, in all columns."""
        return sum((np.diff(ends, prepend=0) for ends in self._ends.values()), np.zeros(len(self), NUMBERS))

    def number(self, name: str, example: int) -> int:
        """A number of an example."""
        return int(self._numbers[name][example % len(self)])

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A number of every example."""
        found: NDArray[np.int64] = self._numbers[name]
        return found


def _mapped(path: Path, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not path.stat().st_size:  # nothing cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r")
