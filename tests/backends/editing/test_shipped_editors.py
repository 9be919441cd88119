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


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("老师说：“我门走吧。”大家都很高兴。", "“我门走吧。” is locked, and may be meant as “我们走吧。”"),
        (
            "妈妈说：“我门走吧，天黑了。明天还要上学。”",
            "说：“我门走吧，天 is locked, and may be meant as 说：“我们走吧，天",
        ),
    ],
)
def test_an_error_in_a_quote_is_told_and_stays(correct: Any, text: str, note: str) -> None:
    [record] = correct.generate([text])
    assert record.candidates[0].text == text
    assert [str(one).partition(" (")[0] for one in record.notes] == [note]
    assert "quotes" in record.notes[0]
    [record] = correct.generate([text], free="quotes", keep="“我门")
    assert (record.candidates[0].text, record.notes) == (text, ())
    assert only(correct.generate([text], free="quotes")).text == text.replace("我门", "我们")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("小狗欢快的跑了过来。", "小狗欢快地跑了过来。"),
        ("大家热烈的鼓起掌来。", "大家热烈地鼓起掌来。"),
        ("他累的直不起腰来。", "他累得直不起腰来。"),
        ("快乐的学习生活开始了。", "快乐的学习生活开始了。"),
        ("他说的很有道理。", "他说的很有道理。"),
        ("科学地发展很重要。", "科学地发展很重要。"),
    ],
)
def test_particles_are_put_right_by_what_is_beside_them(correct: Any, text: str, right: str) -> None:
    candidate = only(correct.generate([text], explain=True))
    assert candidate.text == right
    assert [change.kind for change in candidate.changes or ()] == ["particle"] * (text != right)


def test_what_is_locked_is_told_of_a_text_of_which_nothing_may_change(correct: Any) -> None:
    records = correct.generate(["“你好。”", "“你们好，早上好。”\n“你们好，晚上好。”"], explain=True)
    assert all("its quotes are locked" in record.error for record in records)
    assert [[lock.text for lock in record.locks] for record in records] == [
        ["“你好。”"],
        ["“你们好，早上好。”", "“你们好，晚上好。”"],
    ]
