"""A filter of words that a text may not hold, whatever tokens spell them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor

from textgen.choice.allowed import following_bytes, unfinished
from textgen.choice.automaton import ROOT, AhoCorasick
from textgen.choice.filters import BANNED
from textgen.errors import UsageError
from textgen.tokenizers.base import Vocabulary

WORD = 0  # the one label of all words


class Avoid:
    """A filter that bans the tokens with which one of the words would be complete.

    It works on bytes: a word may have many segmentations, and end in the middle of a token. Words count as
    they are written, upper and lower case apart.
    No character is begun that could only be finished as an avoided word: its first bytes are banned, too.
    Spaces do not count in a vocabulary whose texts are respaced: there 天 气 is 天气.

    Everything in `ids` is text that comes before: a word that begins in a prompt is not completed, one
    that lies wholly in it bans nothing. Padding and specials write no bytes and do not matter.

    The object holds masks that grow with use: make it once for a vocabulary and its words, not once a
    batch.

    Args:
        vocabulary: The tokens.
        words: None of them empty.
        vocab_size: Width of the scores, at least the size of the vocabulary.
        reverse: The texts are written from their end: `ids` holds the last token first.

    Raises:
        UsageError: A word is empty.
    """

    def __init__(
        self, vocabulary: Vocabulary, words: Collection[str], vocab_size: int, *, reverse: bool = False
    ) -> None:
        pieces: Sequence[bytes] = vocabulary.pieces
        if vocabulary.respaced:
            words = ["".join(word.split(" ")) for word in words]
            pieces = [piece.replace(b" ", b"") for piece in pieces]
        if "" in words:
            raise UsageError("an empty word cannot be avoided", hint="it is in every text")
        step = -1 if reverse else 1
        patterns = [word.encode()[::step] for word in words]
        silent = [b""] * (vocab_size - len(vocabulary))
        self._pieces = [piece[::step] for piece in pieces] + silent
        self._columns = _columns(self._pieces)
        automaton = AhoCorasick(patterns, [WORD] * len(patterns))
        prefixes = [bytes(prefix) for prefix in automaton.prefixes]
        complete = [not automaton.left(state, frozenset([WORD])) for state in range(len(prefixes))]
        self._after = automaton.table(256)
        # a thousand words have a million cells, of which a list of lists makes a tensor slowly
        cells = array("q", chain.from_iterable(self._after))
        self._table = torch.asarray(cells, dtype=torch.int64).view(-1, 256)
        self._complete = torch.tensor(complete)
        # backwards a character comes last byte first, and `WholeCharacters` does not hold
        self._hopeless = torch.tensor(
            [False] * len(prefixes) if reverse else _hopeless(self._after, complete, prefixes)
        )
        # with so many bytes, and so with so many tokens, behind a text its next bytes are judged
        self._reach = max(map(len, patterns), default=1) - 1
        self._masks: dict[int, Tensor] = {}

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        tails = ids[:, max(0, ids.shape[1] - self._reach) :].tolist()
        banned = torch.stack([self._mask(self._state(tail)) for tail in tails])
        return scores.masked_fill(banned, BANNED)

    def _state(self, tail: Iterable[int]) -> int:
        state = ROOT
        for i in tail:
            for byte in self._pieces[i]:
                state = self._after[state][byte]
        return state

    def _mask(self, state: int) -> Tensor:
        """`(vocab,)`, true for the tokens on whose way a word is complete, or behind which one must be."""
        if state not in self._masks:
            states = torch.full((len(self._pieces),), state)
            banned = torch.zeros(len(self._pieces), dtype=torch.bool)
            for ids, values in self._columns:
                states[ids] = self._table[states[ids], values]
                banned[ids] |= self._complete[states[ids]]
            self._masks[state] = banned | self._hopeless[states]
        return self._masks[state]


def _columns(pieces: Sequence[bytes]) -> list[tuple[Tensor, Tensor]]:
    """For the first byte, the second, ...: the ids of the tokens that have one, and its values."""
    columns: list[tuple[Tensor, Tensor]] = []
    longer = [i for i, piece in enumerate(pieces) if piece]
    while longer:
        at = len(columns)
        columns.append((torch.tensor(longer), torch.tensor([pieces[i][at] for i in longer])))
        longer = [i for i in longer if len(pieces[i]) > at + 1]
    return columns


def _hopeless(
    after: Sequence[Sequence[int]], complete: Sequence[bool], prefixes: Sequence[bytes]
) -> list[bool]:
    """Tell of each state whether it lies in a character that can only be finished as an avoided word.

    Words are whole characters, so a state that stands for less than the bytes of an open character has
    nothing to do with it.
    """
    opened = [unfinished(prefix) for prefix in prefixes]
    found = [False] * len(prefixes)
    # with more bytes held, fewer are to come
    for state in sorted(range(len(prefixes)), key=lambda state: -len(opened[state])):
        if held := opened[state]:
            ways = (after[state][byte] for byte in following_bytes(held))
            found[state] = all(complete[way] or found[way] for way in ways)
    return found
