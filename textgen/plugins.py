"""Records that other installed packages bring, by entry points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from multiprocessing import current_process
from typing import Any, TypeVar

from textgen.errors import TextgenError

R = TypeVar("R")
MAIN = "MainProcess"  # what multiprocessing calls the first process
Check = Callable[[R, Mapping[str, R]], str | None]


class PluginWarning(UserWarning):
    """A record of another package that is left out, and why."""


def with_installed(
    group: str, own: Mapping[str, R], kind: type[R], check: Check[R] | None = None
) -> dict[str, R]:
    """Our own records, and behind them those that other packages bring.

    One that cannot be used is left out, with a warning: what a package breaks must not break the others.

    Args:
        group: Of the entry points, such as `textgen.strategies`.
        own: Our records by name.
        kind: Their class.
        check: Tells why a record does not go together with those before it; None if it does.
    """
    records = dict(own)
    for entry in entry_points(group=group):
        record, reason = _loaded(entry, kind)
        if entry.name in records:
            reason = "the name is taken"
        elif record is not None and getattr(record, "name", entry.name) != entry.name:
            reason = "its record has another name"
        elif record is not None and check is not None:
            reason = check(record, records)
        if reason is None:
            records[entry.name] = record  # type: ignore[assignment]  # it is one where there is no reason
        elif current_process().name == MAIN:  # its workers need not tell it again
            package = entry.dist.name if entry.dist else entry.value
            warnings.warn(
                f"{entry.name} of {package} in {group} is left out: {reason}", PluginWarning, stacklevel=2
            )
    return records


def resolved(target: str) -> Any:
    """Import what `module:name` stands for. Raises TextgenError if another package's cannot be."""
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        package = module.partition(".")[0]
        if package == __package__:
            raise
        raise TextgenError(
            "{target} cannot be loaded: {kind}: {error}",
            target=target,
            kind=type(error).__name__,
            error=error,
            hint="the package {package} brings it, not textgen",
            package=package,
        ) from error


def _loaded(entry: EntryPoint, kind: type[R]) -> tuple[R | None, str | None]:
    """The record of an entry point, or why there is none."""
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever another package does while it is imported
        return None, f"{type(error).__name__}: {error}"
    return (found, None) if isinstance(found, kind) else (None, f"it is no {kind.__name__}")
