"""Options of every strategy and every value of an option, as the registries have them."""

from __future__ import annotations

from typing import Any, get_args

from textgen.options import DecodingOptions, Options


def each_strategy(kind: type[DecodingOptions]) -> list[dict[str, Any]]:
    """Options of each strategy: two texts if it finds several, a seed if it draws random numbers."""
    return [
        {"decode": name} | ({"num_candidates": 2} if one.several else {}) | ({"seed": 3} if one.draws else {})
        for name, one in kind.offered().items()
    ]


def each_value(kind: type[Options], name: str) -> tuple[Any, ...]:
    """The values that an option can have, of a type that lists them."""
    return get_args(kind.model_fields[name].annotation)
