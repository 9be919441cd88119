"""Filters of plain sentences: one sentence of Chinese characters and few marks, nothing said twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from textgen.choice.allowed import line_ids
from textgen.choice.filters import BANNED
from textgen.choice.lengths import token_lengths
from textgen.text.traditional import HAN
from textgen.tokenizers.base import Tokenizer

ENDS, MARKS = "。！？", "。！？，、"
TWICE = 2  # times that a token may stand in a sentence
OPENING, OPENED, LATER = 2, 0.7, 0.15  # tokens with much noise, its scale, and that of the rest
_PLAIN = re.compile(f"[{HAN}{MARKS}]+")


def plain_ids(tokenizer: Tokenizer, vocab_size: int) -> Tensor:
    """`(vocab,)`, true for tokens of Chinese characters and the marks of plain sentences."""
    allowed = line_ids(tokenizer, vocab_size, spaces=False)
    for i in allowed.nonzero()[:, 0].tolist():
        allowed[i] = bool(_PLAIN.fullmatch(tokenizer.vocabulary.pieces[i].decode("utf-8", "replace")))
    return allowed


class OneSentence:
    """A filter that lets a text end behind a mark that ends a sentence, and go on behind none.

    There stays room for the words that are lacking, and for such a mark, which comes behind them all.

    Args:
        tokenizer: Of the tokens.
        vocab_size: Ids of the model.
        length: Fewest and most characters.
        end: The end symbol.
        given: How many columns of `ids` come before what is written.
        words: What the text must hold; a word that is given twice stands twice.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        vocab_size: int,
        length: tuple[int, int],
        end: int,
        given: int,
        words: Sequence[str] = (),
    ) -> None:
        self.decode = tokenizer.decode
        self.sizes = token_lengths(tokenizer.vocabulary, vocab_size)
        self.ends, self.own = (torch.zeros(vocab_size, dtype=torch.bool) for _ in range(2))
        pieces = enumerate(tokenizer.vocabulary.pieces)
        self.ends[[i for i, piece in pieces if piece.decode("utf-8", "replace")[-1:] in {*ENDS}]] = True
        self.own[[i for word in words for i in tokenizer.encode(word)]] = True
        self.length, self.end, self.given = length, end, given
        self.words = Counter(words)

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        texts = ids[:, self.given :]
        lacking = torch.tensor([self._lacking(self.decode(row)) for row in texts.tolist()])[:, None]
        written = self.sizes[texts].sum(-1)[:, None]
        least, left = self.length[0] - written, self.length[1] - written
        going = (left - self.sizes > lacking) | (self.own & (lacking > 0) & (left > self.sizes))
        ending = (lacking == 0) & (left >= self.sizes) & (least <= self.sizes)
        ended = self.ends[ids[:, -1:]] & (ids.shape[1] > self.given)
        out = scores.masked_fill(~torch.where(self.ends, ending, going) | ended, BANNED)
        early = ~ended | (least > 0)
        out[:, self.end] = scores[:, self.end].masked_fill(early[:, 0], BANNED)
        return out

    def _lacking(self, text: str) -> int:
        """The characters of the words that a text lacks."""
        return sum(len(word) * max(0, count - text.count(word)) for word, count in self.words.items())


class NoRepeats:
    """A filter against pairs of neighbours that a text has, tokens that it has twice, and two marks in a row.

    Args:
        marks: Tokens that are punctuation, and may come again.
        words: What the text must hold; its tokens may come again, but not in pairs of other words.
        given: How many columns of `ids` come before what is written.
    """

    def __init__(self, marks: frozenset[int], words: Sequence[tuple[int, ...]], given: int) -> None:
        self.marks, self.given = marks, given
        # a word that is given twice stands twice
        self.pairs = {pair for word in words for pair in pairwise(word)}
        self.wanted = {token for word in words for token in word}

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        out = scores.clone()
        for row, text in enumerate(ids[:, self.given :].tolist()):
            if text:
                out[row, self._banned(text)] = BANNED
        return out

    def _banned(self, text: list[int]) -> list[int]:
        last = text[-1]
        counts = Counter(text)
        again = [b for a, b in pairwise(text) if a == last and (a, b) not in self.pairs]
        often = [i for i, n in counts.items() if n >= TWICE and i not in self.marks and i not in self.wanted]
        return [*again, *often, *(self.marks if last in self.marks else ())]


@dataclass(frozen=True)
class Noise:
    """Gumbel noise on the scores: of all texts, the best with noise is a draw.

    Attributes:
        given: How many columns of `ids` come before what is written.
        generator: Draws it.
    """

    given: int
    generator: torch.Generator

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        scale = OPENED if ids.shape[1] - self.given < OPENING else LATER
        drawn = torch.empty(scores.shape).exponential_(generator=self.generator)
        return scores - scale * drawn.clamp_min(torch.finfo(drawn.dtype).tiny).log()
