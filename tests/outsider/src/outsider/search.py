"""The choice of the strategy `nth-best`."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from outsider.records import NthBestOptions
from textgen.options.fields import own


def choose(scoring: Any, draws: Any, options: Any) -> Any:
    nth = own(options, NthBestOptions).nth

    def nth_best(ids: Tensor, search: Tensor, numbers: Any, step: int) -> Tensor:
        best = search.topk(nth, -1)
        possible = (best.values > -float("inf")).sum(-1, keepdim=True)
        return best.indices.gather(-1, (possible - 1).clamp(min=0))[:, 0]

    return nth_best
