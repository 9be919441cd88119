"""A filter that lets texts be one of a list, and the trie of the list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from textgen.choice.filters import BANNED
from textgen.errors import UsageError

Node: TypeAlias = "dict[int, Node]"  # by the next id; behind the end symbol only comes itself


@dataclass(frozen=True)
class Trie:
    """Sequences of ids by their beginnings; made by `Trie.of`."""

    root: Node

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int]], eos: int) -> Trie:
        """Build the trie of some sequences.

        Args:
            sequences: In writing order, reversed for a text written right to left; without the end
                symbol. One may be the beginning of another, or come twice.
            eos: The end symbol, which follows every sequence.

        Raises:
            UsageError: There are none.
            ValueError: One holds the end symbol.
        """
        root: Node = {}
        end: Node = {}
        end[eos] = end
        for sequence in sequences:
            if eos in sequence:
                raise ValueError(f"the end symbol {eos} inside a sequence")
            node = root
            for i in sequence:
                node = node.setdefault(i, {})
            node[eos] = end
        if not root:
            raise UsageError("there is no text to choose from", hint="give at least one")
        return cls(root)

    def following(self, written: Sequence[int]) -> Collection[int]:
        """Ids that may come next; behind the end symbol only itself.

        Raises:
            ValueError: No sequence begins so.
        """
        node = self.root
        for i in written:
            if i not in node:
                raise ValueError(f"none of the listed sequences begins with {list(written)}")
            node = node[i]
        return node.keys()


@dataclass(frozen=True)
class OneOf:
    """A filter that lets a row only go on as one of the listed texts does, and end where one does.

    Drawn texts have the distribution of the model, renormalised at every token over the ones left; a search
    finds the listed text with the best score, since bans do not change scores.

    Behind its end a row may only end again: in a group of `write`, copies that have ended wait so for the
    others. A row that begins no listed text is an error, since it must have passed a ban.

    Attributes:
        trie: The texts.
        given: How many columns of `ids` come before what is written.
    """

    trie: Trie
    given: int

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        out = torch.full_like(scores, BANNED)
        for row, written in enumerate(ids[:, self.given :].tolist()):
            following = list(self.trie.following(written))
            out[row, following] = scores[row, following]
        return out
