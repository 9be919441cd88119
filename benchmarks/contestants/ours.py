"""textgen as a contestant, once for every precision that the machine has."""

from __future__ import annotations

from collections.abc import Callable

from contestants.in_turn import COMMAND, Contestant, Work
from textgen.errors import UsageError
from textgen.models.precision import choose_precision


def ours_in_precisions(make: Callable[[str], Work]) -> list[Contestant]:
    """A contestant for each of fp32 and int8; the one that `auto` is, is called so.

    Args:
        make: Of a precision.
    """
    found = []
    for precision in ("fp32", "int8"):
        try:
            choose_precision(precision)
        except UsageError:
            continue
        by_default = " (auto)" if precision == choose_precision() else ""
        found.append(Contestant(f"textgen {precision}{by_default}", make, (precision,), COMMAND))
    return found
