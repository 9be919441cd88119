"""What is known beforehand of the numbers that a layer multiplies, for products that round them."""

from __future__ import annotations

from enum import Enum, auto


class Activations(Enum):
    """How the numbers of a row lie.

    Attributes:
        EVEN: About as far below zero as above it.
        AFTER_GELU: Hardly below zero.
        OUTLIERS: A few columns are many times as large as the others, as in what queries, keys and values
            are made of.
    """

    EVEN = auto()
    AFTER_GELU = auto()
    OUTLIERS = auto()
