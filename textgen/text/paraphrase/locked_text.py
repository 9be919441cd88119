"""Texts with locked parts, which edits leave whole and may carry to another place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from textgen.text.paraphrase.tokens import BLOCK, Token, tokens


@dataclass(frozen=True)
class Lock:
    """A locked part: its characters, and the number by which it is known wherever it goes."""

    start: int
    stop: int
    label: int


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

    def locked(self, start: int, stop: int) -> bool:
        """Whether a character between two places is locked."""
        return any(lock.start < stop and start < lock.stop for lock in self.locks)

    def rebuilt(self, part: range, pieces: Sequence[str | range]) -> LockedText:
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
