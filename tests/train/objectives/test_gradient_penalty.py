"""The gradient penalty against its closed form and finite differences, and what it is a gradient of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tiny import Bench
from torch import Tensor, nn
from torch.nn import functional

from textgen.train.objectives.loss import embedded_inputs, gradient_penalty

VOCAB, WIDTH = 7, 4
PIECES, TARGETS = torch.tensor([1, 4, 2, 6]), torch.tensor([3, 0, 5, 5])


def tensor(*shape: int, seed: int) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=noise, dtype=torch.double)


class Toy(nn.Module):
    """Two layers over embedded pieces, every place for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH, _weight=tensor(VOCAB, WIDTH, seed=1))
        self.first = nn.Parameter(tensor(WIDTH, 5, seed=2))
        self.second = nn.Parameter(tensor(5, VOCAB, seed=3))

    def loss_at(self, embedded: Tensor) -> Tensor:
        logits = (embedded @ self.first).tanh() @ self.second
        return functional.cross_entropy(logits, TARGETS)

    def forward(self) -> Tensor:
        return self.loss_at(self.embedding(PIECES))

    def penalty_in_double(self) -> float:
        embedded = self.embedding(PIECES).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.loss_at(embedded), embedded)
        return float((gradient**2).sum() / 2)


def differences(of: Callable[[], float], weight: Tensor, step: float = 1e-5) -> Tensor:
    """The gradient of a number by a weight, by central differences."""
    found, flat = torch.zeros_like(weight), weight.detach().view(-1)
    for place in range(len(flat)):
        kept = float(flat[place])
        flat[place] = kept + step
        above = of()
        flat[place] = kept - step
        below = of()
        flat[place] = kept
        found.view(-1)[place] = (above - below) / (2 * step)
    return found


def test_its_gradient_equals_finite_differences() -> None:
    toy = Toy()
    with embedded_inputs(toy, toy.embedding.weight) as embedded:
        loss = toy()
    penalty = gradient_penalty(loss, embedded)
    assert penalty.item() == pytest.approx(toy.penalty_in_double(), rel=1e-6)
    penalty.backward()
    for weight in toy.parameters():
        expected = differences(toy.penalty_in_double, weight)
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(weight.grad, expected, rtol=1e-4, atol=1e-6)


def test_of_a_linear_softmax_it_has_a_closed_form() -> None:
    """The gradient at x is W (p - y) / places."""
    matrix = nn.Parameter(tensor(WIDTH, VOCAB, seed=4))
    embedding = nn.Embedding(VOCAB, WIDTH, _weight=tensor(VOCAB, WIDTH, seed=5))
    with embedded_inputs(embedding, embedding.weight) as embedded:
        logits = embedding(PIECES) @ matrix
    penalty = gradient_penalty(functional.cross_entropy(logits, TARGETS), embedded)
    wrong = logits.softmax(-1) - functional.one_hot(TARGETS, VOCAB)
    closed = ((wrong @ matrix.T / len(TARGETS)) ** 2).sum() / 2
    assert penalty.item() == pytest.approx(closed.item(), rel=1e-6)
    found = torch.autograd.grad(penalty, matrix, retain_graph=True)[0]
    torch.testing.assert_close(found, torch.autograd.grad(closed, matrix)[0], rtol=1e-5, atol=1e-7)


def test_every_occurrence_counts_for_itself() -> None:
    """Of a piece that stands twice, two gradients of length 1 make 2 / 2, their sum in the table 4 / 2."""
    embedding = nn.Embedding(3, 1)
    with embedded_inputs(embedding, embedding.weight) as embedded:
        loss = embedding(torch.tensor([1, 1])).sum()
    assert gradient_penalty(loss, embedded).item() == 1.0
    with embedded_inputs(embedding, embedding.weight) as embedded:
        loss = embedding(torch.tensor([1])).sum() + embedding(torch.tensor([1])).sum()
    assert gradient_penalty(loss, embedded).item() == 1.0, "in two calls"


@pytest.mark.parametrize("recipe", ["gpt2", "title"])
def test_of_a_network_it_is_that_of_its_inputs(bench: Bench, recipe: str) -> None:
    """The tied output layer has no part in it, and the same letter at two places has two."""
    loop = bench.loop(recipe, rows=[{"text": "春春秋春春", "title": "春春"}])
    batch = loop.recipe.batch(loop.arrays, [0], None)
    places = loop.recipe.places(batch)
    embedding = loop.recipe.embedding(loop.network)
    with loop.machine.on_device(twice_differentiable=True):
        with embedded_inputs(embedding, embedding.weight) as embedded:
            loss, _ = loop.recipe.loss(loop.network, batch)
        found = gradient_penalty(loss / places, embedded).item()
        added = [torch.zeros_like(piece, requires_grad=True) for piece in embedded]
        calls = iter(added)
        hook = embedding.register_forward_hook(lambda module, ids, output: output.detach() + next(calls))
        loss, _ = loop.recipe.loss(loop.network, batch)
        hook.remove()
        gradients = torch.autograd.grad(loss / places, added)
    assert found == pytest.approx(float(sum((g**2).sum() for g in gradients) / 2), rel=1e-4)
    assert found > 0
