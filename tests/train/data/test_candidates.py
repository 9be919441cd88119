"""The order of candidates: what it costs not to keep it, and how it is written down."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from stages import lacking
from torch import Tensor

from textgen.metrics.overlap import rouge_l
from textgen.train.data.candidates import DIGITS, in_order, ordering_loss, ranks, split

END = 3


def order_of(*places: int) -> Tensor:
    return torch.tensor(places)


def test_an_order_that_is_kept_costs_nothing() -> None:
    scores = torch.tensor([5.0, 4.0, 3.0, 2.0])
    places = order_of(0, 1, 2, 3)
    assert float(ordering_loss(scores, places, 0.0)) == 0
    assert float(ordering_loss(scores, places, 1.0)) == 0  # a lead of exactly the margin is enough
    # three neighbours lack 0.5 each, two pairs 1.0, one 1.5
    assert float(ordering_loss(scores, places, 1.5)) == pytest.approx((3 * 0.5 + 2 * 1.0 + 1.5) / 6)
    # the wrong way round: 1, 2 and 3 behind, and the margin
    assert float(ordering_loss(scores.flip(0), places, 0.0)) == pytest.approx((3 * 1 + 2 * 2 + 3) / 6)
    assert float(ordering_loss(scores.flip(0), places, 0.25)) == pytest.approx(1.25 * (3 * 1 + 2 * 2 + 3) / 6)
    assert float(ordering_loss(torch.zeros(4), places, 0.25)) == pytest.approx(0.25 * 10 / 6)


def test_equal_places_ask_for_nothing() -> None:
    places = order_of(0, 0, 1)
    assert float(ordering_loss(torch.tensor([9.0, -9.0, -9.5]), places, 0.5)) == 0
    assert float(ordering_loss(torch.tensor([9.0, -9.0, 0.0]), places, 0.5)) == pytest.approx(9.5 / 2)
    assert float(ordering_loss(torch.tensor([1.0, 2.0, 3.0]), order_of(0, 0, 0), 0.5)) == 0


def test_texts_that_are_not_there_ask_for_nothing() -> None:
    places = order_of(0, 1, -1, -1)
    for missing in (-50.0, 0.0, 50.0):
        scores = torch.tensor([0.0, 2.0, missing, -missing])
        assert float(ordering_loss(scores, places, 0.5)) == pytest.approx(2.5)
    for nothing in (order_of(-1, -1, -1, -1), order_of(-1, 0, -1, -1)):
        assert float(ordering_loss(torch.randn(4), nothing, 0.5)) == 0


def test_orders_of_a_batch_are_apart() -> None:
    """Whatever stands in front, and in any order of the texts; with the slopes of a hinge."""
    noise = torch.Generator().manual_seed(1)
    scores = torch.randn(5, 2, 6, generator=noise)
    places = torch.randint(-1, 4, (5, 1, 6), generator=noise)
    found = ordering_loss(scores, places, 0.3)
    assert found.shape == (5, 2)
    for row in range(5):
        for way in range(2):
            one, order = scores[row, way].tolist(), places[row, 0].tolist()
            assert float(found[row, way]) == pytest.approx(lacking(one, order, 0.3), abs=1e-6)
    shuffled = torch.randperm(6, generator=noise)
    torch.testing.assert_close(ordering_loss(scores[..., shuffled], places[..., shuffled], 0.3), found)
    leaf = torch.tensor([1.0, 0.0, 3.0, 7.0], requires_grad=True)
    ordering_loss(leaf, order_of(0, 1, 2, -1), 0.5).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert leaf.grad.tolist() == pytest.approx([-1 / 3, -1 / 3, 2 / 3, 0])


def test_of_many_the_best_and_the_worst_are_kept() -> None:
    title = "春夏秋冬风花雪月"
    texts = [title[:count] for count in (3, 8, 1, 6, 2, 7, 5, 4)] + ["山"]
    whole = in_order(texts, title, 9)
    assert [text for _, text in whole] == [title[:count] for count in range(8, 0, -1)] + ["山"]
    assert [score for score, _ in whole] == [round(rouge_l(text, title), DIGITS) for _, text in whole]
    for most in range(2, 9):
        some = in_order(texts, title, most)
        assert len(some) == len({text for _, text in some}) == most
        assert some == sorted(some, reverse=True)
        assert (some[0], some[-1]) == (whole[0], whole[-1])
        taken = [whole.index(one) for one in some]
        steps = [after - before for before, after in pairwise(taken)]
        assert max(steps) - min(steps) <= 1  # from all over the order
    assert in_order([], title, 4) == []


def test_equal_scores_have_equal_ranks() -> None:
    assert ranks([0.9, 0.5, 0.5, 0.5, 0.1, 0.0, 0.0]) == [0, 1, 1, 1, 2, 3, 3]
    assert ranks([]) == []
    # two orders of the same letters, whose rouge_l is the same
    scored = in_order(["夏春", "春", "夏", "春夏"], "春夏", 4)
    assert scored[0] == (1.0, "春夏")
    assert ranks([score for score, _ in scored]) == [0, 1, 1, 2]


def test_texts_end_to_end() -> None:
    assert split([], END) == []
    assert split([END], END) == [[]]
    assert split([7, 8, END, END, 9, END], END) == [[7, 8], [], [9]]
