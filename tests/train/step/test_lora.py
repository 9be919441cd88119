"""Low-rank adapters: nothing at first, all that is trained, and part of the weights in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny import Bench, Countdown, furthest, same, weights_of
from torch import Tensor, nn

from textgen.errors import UsageError
from textgen.models.families.unilm import UniLM
from textgen.models.layers.conditional_norm import add_condition
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.train.step.lora import add_adapters, merged

KINDS = ["bert", "gpt2", "title"]
IDS = torch.tensor([[274, 280, 281, 290, 275]])


@pytest.fixture
def network_of(bench: Bench) -> Callable[[str], nn.Module]:
    def make(kind: str) -> nn.Module:
        if kind == "title":
            return bench.loop("title").network.eval().requires_grad_(True)
        return load_model(find_model(str(bench.models[kind]))).network.requires_grad_(True)

    return make


def logits_of(network: Any) -> Tensor:
    with torch.no_grad():
        if isinstance(network, UniLM):
            first = torch.tensor([[min(network.target_types)]])
            return network.extend(network.start([IDS[0].tolist()]), torch.cat([first, IDS], 1))
        if hasattr(network, "transformer"):
            return network(IDS)
        return network.logits(network.encode(IDS, torch.tensor([IDS.shape[1]])))


def stir(network: nn.Module) -> None:
    """Let the adapters do something, as training does."""
    noise = torch.Generator().manual_seed(9)
    for name, weight in network.named_parameters():
        if "lora_" in name:
            weight.data += 0.3 * torch.randn(weight.shape, generator=noise)


@pytest.mark.parametrize("kind", KINDS)
def test_at_first_they_change_nothing(network_of: Callable[[str], nn.Module], kind: str) -> None:
    network = network_of(kind)
    before = logits_of(network)
    add_adapters(network, 3, alpha=6.0, seed=1)
    assert (logits_of(network) - before).abs().max() < 1e-5
    stir(network)
    assert (logits_of(network) - before).abs().max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_all_that_is_trained(network_of: Callable[[str], nn.Module], kind: str) -> None:
    network = network_of(kind)
    add_adapters(network, 3, alpha=6.0, seed=1)
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert trained == {name for name, _ in network.named_parameters() if "lora_" in name}
    # of every matrix that multiplies: query, key, value, dense and two of the feed-forward in each of two
    # layers, and the head's; of a gpt2 the first three are one
    assert len(trained) == 2 * (2 * 4 if kind == "gpt2" else 2 * 6 + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_merged_weights_compute_the_same(network_of: Callable[[str], nn.Module], kind: str) -> None:
    network = network_of(kind)
    plain = dict(network.state_dict())
    add_adapters(network, 3, alpha=6.0, seed=1)
    stir(network)
    adapted, modules = logits_of(network), dict(network.named_modules())
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    with merged(network):
        assert (logits_of(network) - adapted).abs().max() < 1e-5
        assert network.state_dict().keys() == plain.keys()
        for name, weight in network.state_dict().items():
            assert weight.shape == plain[name].shape
            assert ("lora" in name) is False
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert dict(network.named_modules()) == modules, "the optimizer would lose its weights"
    assert torch.equal(logits_of(network), adapted)


def test_after_an_error_they_are_there_again(network_of: Callable[[str], nn.Module]) -> None:
    network = network_of("gpt2")
    add_adapters(network, 2, alpha=4.0, seed=1)
    modules = dict(network.named_modules())
    with pytest.raises(KeyError), merged(network):
        raise KeyError
    assert dict(network.named_modules()) == modules


def test_without_adapters_merging_does_nothing(network_of: Callable[[str], nn.Module]) -> None:
    network = network_of("bert")
    modules = dict(network.named_modules())
    with merged(network):
        assert dict(network.named_modules()) == modules


def test_first_weights_come_from_the_seed_alone(network_of: Callable[[str], nn.Module]) -> None:
    found = []
    for seed in (1, 1, 2):
        torch.randn(3)
        network = network_of("gpt2")
        before = torch.get_rng_state()
        add_adapters(network, 2, alpha=4.0, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        found.append({name: weight for name, weight in network.state_dict().items() if "lora_A" in name})
    one, again, other = found
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_styles_may_be_trained_beside_them(network_of: Callable[[str], nn.Module]) -> None:
    network = network_of("gpt2")
    add_condition(network, ["甲"], 4)
    add_adapters(network, 2, alpha=4.0, seed=1, still_trained=("condition.", ".gain", ".shift"))
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert {"condition.embedding.weight", "transformer.ln_f.gain"} <= trained
    assert "transformer.ln_f.weight" not in trained


def test_of_nothing_to_adapt_it_is_said() -> None:
    with pytest.raises(UsageError, match="no layers to adapt"):
        add_adapters(nn.ModuleDict({"a": nn.Embedding(2, 2)}), 2, alpha=1.0, seed=0)


@pytest.mark.parametrize("recipe", ["gpt2", "bert", "title", "conditional"])
def test_a_run_makes_a_plain_model(bench: Bench, recipe: str) -> None:
    """Its matrices differ by the rank from those it began with, and beside them what is still trained."""
    bench.train(recipe, lora=2, warmup=0.0)
    model = load_model(find_model(str(bench.folder / "run")))
    assert model.files.kind == ("gpt2" if recipe == "conditional" else recipe)
    start, found = weights_of(bench.models[bench.kind(recipe)]), weights_of(bench.folder / "run")
    assert start.keys() <= found.keys()
    own = ("prior.", "condition.", ".gain", ".shift", *(["token_type"] if recipe == "title" else []))
    assert all(any(part in name for part in own) for name in found.keys() - start.keys())
    ranks = set()
    for name, before in start.items():
        if any(part in name for part in own):
            assert found[name].shape != before.shape or not torch.equal(found[name], before)
        elif not torch.equal(found[name], before):
            ranks.add(int(torch.linalg.matrix_rank(found[name] - before, atol=1e-5)))
            assert "embeddings" not in name
            assert "wte" not in name
            assert before.dim() == 2
    assert ranks == {2}


@pytest.mark.parametrize("recipe", ["gpt2", "bert"])
def test_a_run_goes_on(bench: Bench, recipe: str) -> None:
    options = {"lora": 2, "dropout": 0.2, "ema": 0.5}
    bench.train(recipe, "whole", **options)
    bench.train(recipe, "parts", stopped=Countdown(2), **options)
    bench.train(recipe, "parts", resume=True, **options)
    assert same(bench.folder / "parts", bench.folder / "whole")


def test_parts_of_a_step_add_up(bench: Bench) -> None:
    for count in (1, 3):
        bench.train("gpt2", f"{count}", lora=2, accumulate=count, learning_rate=1e-3, fgm=0.5)
    assert furthest(bench.folder / "1", bench.folder / "3") < 1e-5
