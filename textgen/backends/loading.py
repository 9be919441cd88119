"""Models loaded with the backends of their kinds, by their names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textgen.backends.base import Backend
from textgen.backends.registry import backend_class, editor_class, for_task, precision_for
from textgen.commands import EDITING, LANGUAGE_MODEL
from textgen.models.place import Place, choose_device
from textgen.models.precision import AUTO
from textgen.store.catalog import find_model
from textgen.store.peft_adapters import with_adapter


def open_backend(
    name: str,
    precision: str = AUTO,
    device: str = AUTO,
    threads: int | None = None,
    task: str | None = None,
    adapter: str | None = None,
) -> Backend[Any, Any]:
    """Load a model by embedded name or directory, with the backend of its kind; or an editor by its name."""
    place = Place(choose_device(device), threads)
    with place.entered():
        files = find_model(LANGUAGE_MODEL if name in EDITING else name)
        files = files if task is None else for_task(files, task)
        files = with_adapter(files, adapter) if adapter else files
        files = replace(files, precision=precision_for(precision, files, edits=name in EDITING))
        kind = editor_class(name) if name in EDITING else backend_class(files.kind)
        backend: Backend[Any, Any] = kind.open(files)
    backend.place = place
    return backend
