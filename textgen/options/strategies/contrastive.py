"""Contrastive search (Su et al. 2022, https://arxiv.org/abs/2202.06417)."""

from __future__ import annotations

from textgen.options.fields import DECODING, OptionGroup, Share, field
from textgen.options.strategies.strategy import Strategy


class ContrastiveOptions(OptionGroup):
    """The options of contrastive search."""

    penalty_alpha: Share = field(
        0.6, "Weight of the degeneration penalty: how much a token resembles the text before it.", DECODING
    )


CONTRASTIVE = Strategy(
    name="contrastive",
    description="probable tokens that do not resemble the text before them",
    search="textgen.decoding.search.contrastive:search",
    groups=(ContrastiveOptions,),
    takes=frozenset({"top_k"}),
    view="hidden",
    several=False,
)
