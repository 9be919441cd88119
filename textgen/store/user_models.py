"""The models that the user added: copies in a folder of the user's, known by name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from textgen.commands import EDITING
from textgen.errors import UsageError
from textgen.files.atomic import sync_path, writing
from textgen.files.folders import delete_folder, draft_folder, path_aside, swap_in
from textgen.messages import Message
from textgen.resources import user_models_dir
from textgen.store.catalog import CARD, PRIOR, TOKENIZER_FILES, ModelFiles, added_names, embedded_names
from textgen.store.checkpoint import SMALL_FILES

NAME = re.compile(r"(?![.-])[\w.-]{1,64}")
TAKEN = (*EDITING, "cgmh", "tokenizer")  # what else a name on the command line means


def add_model(
    files: ModelFiles, name: str, check: Callable[[ModelFiles], object], *, force: bool = False
) -> ModelFiles:
    """Copy a model into the user's folder.

    Args:
        files: The model, wherever it lies.
        name: What to call it: `find_model(name)` finds it from now on.
        check: Raises where the model is broken; called before anything is written.
        force: Replace the added model of that name.

    Returns:
        The model as it was added.

    Raises:
        UsageError: No model can be called so, or one is.
        TextgenError: The check says so, or the folder cannot be written; what was there is there still.
    """
    check_name(name, force=force)
    check(files)
    path = user_models_dir() / name
    draft = draft_folder(path)
    with writing(path):
        try:
            _copy(files, draft)
            if not swap_in(draft, path, replace=force):
                raise _name_taken(name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    # it is not looked up: another process may be replacing it by now
    tokenizer = (path / TOKENIZER_FILES[0]).resolve() if files.tokenizer else None
    return replace(files, name=name, path=path, tokenizer=tokenizer, embedded=False, added=True)


def check_name(name: str, *, force: bool = False) -> None:
    """Refuse a name that no added model may have, or one has already. Raises UsageError."""
    if not NAME.fullmatch(name):
        hint = "{@name} takes up to 64 letters, digits, '.', '_' and '-', the first no '.' or '-'"
        raise UsageError("a model cannot be called {name}", name=repr(name), hint=hint)
    if name in TAKEN or name in embedded_names():
        hint = "give the model another: {@name} my-{name}"
        raise UsageError("{name} is textgen's own name", name=name, hint=hint)
    if name in added_names():
        if not force:
            raise _name_taken(name)
        return
    path = user_models_dir() / name
    with writing(path):
        if path.exists():
            hint = "move it, or give another {@name}"
            raise UsageError("{path} is no model, and in the way", path=path, hint=hint)


def remove_models(names: Sequence[str]) -> Iterator[str]:
    """Delete added models.

    Yields:
        Each name, after the model is gone.

    Raises:
        UsageError: One was not added; then none is removed.
        TextgenError: One cannot be removed.
    """
    for name in names:
        if name in embedded_names():
            hint = "only models that were added can be removed"
            raise UsageError("{name} ships with textgen", name=name, hint=hint)
        if name not in (added := added_names()):
            raise UsageError("no model {name} was added", name=name, hint=_meant(name, added))
    for name in dict.fromkeys(names):
        path = user_models_dir() / name
        with writing(path):
            delete_folder(path.rename(path_aside(path)))  # a model that is half gone is not seen
        yield name


def _meant(name: str, added: list[str]) -> Message:
    if near := get_close_matches(name, added, n=1):
        return Message("did you mean {near}?", near=near[0])
    return Message("added: {names}", names=added) if added else Message("none was added")


def _copy(files: ModelFiles, folder: Path) -> None:
    folder.mkdir(parents=True)
    sources = {name: files.path / name for name in (*SMALL_FILES, PRIOR, CARD)}
    sources |= {file.name: file for file in files.weight_files}
    if files.tokenizer:
        sources[TOKENIZER_FILES[0]] = files.tokenizer
    for name, source in sources.items():
        if source.is_file():
            shutil.copyfile(source, folder / name)
            sync_path(folder / name)


def _name_taken(name: str) -> UsageError:
    return UsageError("there is a model {name} already", name=name, hint="{@force} replaces it")
