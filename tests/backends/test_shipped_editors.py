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


@pytest.mark.slow  # tests/cli/test_edit_commands.py has it of one chain
def test_a_wrong_character_is_put_right_and_shown(correct: Any) -> None:
    candidate = only(correct.generate(["我们再图书馆里看书。"], steps=120, seed=1))
    assert candidate.text == "我们在图书馆里看书。"
    assert candidate.to_dict()["changes"] == [{"source_start": 2, "source_end": 3, "start": 2, "end": 3}]


def test_a_right_sentence_stays(correct: Any) -> None:
    candidate = only(correct.generate(["这个问题需要尽快解决。"], steps=60, seed=1, chains=1))
    assert candidate.text == "这个问题需要尽快解决。"
    assert candidate.changes == []


def test_all_but_the_edits_stays_as_it_was_typed(correct: Any) -> None:
    source = "\u3000\u3000我今天😀很高心，\r\n\u3000\u3000因為考試\t成積很好。👍🏽\u200b"
    candidate = only(correct.generate([source], steps=60, seed=2, chains=1))
    made, end = "", 0
    for change in candidate.changes or ():
        made += source[end : change.source_start] + candidate.text[change.start : change.end]
        end = change.source_end
    assert candidate.changes
    assert made + source[end:] == candidate.text
    assert "績" in candidate.text  # not 绩
    beside = "\u3000\u3000😀\r\n\u3000\u3000👍🏽\u200b"
    assert [c for c in candidate.text if c in beside] == list(beside)
