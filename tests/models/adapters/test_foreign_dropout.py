"""Foreign networks in training draw nothing but what they are told to, from a generator of their own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from foreign_networks import CAUSAL, ENCODER_DECODER, MASKED, POSITIONS, foreign
from torch import Tensor

from textgen.models.adapters.causal import CausalAdapter
from textgen.models.adapters.foreign_dropout import own_dropout
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.layers.dropout import set_dropout

IDS = torch.tensor([[5, 6, 7, 8]])
# dropout is called as a function, or there is none
NO_LAYERS = {"bart", "pegasus", "gemma2", "glm", "llama", "mamba", "minicpm3", "qwen2", "qwen3"}


def dropped(network: Any, rate: float, kind: str) -> Tensor:
    set_dropout(network, rate, torch.Generator().manual_seed(3))
    more = {"decoder_input_ids": IDS} if kind in ENCODER_DECODER else {}
    found: Tensor = network(input_ids=IDS, **more).logits
    return found


@pytest.mark.parametrize("kind", sorted(CAUSAL | ENCODER_DECODER | MASKED))
def test_dropout_is_off_until_it_is_set_and_draws_from_its_own_generator(kind: str) -> None:
    network = deepcopy(foreign(kind))
    expected = dropped(network, 0.0, kind)
    own_dropout(network)
    network.train()
    state = torch.get_rng_state()
    torch.testing.assert_close(dropped(network, 0.0, kind), expected, atol=1e-5, rtol=0)
    with_dropout = dropped(network, 0.4, kind)
    assert torch.equal(dropped(network, 0.4, kind), with_dropout)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(with_dropout, dropped(network, 0.0, kind)) == (kind in NO_LAYERS)


def test_adapters_learn() -> None:
    """Gradients reach every parameter of a network behind an adapter."""
    for kind, make in (("gpt2", CausalAdapter), ("bert", MaskedAdapter)):
        network = deepcopy(foreign(kind)).requires_grad_(True)
        more = {"ends": [3]} if kind == "gpt2" else {}
        model: Any = make(network, positions=POSITIONS, **more)
        model.train()
        found = model(IDS) if kind == "gpt2" else model.logits(model.encode(IDS, torch.tensor([4])))
        found.square().sum().backward()
        assert all(weight.grad is not None for weight in model.parameters())
