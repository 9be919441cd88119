"""Titles of a wanted length: those that have it first, then the nearest, which are flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textgen.messages import Message
from textgen.schema import Candidate
from textgen.text.length import characters, deviation

FLAG = "length"


def nearest_first(candidates: Sequence[Candidate], length: tuple[int, int] | None) -> list[Candidate]:
    """The candidates by how far they are from a range of characters, else in their order.

    Args:
        candidates: Best first.
        length: Fewest and most characters; None changes nothing.

    Returns:
        All of them; those outside have the flag `length`.
    """
    if length is None:
        return list(candidates)
    ordered = sorted(candidates, key=lambda one: deviation(one.text, *length))
    return [
        replace(one, flags=(*one.flags, FLAG)) if deviation(one.text, *length) else one for one in ordered
    ]


def length_notes(candidates: Sequence[Candidate], length: tuple[int, int] | None) -> tuple[str, ...]:
    """What a person should know of the first title, if it has not the length that was asked for."""
    if length is None or not candidates or not deviation(candidates[0].text, *length):
        return ()
    least, most = length
    return (
        Message(
            "no title of {wanted} characters was found; the nearest has {count}",
            wanted=least if least == most else f"{least}-{most}",
            count=characters(candidates[0].text),
        ),
    )
