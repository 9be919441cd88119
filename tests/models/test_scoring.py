"""The log-probability of a text is the sum over its steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.scoring import sequence_logprobs
from textgen.store.load import LoadedModel

TARGETS = [[7, 50, 60, 3], [7, 3], [7, 12, 13, 14, 15, 16, 17, 18, 3], [7, 50, 61, 3]]
SOURCE = [6, 20, 21, 22, 23, 5]


def by_steps(model: Any, source: list[int], target: list[int], allowed: torch.Tensor | None = None) -> float:
    """The same by one token a step, normalised over the allowed ids by hand."""
    state = model.start([source])
    total = 0.0
    for given, wanted in pairwise(target):
        logits = model.step(state, torch.tensor([given]))[0].double()
        kept = logits if allowed is None else logits[allowed]
        total += float(logits[wanted] - kept.logsumexp(0))
    return total


@pytest.fixture(scope="module", params=["gpt2", "unilm"])
def model(request: pytest.FixtureRequest, tiny_gpt2: Gpt2, tiny_bert: Bert) -> Any:
    if request.param == "gpt2":
        return tiny_gpt2
    prior = CopyPrior(101).requires_grad_(False)
    prior.t.copy_(torch.linspace(-2, 2, 101))
    return UniLM(tiny_bert, prior, {7: 1, 8: 2})


def test_targets_of_different_length_score_the_sum_of_their_steps(model: Any) -> None:
    found = sequence_logprobs(model, SOURCE, TARGETS)
    assert found.shape == (4,)
    assert found.dtype == torch.float32
    expected = [by_steps(model, SOURCE, target) for target in TARGETS]
    assert found.tolist() == pytest.approx(expected, abs=1e-4)
    assert len({round(value, 3) for value in expected}) == 4


def test_a_restricted_set_is_renormalised(model: Any) -> None:
    allowed = torch.zeros(101, dtype=torch.bool)
    allowed[[3, *range(10, 70)]] = True  # not 0, with which short targets are padded
    found = sequence_logprobs(model, SOURCE, TARGETS, allowed)
    expected = [by_steps(model, SOURCE, target, allowed) for target in TARGETS]
    assert found.tolist() == pytest.approx(expected, abs=1e-4)
    free = sequence_logprobs(model, SOURCE, TARGETS)
    assert (found > free + 0.01).all()


def test_a_target_outside_the_set_is_impossible(model: Any) -> None:
    allowed = torch.ones(101, dtype=torch.bool)
    allowed[60] = False
    found = sequence_logprobs(model, SOURCE, TARGETS, allowed).tolist()
    assert found[0] == -float("inf")
    assert all(-1000 < value < 0 for value in found[1:])


def test_the_texts_of_two_tokens_share_out_all_probability(tiny_gpt2: Gpt2) -> None:
    targets = [[7, first, second] for first in range(101) for second in range(101)]
    found = sequence_logprobs(tiny_gpt2, SOURCE, targets).double().exp()
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(found.max()) < 0.5


def test_a_sentence_is_likelier_than_its_pieces_in_disorder(gpt2_model: LoadedModel) -> None:
    tokenizer, specials = gpt2_model.tokenizer, gpt2_model.tokenizer.specials
    texts = ["今天的天气很好。", "气今好的天。很天", "今天的天汽很好。"]
    targets = [[specials.bos, *tokenizer.encode(text), specials.eos] for text in texts]
    assert len({len(target) for target in targets}) == 1
    good, disordered, misspelt = sequence_logprobs(gpt2_model.network, [], targets).tolist()
    assert good > misspelt + 2 > disordered + 2
    expected = by_steps(gpt2_model.network, [], targets[0])
    assert good == pytest.approx(expected, abs=1e-4)
