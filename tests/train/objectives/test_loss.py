"""Cross entropy, smoothing, R-Drop's term and the adversarial step, each against another computation."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional

from textgen.train.objectives.loss import Prediction, cross_entropy, embedded_inputs, perturbed, symmetric_kl

PLACES, VOCAB = 7, 11


@pytest.fixture
def prediction() -> Prediction:
    noise = torch.Generator().manual_seed(1)
    logits = torch.randn(PLACES, VOCAB, generator=noise) * 3
    return Prediction(logits, torch.randint(VOCAB, (PLACES,), generator=noise))


def test_cross_entropy_is_a_sum(prediction: Prediction) -> None:
    logprobs = prediction.logits.double().log_softmax(-1)
    by_hand = -sum(logprobs[place, piece] for place, piece in enumerate(prediction.targets.tolist()))
    assert float(cross_entropy(prediction)) == pytest.approx(float(by_hand), rel=1e-6)
    theirs = functional.cross_entropy(prediction.logits, prediction.targets, reduction="sum")
    assert torch.equal(cross_entropy(prediction), theirs)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_smoothing_spreads_mass_over_all_pieces(prediction: Prediction, smoothing: float) -> None:
    law = torch.full((PLACES, VOCAB), smoothing / VOCAB, dtype=torch.double)
    law[torch.arange(PLACES), prediction.targets] += 1 - smoothing
    assert law.sum(-1).tolist() == pytest.approx([1.0] * PLACES)
    by_hand = -(law * prediction.logits.double().log_softmax(-1)).sum()
    assert float(cross_entropy(prediction, smoothing)) == pytest.approx(float(by_hand), rel=1e-6)


def test_half_precision_is_summed_in_single(prediction: Prediction) -> None:
    half = Prediction(prediction.logits.bfloat16(), prediction.targets)
    whole = Prediction(half.logits.float(), prediction.targets)
    assert cross_entropy(half).dtype == torch.float32
    assert torch.equal(cross_entropy(half), cross_entropy(whole))


def test_disagreement_is_a_quarter_of_both_divergences() -> None:
    noise = torch.Generator().manual_seed(2)
    one, other = (torch.randn(PLACES, VOCAB, generator=noise) for _ in range(2))
    p, q = Categorical(logits=one), Categorical(logits=other)
    by_hand = (kl_divergence(p, q) + kl_divergence(q, p)).sum() / 4
    assert float(symmetric_kl(one, other)) == pytest.approx(float(by_hand), rel=1e-5)
    assert float(symmetric_kl(one, other)) == pytest.approx(float(symmetric_kl(other, one)))
    assert float(by_hand) > 0.5


def test_passes_that_agree_have_no_disagreement() -> None:
    logits = torch.randn(PLACES, VOCAB, generator=torch.Generator().manual_seed(3))
    assert float(symmetric_kl(logits, logits.clone())) == 0.0
    assert float(symmetric_kl(logits, logits + 5)) == pytest.approx(0.0, abs=1e-6), "the same law"


@pytest.mark.parametrize("length", [0.5, 2.0])
def test_a_table_is_moved_so_far_along_its_gradient(length: float) -> None:
    noise = torch.Generator().manual_seed(4)
    table = nn.Parameter(torch.randn(5, 3, generator=noise))
    gradient = torch.randn(5, 3, generator=noise)
    before = table.detach().clone()
    with perturbed(table, gradient, length):
        step = table.detach() - before
        assert float(step.norm()) == pytest.approx(length, rel=1e-5)
        assert float(functional.cosine_similarity(step.flatten(), gradient.flatten(), 0)) > 1 - 1e-6
    assert torch.equal(table, before)


def test_a_moved_table_comes_back_after_an_error() -> None:
    table = nn.Parameter(torch.ones(2, 2))
    with pytest.raises(KeyError), perturbed(table, torch.ones(2, 2), 1.0):
        assert not torch.equal(table, torch.ones(2, 2))
        raise KeyError
    assert torch.equal(table, torch.ones(2, 2))


def test_without_a_gradient_nothing_moves() -> None:
    table = nn.Parameter(torch.ones(2, 2))
    with perturbed(table, torch.zeros(2, 2), 1.0):
        assert torch.equal(table, torch.ones(2, 2))


def test_backward_at_the_moved_table_adds_to_its_gradient() -> None:
    table = nn.Parameter(torch.tensor([3.0, 4.0]))
    (table**2).sum().backward()  # gradient (6, 8), of length 10
    with perturbed(table, table.grad.clone(), 5.0):  # to (6, 8), where it is (12, 16)
        (table**2).sum().backward()
    assert table.grad.tolist() == pytest.approx([18.0, 24.0])


def test_embedded_inputs_are_those_of_every_call_meanwhile() -> None:
    embedding = nn.Embedding(6, 2)
    embedding(torch.tensor([1]))
    with embedded_inputs(embedding, embedding.weight) as found:
        first, second = embedding(torch.tensor([1, 1])), embedding(torch.tensor([[2, 3, 4]]))
    embedding(torch.tensor([5]))
    assert [one is other for one, other in zip(found, (first, second), strict=True)] == [True, True]
    with pytest.raises(KeyError), embedded_inputs(embedding, embedding.weight):
        raise KeyError
    assert not embedding._forward_hooks
