"""A network of a family of its own: a bigram model, which continues texts by their last token alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from textgen.models.family import Sizes


@dataclass(frozen=True)
class BigramSizes(Sizes):
    vocab_size: int
    width: int
    span: int


@dataclass(frozen=True)
class Rows:
    rows: int

    def select(self, rows: Tensor) -> Rows:
        return replace(self, rows=len(rows))

    def repeat(self, n: int) -> Rows:
        return replace(self, rows=n * self.rows)


class Bigram(nn.Module):
    def __init__(self, sizes: BigramSizes) -> None:
        super().__init__()
        self.vocab_size, self.positions = sizes.vocab_size, sizes.span
        self.embedding = nn.Embedding(sizes.vocab_size, sizes.width)
        self.output = nn.Parameter(torch.empty(sizes.vocab_size, sizes.width))

    def start(self, sources: Sequence[Sequence[int]]) -> Rows:
        return Rows(len(sources))

    def read(self, sources: Sequence[Sequence[int]]) -> tuple[Rows, list[Tensor]]:
        return self.start(sources), [self.embedding.weight[list(source)] for source in sources]

    def step(self, state: Rows, tokens: Tensor) -> Tensor:
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: Rows, tokens: Tensor) -> Tensor:
        return self.head(state, self.hidden(state, tokens))

    def hidden(self, state: Rows, tokens: Tensor) -> Tensor:
        found: Tensor = self.embedding(tokens)
        return found

    def head(self, state: Rows, hidden: Tensor) -> Tensor:
        return hidden @ self.output.T
