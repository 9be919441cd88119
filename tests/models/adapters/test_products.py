"""Foreign networks that multiply in other precisions: close to float32, and rows for themselves."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from foreign_networks import ALL, CAUSAL, ENCODER_DECODER, POSITIONS, foreign
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.adapters.causal import CausalAdapter
from textgen.models.adapters.encoder_decoder import EncoderDecoderAdapter
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.adapters.products import is_linear
from textgen.models.layers.int8 import int8_problem
from textgen.models.precision import set_precision

PRECISIONS = ["bf16", pytest.param("int8", marks=pytest.mark.skipif(int8_problem() is not None, reason="no"))]
ROWS = torch.tensor([[5, 6, 7], [8, 9, 10], [11, 12, 13]])


def adapter(kind: str, network: Any) -> Any:
    if kind in CAUSAL:
        return CausalAdapter(network, positions=POSITIONS, ends=[3])
    if kind in ENCODER_DECODER:
        sizes = {"source_positions": POSITIONS, "target_positions": POSITIONS}
        return EncoderDecoderAdapter(network, starts=[2], ends=[3], **sizes)
    return MaskedAdapter(network, positions=POSITIONS)


def logits(kind: str, model: Any, rows: Tensor = ROWS) -> Tensor:
    found: Tensor
    if kind in CAUSAL | ENCODER_DECODER:
        source = [] if kind in CAUSAL else [20, 21]
        found = model.extend(model.start([source] * len(rows)), rows)
    else:
        found = model.logits(model.encode(rows, torch.full((len(rows),), 3)))
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", sorted(ALL))
def test_products_are_close_and_their_matrices_go(kind: str, precision: str) -> None:
    model = adapter(kind, deepcopy(foreign(kind)))
    with torch.inference_mode():
        wanted = logits(kind, model)
        before = {name: part for name, part in model.network.named_modules() if is_linear(part)}
        set_precision(model, precision)
        found = logits(kind, model)
    assert 0 < float((found - wanted).abs().max()) < 0.12 * float(wanted.abs().max())
    left = {name for name, part in before.items() if part.weight.numel()}
    # the network itself multiplies by this one
    assert {name.rpartition(".")[2] for name in left} == ({"dt_proj"} if kind == "mamba" else set())
    assert model.embedding.weight.dtype == torch.float32


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_product_has_the_bits_of_each_row_alone(precision: str) -> None:
    model = adapter("qwen2", deepcopy(foreign("qwen2")))
    set_precision(model, precision)
    layer = model.network.model.layers[0].mlp.up_proj
    with torch.inference_mode():
        rows = torch.randn(9, layer.in_features, generator=torch.Generator().manual_seed(1))
        together = layer(rows)
        assert all(torch.equal(layer(rows[n : n + 1])[0], together[n]) for n in range(9))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_of_16_bits_are_multiplied_too(precision: str) -> None:
    model = adapter("qwen3", deepcopy(foreign("qwen3")).bfloat16())
    set_precision(model, precision)
    with torch.inference_mode():
        found, wanted = logits("qwen3", model), logits("qwen3", adapter("qwen3", foreign("qwen3")))
    assert float((found - wanted).abs().max()) < 0.15 * float(wanted.abs().max())
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


class Quantised(nn.Linear):
    """A layer that derives from a linear layer and is none."""


def test_layers_that_only_derive_from_linear_ones_stay() -> None:
    network = deepcopy(foreign("llama"))
    layer = network.model.layers[0].mlp.up_proj
    layer.__class__ = Quantised
    model = adapter("llama", network)
    set_precision(model, "bf16")
    assert layer.weight.numel()
    assert not network.model.layers[0].mlp.down_proj.weight.numel()


def test_a_network_that_looks_at_a_matrix_is_refused_in_a_line() -> None:
    network = deepcopy(foreign("llama"))
    layer = network.model.layers[0].mlp.up_proj
    layer.register_forward_hook(lambda *_: str(layer.weight[0]) and None)
    model = adapter("llama", network)
    with pytest.raises(ModelError, match="LlamaForCausalLM multiplies in fp32 only"):
        set_precision(model, "bf16")
