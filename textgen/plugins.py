"""Records that other installed packages bring, by entry points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

R = TypeVar("R")


class PluginWarning(UserWarning):
    """A record of another package that is left out, and why."""


def with_installed(group: str, own: Mapping[str, R], kind: type[R]) -> dict[str, R]:
    """Our own records, and behind them those that other packages bring.

    One that does not import, is no such record, or has a name in use is left out, with a warning: what a
    package breaks must not break the others.

    Args:
        group: Of the entry points, such as `textgen.strategies`.
        own: Our records by name.
        kind: Their class.
    """
    records = dict(own)
    for entry in entry_points(group=group):
        reason = "the name is taken" if entry.name in records else _broken(entry, kind)
        if reason is None:
            records[entry.name] = entry.load()
        else:
            package = entry.dist.name if entry.dist else entry.value
            warnings.warn(
                f"{entry.name} of {package} in {group} is left out: {reason}", PluginWarning, stacklevel=2
            )
    return records


def resolved(target: str) -> Any:
    """What `module:name` stands for; the module is imported now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _broken(entry: EntryPoint, kind: type) -> str | None:
    try:
        found = entry.load()
    except Exception as error:  # whatever another package does while it is imported
        return f"{type(error).__name__}: {error}"
    return None if isinstance(found, kind) else f"it is no {kind.__name__}"
