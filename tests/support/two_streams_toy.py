"""Sources and streams over a small vocabulary, and a forward without a cache."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.two_streams import TwoStreams

TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
L2R, R2L = 7, 8
VOCAB = 101
FIRST = (L2R, R2L)
TYPES = {L2R: 1, R2L: 2}


def make_source(length: int, seed: int) -> list[int]:
    """`<cls> … <sep>`, so many ids in all."""
    generator = torch.Generator().manual_seed(seed)
    return [6, *torch.randint(9, VOCAB, (length - 2,), generator=generator).tolist(), 5]


def whole(model: TwoStreams, sources: list[list[int]], streams: Tensor) -> Tensor:
    """The same at once, without a cache, as in training."""
    unilm: Any = model.model
    types = torch.tensor([unilm.target_types[first] for first in model.first]).expand(len(streams), -1)
    return teacher_forced(unilm, sources, streams, types, interaction=model.interaction)
