"""The search strategies by name: one entry each, resolved on use so that nothing heavy is imported before.

A strategy is a module of `textgen.decoding` with a function `search(model, batch, scoring, plan)`; see
`textgen.decoding.plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

SAMPLING = frozenset({"temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"})
BEAM = frozenset({"beams", "length_penalty", "length_norm"})


@dataclass(frozen=True)
class Strategy:
    """What the options have to know of a strategy.

    Attributes:
        module: Where its `search` lies.
        options: Options that only some strategies take, and this one does.
        draws: Whether it draws random numbers.
        several: Whether it finds several texts for a source.
        stepwise: Whether it writes its texts piece by piece for good, so that they can be streamed, and
            end at a sentence.
    """

    module: str
    options: frozenset[str] = frozenset()
    draws: bool = False
    several: bool = True
    stepwise: bool = False


STRATEGIES = {
    "greedy": Strategy("textgen.decoding.search.greedy", several=False, stepwise=True),
    "sample": Strategy("textgen.decoding.search.sample", SAMPLING, draws=True, stepwise=True),
    "beam": Strategy("textgen.decoding.search.beam", BEAM | {"keyword", "ordered"}),
    "diverse": Strategy("textgen.decoding.search.diverse", BEAM | {"groups", "diversity_penalty"}),
    "stochastic": Strategy("textgen.decoding.search.stochastic", SAMPLING | {"beams"}, draws=True),
    "contrastive": Strategy(
        "textgen.decoding.search.contrastive", frozenset({"top_k", "penalty_alpha"}), several=False
    ),
    "bidirectional": Strategy("textgen.decoding.search.bidirectional", BEAM | {"interaction"}),
}


def search_of(name: str) -> Callable[..., Any]:
    """The function of a strategy."""
    search: Callable[..., Any] = import_module(STRATEGIES[name].module).search
    return search


def takers(option: str) -> list[str]:
    """The strategies that take an option; all names, if it belongs to none in particular."""
    found = [name for name, strategy in STRATEGIES.items() if option in strategy.options]
    return found or list(STRATEGIES)
