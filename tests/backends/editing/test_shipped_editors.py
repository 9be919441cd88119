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
    candidate = only(correct.generate(["这个问题需要尽快解决。"], steps=24, seed=1, chains=1))
    assert candidate.text == "这个问题需要尽快解决。"
    assert candidate.changes == []


@pytest.mark.slow  # test_editors.py has it on small models: all but the edits stays as it was typed
def test_a_traditional_text_is_corrected_in_its_characters(correct: Any) -> None:
    candidate = only(correct.generate(["因為考試成積很好。"], steps=60, seed=2, chains=1))
    assert "績" in candidate.text  # not 绩
