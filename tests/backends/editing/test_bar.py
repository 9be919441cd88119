"""What a text must reach beside its source."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.backends.editing.bar import Bar, Measures, added
from textgen.backends.editing.rewrite import changed_first
from textgen.events import ignore
from textgen.mcmc.cgmh.edits import FREE, State, Subject
from textgen.mcmc.cgmh.target import Point
from textgen.mcmc.chain import Chain, Visit
from textgen.models.views import Scored
from textgen.options import RewriteOptions
from textgen.schema import Record, Row
from textgen.text.facts.fact import KINDS

SOURCE = "我昨天在学校看了三本书。"
OWN = Measures(1.0, -3.0)
BAR = Bar(similarity=0.9, loss=0.5, checks=True, kinds=KINDS)


@pytest.mark.parametrize(
    ("text", "similarity", "fluency", "failed"),
    [
        ("昨天我在学校读了三本书。", 0.9, -3.5, ()),
        ("昨天我在学校读了三本书。", 0.89, -3.51, ("similarity", "fluency")),
        ("我昨天在学校看的第三本书。", 1.0, -3.0, ("facts",)),
        ("我昨天在学校没看三本书。", 1.0, -3.0, ("facts",)),
        ("昨天我在学校学校看了三本书。", 1.0, -3.0, ("repeat",)),
    ],
)
def test_what_a_text_fails_is_named(
    text: str, similarity: float, fluency: float, failed: tuple[str, ...]
) -> None:
    assert BAR.failings(text, Measures(similarity, fluency), SOURCE, OWN) == failed


def test_what_the_source_fails_is_no_failing_and_checks_can_be_left_out() -> None:
    doubled = "昨天我在学校学校看了三本书。"
    assert BAR.failings(doubled, OWN, doubled, OWN) == ()
    assert Bar(0.9, 0.5, checks=False, kinds=KINDS).failings(doubled, OWN, SOURCE, OWN) == ()


@pytest.mark.parametrize(
    ("text", "source", "more"),
    [
        ("充满电之后可以使用。", "充满电后可以使用。", False),
        ("今天三趟车停运。", "三趟车今天停运。", False),
        ("支持Bluetoother。", "支持Bluetooth。", True),
        ("他明天来。", "他来。", True),
    ],
)
def test_facts_are_added_if_the_source_lacks_them(text: str, source: str, *, more: bool) -> None:
    assert added(text, source, KINDS) == more


SENTENCE = "他昨天在图书馆看了一整天的书。"
LOOSE = {"least_similarity": 0.0, "fluency_loss": 1e9, "checks": False}


def rewritten(editors: dict[str, Any], **options: Any) -> Record:
    [record] = editors["rewrite"].generate([Row(SENTENCE, "1")], steps=20, seed=1, chains=2, **options)
    return record


def test_texts_below_the_bar_are_left_out_and_counted(editors: dict[str, Any]) -> None:
    loose = rewritten(editors, **LOOSE)
    assert loose.candidates
    assert not loose.notes
    strict = rewritten(editors, **LOOSE | {"least_similarity": 1.0})
    assert strict.candidates == []
    assert "no text is good enough" in strict.error
    assert "similarity" in strict.error


def test_the_source_takes_the_place_of_what_is_not_good_enough(editors: dict[str, Any]) -> None:
    record = rewritten(editors, **LOOSE | {"least_similarity": 1.0, "or_source": True})
    [candidate] = record.candidates
    assert record.error is None
    assert candidate.text == SENTENCE
    assert candidate.chain is None
    assert candidate.score == pytest.approx(candidate.logprob / candidate.tokens)
    assert "this is the source: no text is good enough" in record.notes[0]


@pytest.mark.parametrize(
    ("text", "possible"), [("他来过了。", True), ("他来了三次。", False), ("他不来了。", False)]
)
def test_no_chain_goes_where_a_check_fails(editors: dict[str, Any], text: str, *, possible: bool) -> None:
    rewrite, options = editors["rewrite"], RewriteOptions()
    start = rewrite.prepare(Row("他来了。"), options, ignore)
    ids = tuple(start.models.tokenizer.encode(text))
    state = State(ids, (FREE,) * len(ids), subject=start.state.subject)
    assert rewrite.possible(state, options) == possible
    assert rewrite.possible(state, RewriteOptions(checks=False))


@pytest.mark.parametrize(("count", "wanted"), [(1, [2]), (2, [2, 3]), (4, [2, 3, 1, 0])])
def test_texts_that_are_changed_enough_go_before_others(count: int, wanted: list[int]) -> None:
    subject = Subject(tuple(range(20)))
    found = []
    for n, (edits, log_target) in enumerate([(1, -3.0), (2, -1.0), (4, -7.0), (3, -9.0)]):
        ids = (*range(100, 100 + edits), *range(edits, 20))
        point = Point(State(ids, (FREE,) * 20, subject=subject), Scored(log_target), log_target)
        found.append((Chain(b"", n, point), Visit(point, 1)))
    first = changed_first(found, RewriteOptions(changes=0.2, num_candidates=count))
    assert [chain.candidate for chain, _ in first] == wanted
