"""compose, rewrite, correct and fill with models of random weights in the place of the shipped ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from textgen.backends.registry import editor_class
from textgen.commands import EDITING, LANGUAGE_MODEL
from textgen.store.catalog import ModelFiles, find_model, inspect_model


@contextmanager
def small_editors(folder: Path) -> Iterator[dict[str, Any]]:
    """The editors by name; they load what works beside them on use, so use them inside.

    Args:
        folder: With the models, from the fixture `small_models`.
    """

    def find(name: str, precision: str = "fp32") -> ModelFiles:
        small = folder / name
        if small.is_dir():
            return replace(inspect_model(small, name, embedded=True), precision=precision)
        return find_model(name, precision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textgen.backends.editing.proposals.find_model", find)
        # to random weights no text reads like Chinese
        patch.setattr("textgen.backends.reader.Reader._bits", lambda *_: (0.0, 0))
        yield {name: editor_class(name).open(find(LANGUAGE_MODEL)) for name in EDITING}
