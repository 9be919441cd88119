"""A backend of models of another make."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from textgen.backends.base import Backend, Prepared
from textgen.options import Options
from textgen.schema import Candidate


class EchoBackend(Backend[Options, Prepared]):
    """Gives the prompt back, its last character first."""

    options = Options
    task = "sample"

    @classmethod
    def open(cls, files: Any) -> EchoBackend:
        backend = cls.__new__(cls)
        backend.model = SimpleNamespace(files=files, label=files.label)
        return backend

    def prepare(self, row: Any, options: Options, on_event: Any) -> Prepared:
        return Prepared(row, len(row.text), len(row.text), len(row.text))

    def compute(self, batch: Any, options: Options, seed: int, on_event: Any) -> list[list[Candidate]]:
        return [[Candidate(item.row.text[::-1], 0.0, "none", None, 1, "stop")] for item in batch]
