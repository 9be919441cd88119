"""Pointwise mutual information of a line and an article; the line is a title, or the name of a topic.

Pointwise mutual information, log p(article | line) - log p(article), by a language model that reads the line
as the headline of the article. It is the same quantity as log p(line | article) - log p(line), but what is
compared between lines are probabilities of one and the same text: how long a line is, how common, and whether
it looks like a title cancels. Min et al. 2022, "Noisy Channel Language Model Prompting for Few-Shot Text
Classification", https://arxiv.org/abs/2108.04106.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.padding import padded
from textgen.models.views import LanguageModel
from textgen.store.catalog import ModelFiles
from textgen.store.load import load_model

SCORE_KIND = "logprob(article|text)-logprob(article)"
READ = 80  # tokens of the article whose probabilities are compared
ROWS = 16  # lines scored together


class TitlePmi:
    """A language model that ranks lines by their mutual information with an article.

    Args:
        files: Of a gpt2; its tokenizer need not be that of the model that writes.

    Attributes:
        label: What records say of it.
    """

    def __init__(self, files: ModelFiles) -> None:
        model = load_model(files)
        self.label = model.label
        self._tokenizer = model.tokenizer
        self._network: LanguageModel = model.network

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
        return found.masked_fill(~of_article, 0.0).sum(-1)
