"""Conditionals of a masked model, the distribution of proposals, energies and ratios."""

from __future__ import annotations

from math import inf, log

import pytest
import torch
from masked import Body, TabularMasked, allowed_ids, frame, random_conditional

from textgen.mcmc.gibbs.energy import (
    ENERGIES,
    ROWS,
    Conditionals,
    ProposalDistribution,
    local,
    log_ratio,
    raw,
)

VALUES = 4
MASK, CLS, SEP, SIZE = frame(VALUES)
TABLE = random_conditional(SIZE, 2)
ALLOWED = allowed_ids(VALUES)


def conditionals(width: int = 12) -> Conditionals:
    return Conditionals(TabularMasked(SIZE, MASK, TABLE), MASK, width)


def texts() -> list[list[int]]:
    return [[CLS, *[(n * n + m) % VALUES for m in range(3 + n % 5)], SEP] for n in range(12)]


def test_scores_of_many_sites_equal_a_loop() -> None:
    given, found = conditionals(), []
    sites = [s for ids in texts() for s in given.sites(ids, range(1, len(ids) - 1), ALLOWED)]
    tokens = [ids[place] for ids in texts() for place in range(1, len(ids) - 1)]
    others = [(token + 1) % VALUES for token in tokens]
    scores = given.scores(sites, [(raw, tokens), (local, others)])
    for ids in texts():
        for place in range(1, len(ids) - 1):
            body = (*ids[1:place], MASK, *ids[place + 1 : -1])
            logits = TABLE(body, place - 1)
            total = float(logits[:VALUES].exp().sum().log())
            found.append((float(logits[ids[place]]), float(logits[(ids[place] + 1) % VALUES]) - total))
    torch.testing.assert_close(scores, torch.tensor(found, dtype=torch.float64).T, atol=1e-12, rtol=0)
    sizes = [len(places) for places in given.model.calls]
    assert sizes == [ROWS] * (len(sites) // ROWS) + [len(sites) % ROWS]
    assert given.scores([], [(raw, [])]).shape == (1, 0)


def test_sites_hide_their_place_or_all_places() -> None:
    given = conditionals()
    ids = [CLS, 1, 2, 3, SEP]
    alone = given.sites(ids, [1, 3], ALLOWED)
    assert [site.ids for site in alone] == [[CLS, MASK, 2, 3, SEP], [CLS, 1, 2, MASK, SEP]]
    together = given.sites(ids, [1, 3], ALLOWED, together=True)
    assert [site.ids for site in together] == [[CLS, MASK, 2, MASK, SEP]] * 2
    assert [site.place for site in together] == [1, 3]
    assert ids == [CLS, 1, 2, 3, SEP]


def test_what_is_not_allowed_has_no_score() -> None:
    given = conditionals()
    fewer = ALLOWED.clone()
    fewer[1] = False
    [site] = given.sites([CLS, 1, 2, SEP], [1], fewer)
    for view in (raw, local):
        scores = view(given.logits([site]))[0]
        assert (scores == -inf).tolist() == [False, True, False, False, True, True, True]
    assert float(local(given.logits([site])).exp().sum()) == pytest.approx(1, abs=1e-12)


def test_only_the_raw_energy_sees_the_zero_of_the_logits() -> None:
    def shifted(body: Body, place: int) -> torch.Tensor:
        return TABLE(body, place) + 3.0

    other = Conditionals(TabularMasked(SIZE, MASK, shifted), MASK, 12)
    for name, difference in (("raw", 6.0), ("local", 0.0)):
        one, two = (
            given.scores(given.sites([CLS, 0, 3, SEP], [1, 2], ALLOWED), [(ENERGIES[name], [0, 3])]).sum()
            for given in (conditionals(), other)
        )
        assert float(two - one) == pytest.approx(difference, abs=1e-12)


def test_half_precision_logits_are_scored_in_double() -> None:
    def half(body: Body, place: int) -> torch.Tensor:
        return TABLE(body, place).half()

    given = Conditionals(TabularMasked(SIZE, MASK, half), MASK, 12)
    assert given.logits(given.sites([CLS, 0, SEP], [1], ALLOWED)).dtype == torch.float64


LOGITS = torch.tensor([[1.0, 3.0, 2.0, -1.0, -torch.inf]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("distribution", "weights"),
    [
        (ProposalDistribution(), [1, 3, 2, -1, -inf]),
        (ProposalDistribution(0.5), [2, 6, 4, -2, -inf]),
        (ProposalDistribution(1.0, 2), [-inf, 3, 2, -inf, -inf]),
        (ProposalDistribution(2.0, 3), [0.5, 1.5, 1, -inf, -inf]),
        (ProposalDistribution(1.0, 4), [1, 3, 2, -1, -inf]),
        (ProposalDistribution(1.0, 99), [1, 3, 2, -1, -inf]),
        (ProposalDistribution(0.1, 1), [-inf, 0, -inf, -inf, -inf]),
    ],
    ids=str,
)
def test_the_proposal_distribution_is_sharpened_cut_and_normalised(
    distribution: ProposalDistribution, weights: list[float]
) -> None:
    wanted = torch.tensor([weights], dtype=torch.float64).softmax(-1)
    torch.testing.assert_close(distribution(LOGITS).exp(), wanted, atol=1e-15, rtol=1e-14)
    assert ((distribution(LOGITS) == -inf) == (wanted == 0)).all()


def test_ratios() -> None:
    assert log_ratio(5.0, 3.0, log(0.5), log(0.25)) == pytest.approx(2 - log(2))
    assert log_ratio(3.0, 5.0, -1.0, -1.0, 0.5) == pytest.approx(-4)
    assert log_ratio(3.0, 1.0, -1.0, -inf) == -inf  # no way back
    assert log_ratio(3.0, inf, -1.0, -1.0) == -inf  # nothing of this distribution
    for after in (1.0, inf):
        for reverse in (-1.0, -inf):
            assert log_ratio(inf, after, -1.0, reverse) == inf  # out of what is none of it
