"""Filters that leave a row nothing to write: it finds no text, and the rows beside it do not notice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from fakes import HiddenTabularModel, TabularModel, batch_of, everything, table_of
from torch import Tensor
from two_way import TwoWayTable, logits_of

from textgen.choice.scoring import LaneScoring, Scoring
from textgen.decoding.constraint import Constraint
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.plan import Plan, search
from textgen.decoding.stop import Stop
from textgen.options import ContinueOptions, TitleOptions, composed
from textgen.options.decoding import strategies
from textgen.rng import row_key

A, B, END = range(3)
# by the source: the first writes A only, the second never, the third one of the two
ONLY_A, ONLY_B, EITHER = 0, 1, 2
FIRST = {ONLY_A: [1.0, 0, 0], ONLY_B: [0, 1.0, 0], EITHER: [0.5, 0.5, 0]}
LATER = [0, 0.4, 0.6]
LIMIT = 5


def nothing_behind_a(ids: Tensor, scores: Tensor) -> Tensor:
    return scores.masked_fill((ids == A).any(-1, keepdim=True), -torch.inf)


def model_for(name: str) -> Any:
    tables = {(source, A): chances for source, chances in FIRST.items()}  # A is also the token that is given
    if name == "bidirectional":
        both = {(source, first): chances for source, chances in FIRST.items() for first in (0, 1)}
        return TwoWayTable(3, logits_of(both, LATER), interaction=False)
    table = table_of(tables, LATER, given=0)
    if name == "contrastive":
        return HiddenTabularModel(3, table, vectors=lambda prefix: torch.tensor([float(len(prefix)), 1.0]))
    return TabularModel(3, table)


def found(
    name: str, sources: list[int], *, copies: int = 2, banned: bool = True, keyword: bool = False
) -> list[list[Hypothesis]]:
    kind: Any = composed(TitleOptions if name == "bidirectional" else ContinueOptions)
    wide = {"beams": 4} if "beams" in strategies()[name].options else {}
    stop = Stop(END, LIMIT)
    plan = Plan(
        kind(decode=name, max_new_tokens=LIMIT, **wide),
        END,
        A,
        lambda _, ids: stop.reason(ids),
        copies=copies,
        constraints=[Constraint((((B,),),))] * len(sources) if keyword else (),
    )
    scoring = Scoring(everything(3), hard=[nothing_behind_a] if banned else [])
    keys = [row_key(0, str(source)) for source in sources]
    batch = batch_of([[source] for source in sources], A, keys)
    lanes = LaneScoring([scoring, scoring], 2)
    return search(model_for(name), batch, lanes if name == "bidirectional" else scoring, plan)


@pytest.mark.parametrize("name", strategies())
def test_a_stuck_row_finds_nothing_and_the_others_do_not_notice(name: str) -> None:
    stuck, fine = found(name, [ONLY_A, ONLY_B])
    assert stuck == []
    assert fine
    assert [fine] == found(name, [ONLY_B]) == found(name, [ONLY_B], banned=False)
    assert found(name, [ONLY_A], banned=False)[0]


@pytest.mark.parametrize("name", strategies())
def test_where_one_beginning_is_stuck_the_other_goes_on(name: str) -> None:
    """But greedy strategies, which have only one."""
    (some,) = found(name, [EITHER], copies=16)
    assert all(A not in hypothesis.ids for hypothesis in some)
    assert all(hypothesis.logprob is not None and hypothesis.logprob > -20 for hypothesis in some)
    if name not in ("greedy", "contrastive"):
        assert some
    if name == "sample":
        (plain,) = found(name, [EITHER], copies=16, banned=False)
        assert some == [hypothesis for hypothesis in plain if A not in hypothesis.ids]
        assert 0 < len(some) < len(plain) == 16


def test_a_keyword_that_the_filters_cut_off() -> None:
    stuck, fine = found("beam", [ONLY_A, ONLY_B], keyword=True)
    assert stuck == []
    assert fine[0].ids[0] == B
