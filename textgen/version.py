"""The versions of this package and of those that it uses."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

__version__ = "0.1.0"


@cache  # none changes while a process lives
def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
