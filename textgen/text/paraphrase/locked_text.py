"""Texts with locked parts, which edits leave whole and may carry to another place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from textgen.text.paraphrase.tokens import BLOCK, Token, tokens


@dataclass(frozen=True)
class Lock:
    """A locked part: its characters, and the number by which it is known wherever it goes."""

    start: int
    stop: int
    label: int


Piece = str | range  # of a new text: a string, or a part of the old one with its locks


def carries(written: Sequence[str], locked: Collection[str]) -> bool:
    """Whether strings have each of some locked parts once, none within or across another."""
    text = "\n".join(written)
    places = sorted((text.find(part), text.find(part) + len(part)) for part in locked)
    once = all(text.find(part) == text.rfind(part) >= 0 for part in locked)
    return once and all(one[1] <= other[0] for one, other in pairwise(places))


def carrying(written: str, locked: Mapping[str, range]) -> Iterator[Piece]:
    """The pieces of a string in which locked parts of a text stand for themselves."""
    at = 0
    for start, part in sorted((written.find(part), part) for part in locked if part in written):
        yield from (written[at:start], locked[part])
        at = start + len(part)
    yield written[at:]


@dataclass(frozen=True)
class LockedText:
    """A text and its locked parts, in order.

    Attributes:
        string: The text.
        locks: The locked parts.
    """

    string: str
    locks: tuple[Lock, ...] = ()

    @cached_property
    def _tokens(self) -> dict[int, tuple[int, Token]]:
        """The words by where they begin, each with where it ends."""
        found, at = {}, 0
        while at < len(self.string):
            block = BLOCK.match(self.string, at)
            for token in tokens(block.group() if block else self.string[at]):
                found[at] = at + len(token[0]), token
                at += len(token[0])
        return found

    @cached_property
    def _borders(self) -> frozenset[int]:
        inside = {place for lock in self.locks for place in range(lock.start + 1, lock.stop)}
        return frozenset({*self._tokens, len(self.string)} - inside)

    @cached_property
    def borders(self) -> Sequence[int]:
        """The places where a word begins or ends and that are not inside a locked part, in order."""
        return sorted(self._borders)

    def is_border(self, place: int) -> bool:
        """Whether a place is one of the borders."""
        return place in self._borders

    def borders_behind(self, start: int, most: int) -> Iterator[int]:
        """The borders behind a place, at most so far."""
        for place in range(start + 1, min(len(self.string), start + most) + 1):
            if place in self._borders:
                yield place

    def tokens(self, start: int, stop: int) -> list[Token]:
        """The words between two places; those that only lie half between them are left out."""
        found = (self._tokens.get(place) for place in range(start, stop))
        return [entry[1] for entry in found if entry is not None and entry[0] <= stop]

    def before(self, place: int) -> Token | None:
        """The word that ends at a place."""
        return next((token for stop, token in self._tokens.values() if stop == place), None)

    def locked_inside(self, start: int, stop: int) -> dict[str, range] | None:
        """The locked parts between two places by their strings; None if two have the same."""
        inside = [lock for lock in self.locks if start <= lock.start and lock.stop <= stop]
        found = {self.string[lock.start : lock.stop]: range(lock.start, lock.stop) for lock in inside}
        return found if len(found) == len(inside) else None

    def rebuilt(self, part: range, pieces: Sequence[Piece]) -> LockedText:
        """The text with a part made anew.

        Args:
            part: The part.
            pieces: Strings, and parts of the part, which take their locks with them.
        """
        made, locks = self.string[: part.start], [lock for lock in self.locks if lock.stop <= part.start]
        for piece in pieces:
            if isinstance(piece, range):
                locks += self._moved(piece, len(made))
                made += self.string[piece.start : piece.stop]
            else:
                made += piece
        locks += self._moved(range(part.stop, len(self.string)), len(made))
        return LockedText(made + self.string[part.stop :], tuple(locks))

    def _moved(self, part: range, to: int) -> list[Lock]:
        """The locks of a part when it stands elsewhere."""
        by = to - part.start
        return [
            Lock(lock.start + by, lock.stop + by, lock.label)
            for lock in self.locks
            if part.start <= lock.start and lock.stop <= part.stop
        ]
