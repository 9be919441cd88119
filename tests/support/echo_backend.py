"""The backend of `echo`, a pure function of row and seed, and a bench to run over files with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from echo import BACKEND, BAD, KIND, Echo, make_model, some_texts, write_rows

from textgen.backends.base import Backend, Prepared
from textgen.backends.registry import BACKENDS, Served
from textgen.batch.output import Output
from textgen.cli.main import run
from textgen.errors import DataError
from textgen.files.rows import FileRows
from textgen.models.families import BUILT_IN, OWN
from textgen.models.family import Family
from textgen.options import InputOptions, Options
from textgen.rng import row_key
from textgen.schema import Candidate


class EchoBackend(Backend[Options, Prepared]):
    """Gives the text back from its end to its beginning, and some digits that depend on row and seed.

    Attributes:
        batches: The names of the rows of every batch that was computed.
    """

    options = Options
    task = "sample"
    batches: ClassVar[list[list[str]]] = []

    @classmethod
    def open(cls, files):
        backend = cls.__new__(cls)
        backend.model = SimpleNamespace(files=files, label=files.label)
        return backend

    def label(self, options):
        return f"{self.model.label}+mirror"

    def prompt(self, row):
        return row.text

    def prepare(self, row, options, on_event):
        if BAD in row.text:
            raise DataError("the text is bad", hint="mend it")
        return Prepared(row, len(row.text), len(row.text), len(row.text))

    def compute(self, batch, options, seed, on_event):
        self.batches.append([item.row.name for item in batch])
        return [self._texts(item.row, seed, options.num_candidates) for item in batch]

    @staticmethod
    def _texts(row, seed, count):
        digits = row_key(seed, row.text, id=row.id, keywords=row.keywords).hex()
        score = -int(digits[:4], 16) / 1000
        return [
            Candidate(f"{row.text[::-1]}{digits[:6]}{n or ''}", score - n, "digits", score - n, 1, "stop")
            for n in range(count)
        ]


@contextmanager
def ending(after: int, error: BaseException) -> Iterator[None]:
    """Let the backend raise an error once it has computed so many batches."""
    compute, done = EchoBackend.compute, 0

    def ends(self, *args):
        nonlocal done
        if done == after:
            raise error
        done += 1
        return compute(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EchoBackend, "compute", ends)
        yield


@contextmanager
def meanwhile(do: Callable[[], Any], after: int = 0, *, at: str = "compute") -> Iterator[list[Any]]:
    """Do something once the backend has come so often to what it does; gives what came of it."""
    before, times, found = getattr(EchoBackend, at), 0, []

    def waits(self, *args):
        nonlocal times
        times += 1
        if times == after + 1:
            found.append(do())
        return before(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EchoBackend, at, waits)
        yield found


class Bench:
    """A model, an input and an output to run over in this process.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = make_model(folder / "model")
        self.rows = folder / "rows.jsonl"
        self.out = folder / "o.jsonl"
        self.give(some_texts(30))

    @property
    def part(self) -> Path:
        return self.out.with_name(self.out.name + ".part")

    def give(self, rows: Sequence[str | dict[str, Any]]) -> None:
        """Write the input."""
        write_rows(self.rows, rows)

    def args(self, *flags: object, out: object = None) -> list[str]:
        """The command line with seed 7, windows of eight rows and one process, unless flags say otherwise."""
        fixed = ("sample", "-i", self.rows, "-o", out or self.out, "--model", self.model)
        return [str(arg) for arg in (*fixed, "--seed", 7, "--batch-size", 2, "--workers", 1, *flags)]

    def run(self, *flags: object, out: object = None) -> int:
        """Run it, and forget what was computed before."""
        EchoBackend.batches.clear()
        return run(self.args(*flags, out=out))

    def interrupt(self, after: int, *flags: object, out: object = None) -> None:
        """Run it up to so many batches."""
        with ending(after, KeyboardInterrupt()):
            assert self.run(*flags, out=out) == 130

    def hold(self, records: bytes) -> None:
        """Let the journal have these records, each made of the row that is there now."""
        self.part.write_bytes(records)
        rows = FileRows([str(self.rows)], InputOptions())
        Output(self.out).part_digests.write_bytes(b"".join(row.digest for row in rows))

    def whole(self, *flags: object) -> bytes:
        """What a run gives that nothing disturbs."""
        out = self.folder / f"undisturbed{self.out.suffix}"
        assert self.run("--force", *flags, out=out) in (0, 3)
        EchoBackend.batches.clear()
        return out.read_bytes()

    @property
    def computed(self) -> list[str]:
        """The names of the rows that the last run computed."""
        return [name for batch in EchoBackend.batches for name in batch]


def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A fixture: a bench with the kind of model known to this process, where nothing takes long."""
    monkeypatch.setattr(os, "fsync", lambda number: None)
    monkeypatch.setitem(BACKENDS, Echo, Served(*BACKEND))
    for families in (OWN, BUILT_IN):
        monkeypatch.setitem(families, KIND, Family(KIND, views=(Echo,)))
    return Bench(tmp_path)
