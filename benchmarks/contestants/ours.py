"""textgen as a contestant, once for every precision that the machine has."""

from __future__ import annotations

from collections.abc import Callable

from contestants.in_turn import Contestant, Work
from textgen.backends.registry import precision_for
from textgen.compute import WAITING
from textgen.errors import UsageError
from textgen.models.precision import AUTO
from textgen.store.catalog import find_model


def ours_in_precisions(make: Callable[[str], Work], model: str) -> list[Contestant]:
    """A contestant for each of fp32 and int8; the one that `auto` is, is called so.

    Args:
        make: Of a precision.
        model: The model's name.
    """
    files, found = find_model(model), []
    for precision in ("fp32", "int8"):
        try:
            precision_for(precision, files)
        except UsageError:
            continue
        by_default = " (auto)" if precision == precision_for(AUTO, files) else ""
        found.append(Contestant(f"textgen {precision}{by_default}", make, (precision,), WAITING))
    return found
