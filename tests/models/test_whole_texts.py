"""Scores of whole texts: those of all texts there can be are one, and each is that of transformers."""

from __future__ import annotations

from itertools import product
from math import exp

import pytest
import torch
from sequences import PrefixModel

from textgen.models import whole_texts
from textgen.models.families.gpt2 import Gpt2
from textgen.models.scoring import IncrementalGpt2
from textgen.models.whole_texts import WholeTexts

BEFORE = [1, 9]


class Toy(PrefixModel):
    """A table that has a number of positions."""

    positions = 32


def everything(size: int) -> torch.Tensor:
    return torch.ones(size, dtype=torch.bool)


def test_the_probabilities_of_all_texts_of_a_length_and_of_the_shorter_ones_add_up() -> None:
    model = WholeTexts(Toy(4, seed=3), [0], [3], everything(4))  # type: ignore[arg-type]
    texts = [text for length in range(4) for text in product(range(3), repeat=length)]
    scores = [one.logprob for one in model.score(texts, [None] * len(texts))]
    ended = sum(exp(score) for score in scores)
    # what has not ended after three tokens: its probability without the end
    toy = Toy(4, seed=3)
    longer = 0.0
    for text in product(range(3), repeat=3):
        sequence, total = [0, *text], 0.0
        for n in range(1, len(sequence)):
            total += float(toy.after(tuple(sequence[:n])).log_softmax(-1)[sequence[n]])
        longer += exp(total) * (1 - float(toy.after(tuple(sequence)).softmax(-1)[3]))
    assert ended + longer == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("numbers", [1, whole_texts.NUMBERS])
def test_scores_are_those_of_a_gpt2_that_remembers(
    tiny_gpt2: Gpt2, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_texts, "NUMBERS", numbers)
    allowed = everything(101)
    allowed[40:60] = False
    texts: list[tuple[int, ...]] = [(), (20,), (20, 99, 31), tuple(range(60, 95))]
    ours = WholeTexts(tiny_gpt2, BEFORE, [3, 4], allowed)
    theirs = IncrementalGpt2(tiny_gpt2, BEFORE, [3, 4], allowed)
    assert ours.longest == theirs.longest == 126
    with torch.inference_mode():
        found, expected = (model.score(texts, [None] * 4) for model in (ours, theirs))
    assert [one.logprob for one in found] == pytest.approx([one.logprob for one in expected], abs=1e-4)


def test_an_impossible_text_has_no_probability(tiny_gpt2: Gpt2) -> None:
    allowed = everything(101)
    allowed[40] = False
    [found] = WholeTexts(tiny_gpt2, BEFORE, [3], allowed).score([(40,)], [None])
    assert found.logprob == -torch.inf
