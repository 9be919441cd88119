"""A BERT that reads an article and a title, and says how well they go together.

The input is `<cls> article <sep> title <sep>`, the article of token type 0, the title and what follows of
type 1, as in Devlin et al. 2019, https://arxiv.org/abs/1810.04805; the score is linear in the last state at
`<cls>`. Only the scores of titles of one article compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.batching import same_size_batches
from textgen.models.families.bert import BertConfig, Trunk
from textgen.models.layers.attention import linear, padded_length
from textgen.models.padding import read_together
from textgen.models.views import Ids
from textgen.tokenizers.base import Specials

TYPES = 2  # token types
ROWS = 16  # titles that are read at once


class TitleScorer(nn.Module):
    """Scores titles; offers the view `TitleRanker`.

    Args:
        trunk: Embeddings and layers; the head of a masked language model is not needed.
        config: Its sizes.

    Attributes:
        head: `(hidden,)`, what the state at `<cls>` is multiplied with. It is zero at first: all titles are
            as good as each other until something is learned, whatever the trunk says. There is no constant,
            which would change no order.
    """

    def __init__(self, trunk: Trunk, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = config.vocab_size
        self.bert = trunk
        self.head = nn.Parameter(torch.zeros(config.hidden_size))

    @property
    def embedding(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.bert.embeddings.word_embeddings

    def score(self, source: Ids, titles: Sequence[Ids]) -> Tensor:
        """Scores of titles `(titles,)`, the higher the better; none depends on the others.

        Args:
            source: The article, with its `<cls>` and `<sep>`.
            titles: Without.
        """
        pairs = [joint_input(source, title, self.config.max_position_embeddings) for title in titles]
        found = torch.zeros(len(pairs))
        for some in same_size_batches(
            range(len(pairs)), lambda n: padded_length(len(pairs[n][0])), lambda _: ROWS
        ):
            found[some] = self(*padded_inputs([pairs[n] for n in some]))
        return found

    def forward(self, ids: Tensor, lengths: Tensor, starts: Tensor) -> Tensor:
        """Scores `(rows,)` of what `together` makes of pairs."""
        types = (torch.arange(ids.shape[1]) >= starts[:, None]).long()
        states = self.bert.encode(ids, lengths, torch.zeros_like(lengths), types)
        return linear(states[:, 0], self.head[None])[:, 0]


def build(config: dict[str, Any], specials: Specials, file: Path) -> TitleScorer:
    """The scorer of a config.json. Raises ModelError: it cannot tell article and title apart."""
    sizes = BertConfig.from_dict(config)
    if sizes.type_vocab_size < TYPES:
        hint, types = "a scorer of titles has two token types", sizes.type_vocab_size
        raise ModelError("{file}: type_vocab_size cannot be {types}", file=file, types=types, hint=hint)
    return TitleScorer(Trunk(sizes), sizes)


def joint_input(source: Ids, title: Ids, positions: int) -> tuple[list[int], int]:
    """The input for an article with a title.

    Args:
        source: The article, with its `<cls>` and `<sep>`.
        title: The title, without.
        positions: Most ids. What they have no room for is left out: the article's end, or that of a title
            that takes more than half of them.

    Returns:
        The ids, and where the title begins.
    """
    sep, title = source[-1], title[: positions // 2]
    room = positions - len(title) - 1
    read = [*source] if len(source) <= room else [*source[: room - 1], sep]
    return [*read, *title, sep], len(read)


def padded_inputs(pairs: Sequence[tuple[Ids, int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs of `joint_input` as a batch.

    Returns:
        Ids `(rows, length)`, padded on the right; `(rows,)`, how many count; `(rows,)`, where titles begin.
    """
    ids, lengths = read_together([ids for ids, _ in pairs])
    return ids, lengths, torch.tensor([start for _, start in pairs])
