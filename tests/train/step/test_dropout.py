"""Dropout: how much becomes zero, what becomes of the rest, and when nothing does."""

from __future__ import annotations

import pytest
import torch
from tiny import Bench
from torch import nn

from textgen.models.layers.dropout import Dropout, set_dropout


def dropping(rate: float, seed: int = 1) -> Dropout:
    module = Dropout()
    set_dropout(nn.ModuleList([module]), rate, torch.Generator().manual_seed(seed))
    return module.train()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_a_share_becomes_zero_and_the_rest_makes_up_for_it(rate: float) -> None:
    found = dropping(rate)(torch.full((200, 200), 3.0))
    assert float((found == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert found[found != 0].tolist() == pytest.approx([3 / (1 - rate)] * int((found != 0).sum()))
    assert float(found.mean()) == pytest.approx(3.0, rel=0.01)


def test_it_is_off_where_it_is_not_set_or_not_trained() -> None:
    x = torch.randn(5, generator=torch.Generator().manual_seed(1))
    assert Dropout().train()(x) is x
    assert dropping(0.0)(x) is x
    assert dropping(0.9).eval()(x) is x


def test_calls_draw_one_after_the_other_from_the_generator_that_was_given() -> None:
    x = torch.ones(50)
    one, other = dropping(0.5), dropping(0.5)
    state = torch.get_rng_state()
    first, second = one(x), one(x)
    assert not torch.equal(first, second)
    torch.rand(3)
    assert torch.equal(other(x), first)
    assert torch.equal(other(x), second)
    torch.set_rng_state(state)


@pytest.mark.parametrize(
    ("recipe", "places"), [("gpt2", 2 * 2 + 1), ("bert", 2 * 2 + 1), ("title", 2 * 2 + 1)]
)
def test_networks_drop_behind_the_embedding_and_every_layer(bench: Bench, recipe: str, places: int) -> None:
    """Behind the attention and the feed-forward of both layers."""
    loop = bench.loop(recipe, dropout=0.25)
    modules = [module for module in loop.network.modules() if isinstance(module, Dropout)]
    assert len(modules) == places
    assert all(module.rate == 0.25 and module.noise is loop.noise for module in modules)
    called = []
    for module in modules:
        module.register_forward_hook(lambda module, *_: called.append(module))
    loop.step(0, 0, [0, 1])
    assert set(called) == set(modules)
