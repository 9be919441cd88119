"""Small networks that know styles, and ways through them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.layers.conditional_norm import Condition, add_condition

STYLES = ("诗歌", "新闻", "评论")
SIZE = 8
IDS = torch.randint(9, 101, (3, 20), generator=torch.Generator().manual_seed(5))
LENGTHS = torch.tensor([20, 13, 17])
PLACES = torch.tensor([4, 12, 0])

Forward = Callable[[Any], Tensor]


def conditional(network: Any, *, learnt: bool = True) -> tuple[Any, Condition]:
    """A copy of a network that knows styles, and what tells them; its styles differ if it has learnt."""
    network = copy.deepcopy(network)
    condition = add_condition(network, STYLES, SIZE, seed=3)
    generator = torch.Generator().manual_seed(6)
    for name, parameter in sorted(network.named_parameters()):
        parameter.requires_grad_(False)
        if learnt and name.endswith((".gain", ".shift")):
            parameter.data.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network, condition


def whole_gpt2(network: Gpt2) -> Tensor:
    return network.extend(network.start([[]] * len(IDS)), IDS)


def cached_gpt2(network: Gpt2) -> Tensor:
    """Behind a prefix, one token a step."""
    state = network.start([row[:8].tolist() for row in IDS])
    return torch.stack([network.step(state, IDS[:, place]) for place in range(8, 20)], 1)


def shown_gpt2(network: Gpt2) -> Tensor:
    """From hidden states, those of the prefix and those behind it."""
    state, read = network.read([row[:8].tolist() for row in IDS])
    return torch.cat([torch.stack(read), network.hidden(state, IDS[:, 8:])], 1)


def whole_bert(network: Bert) -> Tensor:
    logits = network.logits(network.encode(IDS, LENGTHS))
    return logits[torch.arange(20) < LENGTHS[:, None]]


def masked_bert(network: Bert) -> Tensor:
    return network.masked_logits(IDS, LENGTHS, PLACES)
