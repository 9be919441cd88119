"""What correct does with the shipped models."""

from __future__ import annotations

from typing import Any

import pytest

import textgen
from textgen.schema import Candidate


@pytest.fixture(scope="module")
def correct() -> Any:
    return textgen.load("correct")


def only(records: list[Any]) -> Candidate:
    [record] = records
    assert record.error is None
    [candidate] = record.candidates
    return candidate


def test_errors_are_put_right_and_told_by_kind(correct: Any) -> None:
    candidate = only(correct.generate(["我门昨天去去看了鱼，玩得非长高兴。"], explain=True))
    assert candidate.text == "我们昨天去看了鱼，玩得非常高兴。"
    assert candidate.to_dict()["changes"] == [
        {"source_start": 1, "source_end": 2, "start": 1, "end": 2, "kind": "sound"},
        {"source_start": 4, "source_end": 5, "start": 4, "end": 4, "kind": "doubled"},
        {"source_start": 13, "source_end": 14, "start": 12, "end": 13, "kind": "sound"},
    ]


def test_a_right_sentence_stays(correct: Any) -> None:
    [record] = correct.generate(["这个问题需要尽快解决。"], num_candidates=2)
    assert record.seed is None  # nothing is drawn
    first, second = record.candidates
    assert first.text == "这个问题需要尽快解决。"
    assert first.changes == []
    assert second.text != first.text


def test_a_traditional_text_is_corrected_in_its_characters(correct: Any) -> None:
    candidate = only(correct.generate(["因為考試成積很好。"], explain=True))
    assert candidate.text == "因為考試成績很好。"
    assert [change.kind for change in candidate.changes or ()] == ["sound"]
