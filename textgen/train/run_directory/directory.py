"""The directory of a run: checks, its lock, its settings, and clearing up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textgen.errors import UsageError
from textgen.files.atomic import draft_of, json_bytes, real_path, write_whole, writing
from textgen.files.lock import being_written, held, locked
from textgen.files.small_files import read_json
from textgen.messages import option
from textgen.store.catalog import CARD
from textgen.store.checkpoint import SMALL_FILES, WEIGHTS
from textgen.train.run_directory.checkpoint import DRAFT, FOLDER, delete_checkpoint
from textgen.train.run_directory.examples import DATA, DEV_DATA, WRITTEN, clear_written
from textgen.train.run_directory.log import CURVE, LOG
from textgen.train.step.machine import Machine

RUN, LOCK = "run.json", "run.lock"
MODEL = (WEIGHTS, CARD, *SMALL_FILES)
# what may be another when a run goes on
FREE = ("minutes", "save_every", "log_every")


def check(directory: Path, settings: Mapping[str, Any], *, resume: bool, force: bool) -> bool:
    """Refuse a directory with something else in it, and a resumed run that would be another one.

    Returns:
        Whether a run is there that this one is to replace.

    Raises:
        UsageError: The directory cannot be this run's.
    """
    if force and resume:
        hint = "{@resume} goes on, {@force} begins anew"
        raise UsageError("{@force} and {@resume} exclude each other", hint=hint)
    if directory.exists() and not directory.is_dir():
        raise UsageError("{path} is a file", path=directory, hint="give a directory for the run")
    if not directory.is_dir() or _untouched(directory):
        return False
    if held(directory / LOCK):
        raise being_written(directory)
    earlier = read_settings(directory)
    if earlier is None:
        problem = "holds something that is no run" if force else "is not empty"
        hint = "give another directory"
        raise UsageError("{path} {problem}", path=directory, problem=problem, hint=hint)
    if force:
        _check_apart(directory, settings)
        return True
    if not _has_results(directory):  # it ended before there was anything to go on with
        if _without_outcome(earlier) != settings:
            clear(directory)  # examples of another try
        return False
    if not resume:
        hint = "{@resume} goes on with it, {@force} begins anew"
        raise UsageError("{path} is not empty", path=directory, hint=hint)
    _check_same(earlier, settings)
    return False


def read_settings(directory: Path) -> dict[str, Any] | None:
    """The settings of a run; None where there is none."""
    try:
        found = read_json(directory / RUN)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"recipe", "options", "sha256"} <= found.keys() else None


def write_settings(directory: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of a run. Raises TextgenError: they cannot be written."""
    write_whole(directory / RUN, json_bytes(settings, indent=2))


@contextmanager
def alone(directory: Path, machine: Machine) -> Iterator[None]:
    """Hold the directory against other runs.

    Raises:
        UsageError: Another one holds it.
        TextgenError: It cannot be written.
    """
    if not machine.first:
        machine.wait()
        yield
        return
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with locked(directory / LOCK, directory), writing(directory):
        machine.wait()
        yield


def clear(directory: Path) -> None:
    """Delete what only a run that goes on needs."""
    for name in (DATA, DEV_DATA):
        shutil.rmtree(directory / name, ignore_errors=True)
    clear_written(directory)
    for path in directory.glob(f"{FOLDER}-*"):
        delete_checkpoint(path)
    shutil.rmtree(directory / DRAFT, ignore_errors=True)


def begin_anew(directory: Path, settings: Mapping[str, Any]) -> None:
    """Delete what an earlier run has made: model, checkpoints and log; and say what the new run is.

    Killed at any moment, it leaves a run that is not finished, which `force` replaces.

    Raises:
        TextgenError: The directory cannot be written.
    """
    if (earlier := read_settings(directory)) is not None:
        write_settings(directory, _without_outcome(earlier))  # from now on it is no whole run
    for path in directory.glob(f"{FOLDER}-*"):
        delete_checkpoint(path)
    for name in (*MODEL, LOG, CURVE):
        (directory / name).unlink(missing_ok=True)
    write_settings(directory, settings)


def _untouched(directory: Path) -> bool:
    """Whether nothing is there but what a run leaves that was killed before it said what it is."""
    traces = (LOCK, draft_of(directory / RUN).name)
    return all(path.name in traces for path in directory.iterdir())


def _has_results(directory: Path) -> bool:
    """Whether a run has made something that took long."""
    patterns = (WEIGHTS, f"{FOLDER}-*", f"*{WRITTEN}*")
    return any(path for pattern in patterns for path in directory.glob(pattern))


def _check_apart(directory: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to delete what the run reads."""
    options, own = settings["options"], real_path(directory)
    models = [options.get(name) for name in ("start", "tokenizer", "writer")]
    for name in filter(None, [*settings["inputs"], *settings["dev"], *models]):
        read = real_path(Path(name))
        if own in (read, *read.parents):
            hint = "give another directory"
            raise UsageError("{@force} would delete {name}, which is read", name=name, hint=hint)


def _check_same(earlier: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    anew = "{@force} begins anew"
    for name in ("recipe", "fields", "reading"):
        if earlier.get(name) != settings[name]:
            raise UsageError("{@resume}: another {name} than when it began", name=name, hint=anew)
    for name, value in settings["sha256"].items():
        if earlier["sha256"].get(name) != value:
            raise UsageError("{@resume}: {name} has changed since the run began", name=name, hint=anew)
    for name, value in settings["options"].items():
        was = earlier["options"].get(name)
        if was != value and name not in FREE:
            template, own = "{@resume}: {option} was {was}, not {value}", option(name)
            raise UsageError(template, option=own, was=was, value=value, hint=anew)


def _without_outcome(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "outcome"}
