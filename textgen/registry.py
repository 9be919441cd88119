"""Backends by the kind of model they serve, resolved on use so that nothing heavy is imported before."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from textgen.errors import ModelError

GROUP = "textgen.backends"
# kind of model: its task (the command that uses it), the backend's class, and that of its options, which
# costs no torch
BACKENDS = {
    "title": ("title", "textgen.backends.title:TitleBackend", "textgen.options:TitleOptions"),
    "rnn-title": ("title", "textgen.backends.title:TitleBackend", "textgen.options:TitleOptions"),
    "gpt2": ("sample", "textgen.backends.gpt2:Gpt2Backend", "textgen.options:ContinueOptions"),
    "bert": ("sample", "textgen.backends.bert:BertBackend", "textgen.options:GibbsOptions"),
}

# commands that write by editing under a language model: the backend's class and that of its options
LANGUAGE_MODEL = "gpt2"
SIMILARITY = "bert"  # tells how alike two texts are
EDITORS = {
    "compose": ("textgen.backends.compose:ComposeBackend", "textgen.options:ComposeOptions"),
    "rewrite": ("textgen.backends.rewrite:RewriteBackend", "textgen.options:RewriteOptions"),
    "correct": ("textgen.backends.correct:CorrectBackend", "textgen.options:CorrectOptions"),
    "fill": ("textgen.backends.fill:FillBackend", "textgen.options:FillOptions"),
}


def backend_class(kind: str) -> Any:
    """The backend for a kind of model: ours, or one that an installed package registered.

    Raises:
        ModelError: There is none.
    """
    if kind in BACKENDS:
        return _resolve(BACKENDS[kind][1])
    for entry in entry_points(group=GROUP):
        if entry.name == kind:
            return entry.load()
    raise ModelError(f"no backend serves models of kind {kind!r}", hint=f"known: {', '.join(BACKENDS)}")


def options_class(kind: str) -> Any:
    """The options of that backend. Raises ModelError if there is none."""
    return _resolve(BACKENDS[kind][2]) if kind in BACKENDS else backend_class(kind).options


def task_of(kind: str) -> str:
    """The command that uses such models. Raises ModelError if there is none."""
    return BACKENDS[kind][0] if kind in BACKENDS else str(backend_class(kind).task)


def editor_class(command: str) -> Any:
    """The backend of a command that writes by editing."""
    return _resolve(EDITORS[command][0])


def editor_options(command: str) -> Any:
    """Its options."""
    return _resolve(EDITORS[command][1])


def _resolve(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
