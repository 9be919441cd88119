"""Scores of titles by a model that was trained to rank them."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.models.views import TitleRanker
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model


class TitleScores:
    """A scorer with its own tokenizer, which need not be that of the model that writes.

    Args:
        files: Of a title-scorer.

    Attributes:
        label: What records say of it.
    """

    def __init__(self, files: ModelFiles) -> None:
        model = load_model(files)
        self.label = model.label
        self._tokenizer = model.tokenizer
        self._network: TitleRanker = model.network

    def scores(self, article: str, titles: Sequence[str]) -> list[float]:
        """How good each title is for the article; the higher the better."""
        specials = self._tokenizer.specials
        source = [specials.cls, *self._tokenizer.encode(article), specials.sep]
        found: list[float] = self._network.score(source, [self._tokenizer.encode(t) for t in titles]).tolist()
        return found
