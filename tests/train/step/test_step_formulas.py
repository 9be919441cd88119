"""What the optimizer is given is the gradient of the formulas, written out here once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny import Bench, gradients_of
from torch import Tensor
from torch.nn import functional

from textgen.train.data.noise import torch_seed
from textgen.train.step.loop import Loop

EXAMPLES = [4, 1, 6, 0]


def logits_of(loop: Loop, batch: Any) -> tuple[Tensor, Tensor]:
    prediction = loop.recipe.predict(loop.network, batch)
    return prediction.logits, prediction.targets


def expected(loop: Loop, objective: Callable[[Any], Tensor]) -> dict[str, Tensor]:
    """The gradient of an objective of the whole batch, with the dropout of the first step."""
    loop.network.train()
    loop.noise.manual_seed(torch_seed(loop.options.seed, "dropout", 0, 0))
    with loop.machine.on_device(twice_differentiable=True):
        value = objective(loop.recipe.batch(loop.arrays, EXAMPLES, 0))
        found = torch.autograd.grad(value, list(loop.weights.values()), materialize_grads=True)
    return dict(zip(loop.weights, found, strict=True))


def check(loop: Loop, wanted: dict[str, Tensor]) -> None:
    found = gradients_of(loop, EXAMPLES)
    for name, gradient in wanted.items():
        torch.testing.assert_close(
            found[name], gradient, rtol=2e-4, atol=2e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


def entropy(loop: Loop, batch: Any) -> Tensor:
    return functional.cross_entropy(*logits_of(loop, batch))


def test_plain(bench: Bench) -> None:
    loop = bench.loop("title", dropout=0.3, clip=0.0)
    check(loop, expected(loop, lambda batch: entropy(loop, batch)))


def test_label_smoothing(bench: Bench) -> None:
    loop = bench.loop("bert", label_smoothing=0.2, clip=0.0)

    def objective(batch: Any) -> Tensor:
        logits, targets = logits_of(loop, batch)
        logprobs = logits.log_softmax(-1)
        own = logprobs.gather(1, targets[:, None])[:, 0]
        return -(0.8 * own + 0.2 * logprobs.mean(-1)).mean()

    check(loop, expected(loop, objective))


def test_rdrop_is_two_passes_and_what_they_disagree_in(bench: Bench) -> None:
    loop = bench.loop("title", dropout=0.3, rdrop=4.0, clip=0.0)

    def objective(batch: Any) -> Tensor:
        one, targets = logits_of(loop, batch)
        other, _ = logits_of(loop, batch)
        p, q = one.log_softmax(-1), other.log_softmax(-1)
        apart = (p.exp() * (p - q)).sum(-1) + (q.exp() * (q - p)).sum(-1)
        losses = functional.cross_entropy(one, targets) + functional.cross_entropy(other, targets)
        return losses / 2 + 4.0 * apart.mean() / 4

    wanted = expected(loop, objective)
    check(loop, wanted)
    plain = gradients_of(bench.loop("title", "plain", dropout=0.3, clip=0.0), EXAMPLES)
    name = "prior.t"
    assert not torch.allclose(plain[name], wanted[name], atol=1e-4)


def test_rdrop_without_dropout_is_nothing(bench: Bench) -> None:
    plain = gradients_of(bench.loop("bert", "plain"), EXAMPLES)
    for name, gradient in gradients_of(bench.loop("bert", "rdrop", rdrop=5.0), EXAMPLES).items():
        torch.testing.assert_close(gradient, plain[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("lora", [0, 2])
@pytest.mark.parametrize("recipe", ["gpt2", "bert", "title"])
def test_gradient_penalty_is_of_the_mean_loss(bench: Bench, recipe: str, lora: int) -> None:
    loop = bench.loop(recipe, gradient_penalty=20.0, clip=0.0, lora=lora)
    embedding = loop.recipe.embedding(loop.network)
    seen: list[Tensor] = []

    def objective(batch: Any) -> Tensor:
        hook = embedding.register_forward_hook(lambda *given: seen.append(given[2].requires_grad_()))
        loss = entropy(loop, batch)
        hook.remove()
        gradients = torch.autograd.grad(loss, seen, create_graph=True)
        return loss + 20.0 * sum((gradient**2).sum() for gradient in gradients) / 2

    wanted = expected(loop, objective)
    plain = expected(loop, lambda batch: entropy(loop, batch))
    assert any(not torch.allclose(wanted[name], plain[name], atol=1e-4) for name in plain)
    check(loop, wanted)


def test_with_rdrop_the_gradient_penalty_is_that_of_a_pass(bench: Bench) -> None:
    """The mean of the two, of their cross entropies alone."""
    loop = bench.loop("title", dropout=0.3, rdrop=4.0, gradient_penalty=20.0, clip=0.0)
    embedding = loop.recipe.embedding(loop.network)

    def one_pass(batch: Any) -> tuple[Tensor, Tensor]:
        seen: list[Tensor] = []
        hook = embedding.register_forward_hook(lambda *given: seen.append(given[2].requires_grad_()))
        logits, targets = logits_of(loop, batch)
        hook.remove()
        loss = functional.cross_entropy(logits, targets)
        gradients = torch.autograd.grad(loss, seen, create_graph=True)
        return logits, loss + 20.0 * sum((gradient**2).sum() for gradient in gradients) / 2

    def objective(batch: Any) -> Tensor:
        (one, first), (other, second) = one_pass(batch), one_pass(batch)
        p, q = one.log_softmax(-1), other.log_softmax(-1)
        return (first + second) / 2 + 4.0 * ((p.exp() - q.exp()) * (p - q)).sum(-1).mean() / 4

    check(loop, expected(loop, objective))


@pytest.mark.parametrize("lora", [0, 2])
@pytest.mark.parametrize("recipe", ["gpt2", "title", "rnn-title"])
def test_fgm_adds_the_gradient_at_a_moved_table(bench: Bench, recipe: str, lora: int) -> None:
    """Also where adapters are trained, and the table is not."""
    if recipe == "rnn-title" and lora:
        return
    dropped = {} if recipe == "rnn-title" else {"dropout": 0.2}
    loop = bench.loop(recipe, fgm=0.8, clip=0.0, lora=lora, **dropped)
    table = loop.recipe.embedding(loop.network).weight
    before = table.detach().clone()
    loop.weights["table"] = table
    here = expected(loop, lambda batch: entropy(loop, batch))
    table.data += 0.8 * here["table"] / here["table"].norm()
    there = expected(loop, lambda batch: entropy(loop, batch))
    table.data.copy_(before)
    del loop.weights["table"], here["table"]
    assert any(not torch.allclose(here[name], there[name], rtol=0.1) for name in here)
    check(loop, {name: here[name] + there[name] for name in here})
    assert torch.equal(table, before)
    check(loop, {name: here[name] + there[name] for name in here})  # nothing is left of the step before


def test_the_norm_is_of_all_and_is_cut(bench: Bench) -> None:
    whole = bench.loop("bert", "whole", clip=0.0)
    gradients = gradients_of(whole, EXAMPLES)
    norm = float(torch.cat([gradient.flatten() for gradient in gradients.values()]).norm())
    assert norm > 0.2
    cut = gradients_of(bench.loop("bert", "cut", clip=norm / 4), EXAMPLES)
    for name, gradient in gradients.items():
        torch.testing.assert_close(cut[name], gradient / 4, rtol=1e-4, atol=1e-7)
    wide = gradients_of(bench.loop("bert", "wide", clip=norm * 4), EXAMPLES)
    assert all(torch.equal(wide[name], gradient) for name, gradient in gradients.items())
    done = bench.loop("bert", "told", clip=norm / 4).step(0, 0, EXAMPLES)
    assert done.gradient_norm == pytest.approx(norm, rel=1e-5)
