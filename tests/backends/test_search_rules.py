"""From options to filters: without options a text is drawn from the distribution of its model."""

from __future__ import annotations

import torch
from small_titles import TOKENIZER

from textgen.backends.search_rules import scoring_for
from textgen.choice.allowed import title_ids
from textgen.options import ContinueOptions, TitleOptions, parse
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer


def test_nothing_but_the_task_restricts_titles_that_are_drawn() -> None:
    tokenizer = SentencePieceTokenizer(TOKENIZER)
    allowed = title_ids(tokenizer, 8192)
    ids = torch.tensor([[300, 301, 300, 301], [302, 302, 302, 302]])  # behind the first token, with repeats
    logits = 5 * torch.randn(2, 8192, generator=torch.Generator().manual_seed(1))
    restricted = logits.masked_fill(~allowed, -torch.inf).softmax(-1)
    for kind, given, same in (
        (TitleOptions, {"decode": "sample"}, True),
        (TitleOptions, {"decode": "sample", "repetition_penalty": 1.2}, False),
        (TitleOptions, {"decode": "sample", "min_p": 0.1}, False),
        (ContinueOptions, {}, False),  # cooler, and without the least probable
        (ContinueOptions, {"temperature": 1, "top_p": 1}, True),
    ):
        scoring = scoring_for(parse(kind, given), tokenizer, allowed, given=0)
        drawn = scoring.drawn(ids, scoring(ids, logits)[1])
        assert torch.allclose(drawn, restricted, atol=1e-6) is same, given
