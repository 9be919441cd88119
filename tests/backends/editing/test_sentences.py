"""Texts of several sentences, worked on one by one and put together again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from textgen.backends.base import Found
from textgen.backends.editing.locks import Held
from textgen.backends.editing.sentences import LONG, inside, joined, part_of, stretches
from textgen.errors import DataError
from textgen.schema import Candidate, ChainReport, Row
from textgen.text.diff import Change, changes_between
from textgen.text.model_input import as_read


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "今天的天气真是好得不得了。我们明天一起去公园吧。",
            ["今天的天气真是好得不得了。", "我们明天一起去公园吧。"],
        ),
        ("好！我们明天一起去公园吧。", ["好！我们明天一起去公园吧。"]),  # too short for itself
        ("通知\n\n　　明天放假。", ["通知\n\n", "　　明天放假。"]),  # but not across lines
        ("，".join(["字" * 50] * 4), ["字" * 50 + "，" + "字" * 50 + "，", "字" * 50 + "，" + "字" * 50]),
        ("字" * (LONG + 1), ["字" * LONG, "字"]),
    ],
)
def test_a_text_is_cut_behind_sentences(text: str, parts: list[str]) -> None:
    assert [text[span.start : span.stop] for span in stretches(text)] == parts


def test_parts_of_a_source_are_all_of_it() -> None:
    source = "　　標題😀\r\n\r\n　　今天的天氣真是好得不得了。  👍🏽他說：\u200b好！\t"
    reading = as_read(source)
    spans = stretches(reading.text)
    parts = [part_of(Row(source, "1", id="a"), reading, spans, n) for n in range(len(spans))]
    assert "".join(row.text for row, _ in parts) == source
    assert "".join(part.text for _, part in parts) == reading.text
    assert len({row.id for row, _ in parts}) == len(parts) > 2
    for row, part in parts:
        assert part.source == row.text
        assert part.traditional
        assert part.edited(part.text) == (row.text, [])


def test_a_lock_across_sentences_locks_its_share_of_each() -> None:
    locks = [Held(range(3, 9), "quotes", "quote")]
    assert [inside(locks, span) for span in (range(3), range(5), range(5, 12))] == [
        [],
        [replace(locks[0], span=range(3, 5))],
        [replace(locks[0], span=range(4))],
    ]


def found(source: str, *texts: tuple[str, float]) -> tuple[str, Found]:
    report = ChainReport("search", 0.0, 0, 0, 0, {}, 0.0, None, None)
    made = [
        Candidate(
            text, -1.0, "mean_logprob", -5.0, 5, "stop",
            changes=changes_between(source, text), chain=replace(report, log_target=value),
        )
        for text, value in texts
    ]  # fmt: skip
    return source, Found(made)


def test_the_best_texts_are_made_of_the_best_parts() -> None:
    parts = [
        found("甲乙。", ("甲乙。", 0.0), ("甲。", -1.0), ("乙。", -5.0)),
        ("\n\n", None),
        found("丙丙。", ("丙。", 0.0), ("丙丙。", -2.0)),
    ]
    outcome = joined(parts, 4, ranked=True, changes=True)
    assert isinstance(outcome, Found)
    texts = ["甲乙。\n\n丙。", "甲。\n\n丙。", "甲乙。\n\n丙丙。", "甲。\n\n丙丙。"]
    assert [one.text for one in outcome.candidates] == texts
    assert list(outcome.candidates[1].changes or ()) == [Change(1, 2, 1, 1), Change(5, 6, 4, 4)]
    assert outcome.candidates[0].logprob == -10.0
    assert not outcome.notes
    sampled = joined(parts, 4, ranked=False, changes=False)
    assert isinstance(sampled, Found)
    assert [one.text for one in sampled.candidates] == [texts[0], texts[3], "乙。\n\n丙丙。"]
    assert sampled.notes == ("3 of 4 texts were found",)


def test_a_sentence_without_a_text_stays_and_is_told() -> None:
    lost = DataError("no text was found")
    outcome = joined([("甲。", lost), found("乙乙。", ("乙。", 0.0))], 1, ranked=True, changes=True)
    assert isinstance(outcome, Found)
    assert outcome.candidates[0].text == "甲。乙。"
    assert outcome.notes == ("1 of 2 sentences stay as they are: no text was found",)
    assert joined([("甲。", lost), ("\n", None)], 1, ranked=True, changes=True) is lost


def test_a_text_longer_than_the_models_read_is_corrected(editors: dict[str, Any]) -> None:
    source = "他昨天在图书馆看了一整天的书。\r\n　　他说：“好。”\n" * 60
    [record] = editors["correct"].generate([source], errors=50.0)
    assert (record.error, record.candidates[0].text) == (None, source)
    [record] = editors["correct"].generate([source], length="1-2000")
    assert "split the text" in record.error
