"""Models that rank titles beside the one that writes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textgen.models.padding import padded
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model

PMI_KIND = "logprob(article|text)-logprob(article)"
READ = 80  # tokens of the article whose probabilities are compared
ROWS = 16  # lines scored together


class TitleJudge(ABC):
    """A model that ranks titles, or other lines, of an article.

    Args:
        files: Its files; its tokenizer need not be that of the model that writes.

    Attributes:
        label: What records say of it.
    """

    def __init__(self, files: ModelFiles) -> None:
        model = load_model(files)
        self.label, self._tokenizer = model.label, model.tokenizer
        self._network: Any = model.network

    @abstractmethod
    def scores(self, article: str, titles: Sequence[str]) -> list[float]:
        """Scores of titles for an article; the higher the better."""


class TitleScores(TitleJudge):
    """A model that was trained to rank titles: a title-scorer."""

    def scores(self, article: str, titles: Sequence[str]) -> list[float]:
        specials = self._tokenizer.specials
        source = [specials.cls, *self._tokenizer.encode(article), specials.sep]
        found: list[float] = self._network.score(source, [self._tokenizer.encode(t) for t in titles]).tolist()
        return found


class TitlePmi(TitleJudge):
    """A gpt2 that ranks lines, titles or names of topics, by their mutual information with an article.

    Pointwise mutual information, log p(article | line) - log p(article), by a language model that reads the
    line as the headline of the article. It is the same quantity as log p(line | article) - log p(line), but
    what is compared between lines are probabilities of one and the same text: how long a line is, how
    common, and whether it looks like a title cancels. Min et al. 2022, "Noisy Channel Language Model
    Prompting for Few-Shot Text Classification", https://arxiv.org/abs/2108.04106.
    """

    def scores(self, article: str, titles: Sequence[str]) -> list[float]:
        """The mutual information of the head of an article with each title, in nats."""
        read = self._tokenizer.encode(article)[:READ]
        nothing, *found = self._logprobs(read, ["", *titles])
        return [one - nothing for one in found]

    def _logprobs(self, read: list[int], lines: Sequence[str]) -> list[float]:
        """Log-probability of the article's tokens behind each line."""
        bos = self._tokenizer.specials.bos
        room = self._network.positions - len(read)
        heads = [[bos, *self._tokenizer.encode(f"{line}\n")][:room] for line in lines]
        found = [self._some(read, heads[at : at + ROWS]) for at in range(0, len(heads), ROWS)]
        return [float(one) for some in found for one in some]

    def _some(self, read: list[int], heads: Sequence[list[int]]) -> Tensor:
        tokens = padded([[*head, *read] for head in heads])
        state = self._network.start([[]]).repeat(len(heads))
        logits = self._network.extend(state, tokens[:, :-1]).float()
        found = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0]
        first = torch.tensor([len(head) - 1 for head in heads])[:, None]
        places = torch.arange(found.shape[1])
        of_article = (places >= first) & (places < first + len(read))
        sums: Tensor = found.masked_fill(~of_article, 0.0).sum(-1)
        return sums
