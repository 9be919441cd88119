"""Chains of Gibbs sampling of several lengths and kinds over a tabular toy, and how to run them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from masked import KEY, frame, kernel_of, ran, random_conditional

from textgen.mcmc.chain import Chain, Course
from textgen.mcmc.gibbs.energy import ProposalDistribution, local, raw
from textgen.mcmc.gibbs.kernel import Gibbs
from textgen.mcmc.gibbs.point import Point, Template
from textgen.mcmc.scan import Scan
from textgen.rng import row_key

VALUES = 5
MASK, CLS, SEP, SIZE = frame(VALUES)
CONDITIONAL = random_conditional(SIZE, 1)
SETTINGS: list[dict[str, Any]] = [
    {},
    {"scan": Scan("sequential"), "proposal": ProposalDistribution(0.7, 3)},
    {"scan": Scan("block", 2)},
    {"scan": Scan("all")},
    {"energy": raw},
    {"scan": Scan("block", 3), "energy": local},
    {"scan": Scan("all"), "energy": local},
]
ALLOWED = torch.arange(SIZE) < VALUES
FEWER = ALLOWED & ~torch.isin(torch.arange(SIZE), torch.tensor([1, 3]))
OTHER = row_key(3, "another")

Start = tuple[bytes, int, list[int], Template]


def starts() -> list[Start]:
    """Beginnings of chains of several lengths and kinds."""
    return [
        (KEY, 0, [CLS, MASK, MASK, MASK, SEP], Template([1, 2, 3], ALLOWED)),
        (KEY, 1, [CLS, MASK, MASK, MASK, SEP], Template([1, 2, 3], ALLOWED)),
        (KEY, 2, [CLS, 4, 3, 2, 1, 0, 0, SEP], Template([2, 4, 6], FEWER)),
        (OTHER, 0, [CLS, MASK, SEP], Template([1], ALLOWED)),
        (OTHER, 1, [CLS, 1, MASK, 1, MASK, MASK, SEP], Template([1, 2, 4, 5], FEWER)),
        (OTHER, 2, [CLS, 2, 2, 2, 2, 2, SEP], Template([1, 2, 3, 4, 5], ALLOWED)),
    ]


def legal_starts() -> list[Start]:
    """The same, the seeds within what is allowed; of some the fixed places count for the energy."""
    found = starts()
    found[2] = (KEY, 2, [CLS, 4, 0, 2, 2, 0, 0, SEP], found[2][3])
    found[4] = (*found[4][:3], replace(found[4][3], scored=[1, 2, 4, 5]))
    found[5] = (*found[5][:3], Template([2, 4], ALLOWED, [1, 2, 4]))
    return found


def kernel(width: int = 8, **fields: Any) -> Gibbs:
    return kernel_of(VALUES, CONDITIONAL, width, **fields)


def chains_of(using: Gibbs, beginnings: list[Start]) -> list[Chain[Point]]:
    return [using.chain(*beginning) for beginning in beginnings]


def run_from(beginnings: list[Start], course: Course, using: Gibbs | None = None, **listener: Any) -> Any:
    using = using or kernel()
    return ran(using, chains_of(using, beginnings), course, **listener)


def told(chain: Chain[Point]) -> tuple[Any, ...]:
    """All that is recorded of a chain."""
    return chain.point, chain.kept, chain.best, chain.moves, chain.series
