"""States of a chain of edits, and the moves between them.

A state is a text and where its locks lie: the same ids with a keyword locked at another place are another
state, so that every move has one reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, groupby

FREE = 0  # the label of a token that may change
REPLACE, INSERT, DELETE, SWAP, PARAPHRASE = "replace", "insert", "delete", "swap", "paraphrase"

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Context:
    """The tokens on both sides of a place."""

    left: Ids
    right: Ids

    def filled(self, token: int) -> Ids:
        """The text with a token at the place."""
        return (*self.left, token, *self.right)


@dataclass(frozen=True)
class Subject:
    """The subject of a chain's texts; it stays as it is while they change.

    Attributes:
        source: Tokens of the text they are to be like; none where there is no such text.
        words: Tokens of words they should hold.
        length: The range they should lie in, least and most, in what the target counts; where there are
            blanks to fill, the range of each blank.
        blanks: The range of each blank, if they differ.
    """

    source: Ids = ()
    words: tuple[Ids, ...] = ()
    length: tuple[int, int] = (0, 10**6)
    blanks: tuple[tuple[int, int], ...] = ()


NO_SUBJECT = Subject()


@dataclass(frozen=True)
class State:
    """A text with locked spans.

    Attributes:
        ids: The tokens.
        labels: For each token `FREE`, or the number of the locked span it belongs to, from 1. The tokens of
            a span stand side by side.
        open_left: Whether something may be written before the text.
        open_right: Whether something may be written behind it.
        subject: What the text is about.
    """

    ids: Ids
    labels: Ids
    open_left: bool = True
    open_right: bool = True
    subject: Subject = NO_SUBJECT

    @classmethod
    def of(
        cls,
        parts: Sequence[tuple[Sequence[int], int]],
        *,
        open_left: bool = True,
        open_right: bool = True,
        subject: Subject = NO_SUBJECT,
    ) -> State:
        """Join parts, each tokens and their label."""
        ids = tuple(i for tokens, _ in parts for i in tokens)
        labels = tuple(label for tokens, label in parts for _ in tokens)
        return cls(ids, labels, open_left, open_right, subject)

    @property
    def free(self) -> list[int]:
        """Places that may be replaced or deleted."""
        return [place for place, label in enumerate(self.labels) if label == FREE]

    @property
    def gaps(self) -> list[int]:
        """Places before which a token may be inserted: anywhere but inside a locked span or a closed end."""
        last = len(self.ids)
        inner = [g for g in range(1, last) if self.labels[g] == FREE or self.labels[g - 1] != self.labels[g]]
        return [0] * self.open_left + inner + [last] * (self.open_right and (last > 0 or not self.open_left))

    @property
    def spans(self) -> list[range]:
        """The locked spans, in the order of the text."""
        runs = [list(places) for _, places in groupby(range(len(self.ids)), self.labels.__getitem__)]
        return [range(run[0], run[-1] + 1) for run in runs if self.labels[run[0]] != FREE]

    @property
    def blanks(self) -> list[range]:
        """The places between the locked spans, and at the open ends; empty ranges where nothing stands."""
        edges = [0, *(edge for span in self.spans for edge in (span.start, span.stop)), len(self.ids)]
        found = [range(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        return found[0 if self.open_left else 1 : None if self.open_right else -1]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of labels whose spans may change places."""
        return list(combinations(sorted(self.labels[span.start] for span in self.spans), 2))

    def around(self, place: int) -> Context:
        """The tokens around one of them."""
        return Context(self.ids[:place], self.ids[place + 1 :])

    def at_gap(self, gap: int) -> Context:
        """The tokens around a gap."""
        return Context(self.ids[:gap], self.ids[gap:])

    def replaced(self, place: int, token: int) -> State:
        """The state with another token at a free place."""
        return replace(self, ids=(*self.ids[:place], token, *self.ids[place + 1 :]))

    def inserted(self, gap: int, token: int) -> State:
        """The state with a free token more."""
        labels = (*self.labels[:gap], FREE, *self.labels[gap:])
        return replace(self, ids=(*self.ids[:gap], token, *self.ids[gap:]), labels=labels)

    def deleted(self, place: int) -> State:
        """The state without the token at a free place."""
        labels = self.labels[:place] + self.labels[place + 1 :]
        return replace(self, ids=self.ids[:place] + self.ids[place + 1 :], labels=labels)

    def swapped(self, one: int, other: int) -> State:
        """The state in which the spans of two labels have changed places."""
        by_label = {self.labels[span.start]: span for span in self.spans}
        first, second = sorted((by_label[one], by_label[other]), key=lambda span: span.start)
        order = [
            *range(first.start),
            *second,
            *range(first.stop, second.start),
            *first,
            *range(second.stop, len(self.ids)),
        ]
        ids, labels = (tuple(row[n] for n in order) for row in (self.ids, self.labels))
        return replace(self, ids=ids, labels=labels)


@dataclass(frozen=True)
class Operations:
    """Probabilities of the moves, the same in every state; what is left does nothing.

    Attributes:
        replace: Draw another token at a free place.
        insert: Draw one more token at a gap.
        delete: Leave out a free token.
        swap: Let two locked spans change places.
        paraphrase: Go to a neighbour, such as the text with another word; see `kernel.Neighbours`.
    """

    replace: float = 0.3
    insert: float = 0.4
    delete: float = 0.3
    swap: float = 0.0
    paraphrase: float = 0.0

    def choose(self, uniform: float) -> str | None:
        """The move at a number on [0, 1); its name is that of the attribute."""
        edges = zip(vars(self), accumulate(vars(self).values()), strict=True)
        return next((move for move, edge in edges if uniform < edge), None)
