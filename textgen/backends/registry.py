"""Backends by what a model offers, resolved on use so that nothing heavy is imported before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from textgen.commands import EDITING, generating
from textgen.errors import ModelError, UsageError
from textgen.messages import with_article
from textgen.models.families import BUILT_IN, GPT2_ML, family_of
from textgen.models.families.pretrained import CAUSAL, PROMPTED_TITLE
from textgen.models.views import LanguageModel, MaskedLanguageModel, PromptedTitleModel, TitleModel
from textgen.plugins import resolved, with_installed
from textgen.store.catalog import ModelFiles

TASKS = ("title", "sample")  # of which a model may do one or the other
GROUP = "textgen.backends"  # entry points of other packages' backends, by the kind of their models


class Served(NamedTuple):
    """A backend, known before it is imported.

    Attributes:
        task: The command that uses it.
        backend: `module:Class` of it.
        options: `module:Class` of its options, which costs no torch.
    """

    task: str
    backend: str
    options: str


# by the view that the backend needs of a model; the first that a model's family offers
BACKENDS: dict[type, Served] = {
    PromptedTitleModel: Served(
        "title",
        "textgen.backends.title.prompted:PromptedTitleBackend",
        "textgen.options:PromptedTitleOptions",
    ),
    TitleModel: Served(
        "title", "textgen.backends.title.backend:TitleBackend", "textgen.options:TitleOptions"
    ),
    LanguageModel: Served("sample", "textgen.backends.gpt2:Gpt2Backend", "textgen.options:ContinueOptions"),
    MaskedLanguageModel: Served(
        "sample", "textgen.backends.bert:BertBackend", "textgen.options:GibbsOptions"
    ),
}


def backend_class(kind: str) -> Any:
    """The backend for a kind of model: ours, or one that an installed package registered.

    Raises:
        UsageError: Such models help others, and write nothing.
        ModelError: There is none.
    """
    served = _served(kind)
    return resolved(served.backend) if served else _installed()[kind]


def options_class(kind: str) -> Any:
    """The options of that backend. Raises as `backend_class`."""
    served = _served(kind)
    return resolved(served.options) if served else backend_class(kind).options


def task_of(kind: str) -> str:
    """The command that uses such models. Raises as `backend_class`."""
    served = _served(kind)
    return served.task if served else str(backend_class(kind).task)


def for_command(files: ModelFiles, command: str) -> ModelFiles:
    """A model as a command uses it: with `title`, a causal model of another make writes behind a prompt.

    Raises:
        UsageError: It is of no kind that does the command's task.
    """
    prompted = command == "title" and files.family in (CAUSAL, GPT2_ML)
    files = replace(files, family=PROMPTED_TITLE) if prompted else files
    wrong = files.family.sequences is None if command in EDITING else task_of(files.kind) != command
    if wrong:
        proposes = command in EDITING and files.family.offers(MaskedLanguageModel)
        hint = "{@proposals} takes it" if proposes else generating(command).other_kinds
        raise UsageError("{name} is {kind} model", name=files.name, kind=with_article(files.kind), hint=hint)
    return files


def for_task(files: ModelFiles, task: str) -> ModelFiles:
    """A model as a task wants it that is named when it is loaded. Raises UsageError as `for_command`."""
    if task not in TASKS:
        raise UsageError("no task {task}", task=task, hint="there are {known}", known=TASKS)
    return for_command(files, task)


def check_loads(files: ModelFiles) -> None:
    """Load a model as its backend does. Raises ModelError if it is broken, or nothing loads its kind."""
    helps = files.family.purpose is not None
    (resolved("textgen.store.load:load_model") if helps else backend_class(files.kind).open)(files)


def editor_class(command: str) -> Any:
    """The backend of a command that writes by editing."""
    return resolved(f"textgen.backends.editing.{command}:{command.title()}Backend")


def editor_options(command: str) -> Any:
    """The options of such a command."""
    return resolved(f"textgen.options:{command.title()}Options")


def precision_for(asked: str, files: ModelFiles, *, edits: bool = False) -> str:
    """The precision to load a model in; `auto` is never bf16 for Markov chains.

    The score of a text must not depend on how a chain came to it. Rows of int8 do not, to the bit; those of
    bf16 do, in sums whose order depends on the shape.

    Args:
        asked: `auto`, `fp32`, `bf16` or `int8`.
        files: The model.
        edits: Whether it serves a command that edits.

    Raises:
        UsageError: The machine cannot compute in the one asked for.
    """
    from textgen.models.precision import AUTO, BF16, FP32, choose_precision  # loads torch

    chains = edits or files.family.offers(MaskedLanguageModel)
    found = choose_precision(asked)
    return FP32 if asked == AUTO and found == BF16 and chains else found


def _served(kind: str) -> Served | None:
    """The backend of ours that serves a kind; None where another package's does."""
    family = family_of(kind)
    if family.purpose is not None:
        raise UsageError("a {kind} model writes nothing itself", kind=kind, hint=family.purpose)
    if kind not in BUILT_IN and kind in _installed():
        return None
    for view, served in BACKENDS.items():
        if family.offers(view):
            return served
    raise ModelError(
        "no backend serves models of kind {kind}",
        kind=repr(kind),
        hint="known: {known}",
        known=[*BUILT_IN, *_installed()],
    )


@cache
def _installed() -> dict[str, Any]:
    return with_installed(GROUP, {}, type, _unfit)


def _unfit(backend: type, known: Mapping[str, type]) -> str | None:
    """The reason that a class of another package cannot serve models; None if it can."""
    lacks = [name for name in ("options", "task", "open") if not hasattr(backend, name)]
    return f"it has no {lacks[0]}" if lacks else None
