"""What the tests of the adapters have in common: closeness, and texts written greedily."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch, write
from textgen.decoding.search.token_by_token import best


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Let two tensors be equal but for rounding."""
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def texts_of(
    model: Any, sources: Sequence[Sequence[int]], first: Sequence[int], length: int, end: int
) -> list[list[int]]:
    """What is written greedily behind sources and a first token each, the end included."""
    batch = Batch(sources, first, [[token] for token in first])
    everything = Scoring(torch.ones(model.vocab_size, dtype=torch.bool))

    def stop(row: int, ids: Sequence[int]) -> str | None:
        return "stop" if ids[-1] == end else "length" if len(ids) == length else None

    *_, drafts = write(model, batch, everything, best, stop)
    return [draft.ids for draft in drafts]
