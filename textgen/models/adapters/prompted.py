"""Titles by a language model, which reads the article in a prompt and goes on with the title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from textgen.models.adapters.divided import folded
from textgen.models.views import Ids, LanguageModel, ThroughHidden


@dataclass
class PromptedRows:
    """The rows behind prompts.

    Attributes:
        written: The state of the language model.
        bonus: `(groups, vocab)`, what is added to the logits of each group; None adds nothing.
    """

    written: Any
    bonus: Tensor | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.written.rows)

    def select(self, rows: Tensor) -> PromptedRows:
        """A reordering of the rows within their groups, or the rows of whole groups."""
        if self.bonus is None:
            return PromptedRows(self.written.select(rows))
        size = self.rows // len(self.bonus)
        return PromptedRows(self.written.select(rows), self.bonus[rows[::size] // size])

    def repeat(self, n: int) -> PromptedRows:
        """Every row n times."""
        return PromptedRows(self.written.repeat(n), self.bonus)


class PromptedTitles(ThroughHidden):
    """Offers the view `PromptedTitleModel` over a `LanguageModel`.

    A title ends at a line break, too: the first of `ends` has the probability of all of them.

    Args:
        model: The language model.
        before: Ids of a source before its article.
        behind: Ids of a source behind it.
        ends: The end symbol, and the ids that break the line.
        copy_prior: What is added to the logits of the ids of the article and of the end symbol.
    """

    two_way = False

    def __init__(
        self, model: LanguageModel, *, before: int, behind: int, ends: Sequence[int], copy_prior: float = 0
    ) -> None:
        self.model = model
        self.vocab_size = model.vocab_size
        self.ends = tuple(ends)
        self._before, self._behind, self._copy_prior = before, behind, copy_prior

    @property
    def shows_hidden(self) -> bool:
        """Whether hidden states are those of the language model."""
        return bool(getattr(self.model, "shows_hidden", True))

    def source_room(self, title: int) -> int:
        """Most ids of a source beside a title of so many: they are one text."""
        return self.model.positions - title

    def start(self, sources: Sequence[Ids]) -> PromptedRows:
        """Read sources that share one padded length."""
        return self.read(sources)[0]

    def read(self, sources: Sequence[Ids]) -> tuple[PromptedRows, list[Tensor]]:
        """Like `start`, with no hidden states: a prompt is not part of the title."""
        written, hidden = self.model.read(sources)
        bonus = self._bonus(sources) if self._copy_prior else None
        return PromptedRows(written, bonus), [states[:0] for states in hidden]

    def hidden(self, state: PromptedRows, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, width)`."""
        return self.model.hidden(state.written, tokens)

    def head(self, state: PromptedRows, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states, the copy prior included; see `HiddenModel`."""
        logits = folded(self.model.head(state.written, hidden), self.ends)
        if state.bonus is None:
            return logits
        by_group = logits.view(len(state.bonus), -1, logits.shape[-1])
        return (by_group + state.bonus[:, None]).view(logits.shape)

    def _bonus(self, sources: Sequence[Ids]) -> Tensor:
        """The copy prior `(sources, vocab)`: z = y + b chi, chi 1 for what a title can copy, and for its end.

        Of models that were trained with a prior it is the mean of two votes; here nothing was, and the end
        must not lose against the article.
        """
        found = torch.zeros(len(sources), self.vocab_size)
        for row, source in enumerate(sources):
            article = source[self._before : len(source) - self._behind]
            found[row, [*article, self.ends[0]]] = self._copy_prior
        return found
