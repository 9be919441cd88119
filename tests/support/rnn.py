"""Small networks of the first article, and what they read and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan, search
from textgen.decoding.stop import Stop
from textgen.models.families import RNN_TITLE
from textgen.models.families.rnn_title import RnnTitle
from textgen.models.initialization import initialized
from textgen.options import TitleOptions

VOCAB, EOS, SEP, CLS, L2R, R2L = 101, 4, 5, 6, 7, 8
SIZES: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_heads": 4,
    "modulation_size": 8,
    "source_length": 40,
    "prior": True,
}
TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
LENGTHS = (17, 32, 25, 18)


def make_ids(count: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(9, VOCAB, (count,), generator=generator).tolist()


def make_source(length: int, seed: int | None = None) -> list[int]:
    """`<cls> … <sep>`, so many ids in all."""
    return [CLS, *make_ids(length - 2, length if seed is None else seed), SEP]


def make_targets(rows: int, steps: int, seed: int = 0) -> Tensor:
    ids = torch.tensor(make_ids(rows * steps, 1000 + seed)).view(rows, steps)
    ids[:, 0] = L2R
    return ids


def make_network(seed: int = 1, **sizes: Any) -> RnnTitle:
    """A network in which every tensor matters."""
    network = initialized(RNN_TITLE, SIZES | sizes, seed)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        scale = 1.0 if "embedding" in name or "prior" in name else 0.2
        parameter.data += scale * torch.randn(parameter.shape, generator=generator)
    return network.eval().requires_grad_(False)


def batch_of(sources: Sequence[Sequence[int]], first: int = L2R) -> Batch:
    return Batch(list(sources), [first] * len(sources), [[]] * len(sources))


def text_scoring() -> Scoring:
    allowed = torch.arange(VOCAB) > 8
    allowed[EOS] = True
    return Scoring(allowed)


def greedily(network: RnnTitle, batch: Batch, most: int) -> list[list[int]]:
    stop = Stop(EOS, most)
    plan = Plan(TitleOptions(decode="greedy"), EOS, 0, lambda _, ids: stop.reason(ids))
    return [found[0].ids for found in search(network, batch, text_scoring(), plan)]
