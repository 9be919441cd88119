"""Backends by the kind of model they serve, resolved on use so that nothing heavy is imported before."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from textgen.commands import EDITING
from textgen.errors import ModelError, UsageError

GROUP = "textgen.backends"
# kind of model: its task (the command that uses it), the backend's class, and that of its options, which
# costs no torch
BACKENDS = {
    "title": ("title", "textgen.backends.title.backend:TitleBackend", "textgen.options:TitleOptions"),
    "rnn-title": ("title", "textgen.backends.title.backend:TitleBackend", "textgen.options:TitleOptions"),
    "gpt2": ("sample", "textgen.backends.gpt2:Gpt2Backend", "textgen.options:ContinueOptions"),
    "bert": ("sample", "textgen.backends.bert:BertBackend", "textgen.options:GibbsOptions"),
}

# kinds of models that write nothing: what they are for
HELPERS = {"title-scorer": "textgen title {@rank} scorer {@scorer} DIR ranks titles by it"}


def backend_class(kind: str) -> Any:
    """The backend for a kind of model: ours, or one that an installed package registered.

    Raises:
        UsageError: Such models help others, and write nothing.
        ModelError: There is none.
    """
    if kind in HELPERS:
        raise UsageError(f"a {kind} model writes nothing itself", hint=HELPERS[kind])
    if kind in BACKENDS:
        return _resolve(BACKENDS[kind][1])
    for entry in entry_points(group=GROUP):
        if entry.name == kind:
            return entry.load()
    raise ModelError(f"no backend serves models of kind {kind!r}", hint=f"known: {', '.join(BACKENDS)}")


def options_class(kind: str) -> Any:
    """The options of that backend. Raises as `backend_class`."""
    return _resolve(BACKENDS[kind][2]) if kind in BACKENDS else backend_class(kind).options


def task_of(kind: str) -> str:
    """The command that uses such models. Raises as `backend_class`."""
    return BACKENDS[kind][0] if kind in BACKENDS else str(backend_class(kind).task)


def opener(kind: str) -> Callable[[Any], Any]:
    """What loads the files of a kind of model. Raises ModelError if nothing does."""
    found: Callable[[Any], Any] = (
        _resolve("textgen.store.load:load_model") if kind in HELPERS else backend_class(kind).open
    )
    return found


def editor_class(command: str) -> Any:
    """The backend of a command that writes by editing."""
    return _resolve(EDITING[command].backend)


def editor_options(command: str) -> Any:
    """Its options."""
    return _resolve(EDITING[command].options)


def _resolve(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
