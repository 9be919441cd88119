"""Rankings by hand on three short texts."""

from __future__ import annotations

from math import exp

import pytest

from textgen.decoding import rank
from textgen.decoding.rank import RANKINGS, Contender, agree, blend, expected_rouge, score_kind

POOL = [
    Contender("甲乙丙", 4, -2.0, -4.0),
    Contender("甲乙", 3, -3.0, -1.0),
    Contender("丁", 2, -1.0, -2.0),
]
# ROUGE-L of the first two: a common run of 2 in 3 and 2 characters
ALIKE = 2 * 2 / (3 + 2)


def test_agree_adds_both_directions() -> None:
    assert agree(POOL) == [-6.0, -4.0, -3.0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0])
def test_expected_rouge_weighs_by_the_mean_of_both_directions(temperature: float) -> None:
    weights = [exp(value / temperature) for value in (-3.0, -2.0, -1.5)]
    share = [weight / sum(weights) for weight in weights]
    wanted = [share[0] + share[1] * ALIKE, share[1] + share[0] * ALIKE, share[2]]
    assert expected_rouge(POOL, temperature) == pytest.approx(wanted)


def test_likely_texts_weigh_more() -> None:
    assert max(range(3), key=expected_rouge(POOL, 0.1).__getitem__) == 2
    assert max(range(3), key=expected_rouge(POOL, 100.0).__getitem__) != 2


def test_blend_adds_the_log_probability_of_a_piece() -> None:
    expected = expected_rouge(POOL)
    wanted = [value + 0.2 * mean for value, mean in zip(expected, (-3 / 4, -2 / 3, -1.5 / 2), strict=True)]
    assert blend(POOL) == pytest.approx(wanted)


def test_a_large_pool_is_held_against_its_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "REFERENCES", 1)
    assert expected_rouge(POOL) == pytest.approx([0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", RANKINGS)
def test_one_candidate_and_its_twin(name: str) -> None:
    ranking, _ = RANKINGS[name]
    alone = ranking(POOL[:1])
    assert len(alone) == 1
    twins = ranking([POOL[0], POOL[0]])
    assert twins == pytest.approx(alone * 2)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"length_penalty": 1.0}, "mean_logprob"),
        ({"length_penalty": 0.0}, "logprob"),
        ({"length_penalty": 0.5}, "logprob/tokens^0.5"),
        ({"length_penalty": 0.6, "gnmt": True}, "logprob/((5+tokens)/6)^0.6"),
        ({"length_penalty": 1.0, "gnmt": True}, "logprob/((5+tokens)/6)^1"),
        ({"length_penalty": 0.0, "gnmt": True}, "logprob"),
        ({"length_penalty": 1.0, "penalized": True}, "penalized_mean_logprob"),
    ],
)
def test_names_of_scores(given: dict[str, float], name: str) -> None:
    assert score_kind(**given) == name
