"""Blanks filled by a search, and choices ranked; what holds of any weights, on small models."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from small_checkpoints import causal, masked

import textgen
from textgen.backends.editing.blank_ranking import edges, said_again
from textgen.backends.editing.passages import CONTEXT, LENGTH, Judge, Passage, nearby
from textgen.backends.registry import editor_class
from textgen.mcmc.cgmh.edits import Context
from textgen.schema import Candidate, Row
from textgen.store.catalog import find_model


def only(records: list[Any]) -> list[Candidate]:
    [record] = records
    assert record.error is None
    return record.candidates


@pytest.mark.parametrize(
    ("text", "length", "pattern"),
    [
        ("今天___很好，我们去___", "1-2", r"今天(.{1,2})很好，我们去(.{1,2})"),
        ("___是中国的首都。", "2-2", r"(..)是中国的首都。"),
        ("他的字又快又□，爱□□书。", "3-4", r"他的字又快又(.)，爱(..)书。"),
        ("  這部電影😀（　），很好。👍🏽\n", "1-1", r"  這部電影😀(.)，很好。👍🏽\n"),
        ("他把钥匙()在家里，[MASK]了", "1-1", r"他把钥匙(.)在家里，(.)了"),
    ],
)
def test_only_blanks_are_filled(editors: dict[str, Any], text: str, length: str, pattern: str) -> None:
    found = only(editors["fill"].generate(text, num_candidates=3, length=length))
    assert len({candidate.text for candidate in found}) == 3
    for candidate in found:
        filled = re.fullmatch(pattern, candidate.text)
        assert filled
        assert all("\u4e00" <= c <= "\u9fff" for part in filled.groups() for c in part)
        assert candidate.chain is None
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)


def test_the_other_rows_and_the_seed_change_nothing(editors: dict[str, Any]) -> None:
    rows = [
        Row("今天___很好。", "a"),
        Row("他（）来了，我□走。", "b"),
        Row("我___他。", "c", choices=("爱", "想")),
    ]

    def texts(some: list[Row], **options: Any) -> dict[str, list[tuple[str, float]]]:
        records = editors["fill"].generate(some, num_candidates=2, length="1-2", **options)
        return {r.id: [(c.text, c.score) for c in r.candidates] for r in records}

    wanted = texts(rows, seed=1)
    assert texts(rows[::-1], seed=2) == texts(rows, batch_size=1) == wanted
    assert texts(rows[1:2]).items() <= wanted.items()
    assert editors["fill"].generate(rows[0], length="1-1")[0].seed is None


def test_choices_are_ranked_by_the_whole_passage(editors: dict[str, Any]) -> None:
    fill = editors["fill"]
    text, choices = "我把作业___在家里了。", ["忘", "记得", "想"]
    found = only(fill.generate(text, choices=choices))
    assert {candidate.choice for candidate in found} == set(choices)
    assert sum(candidate.probability or 0 for candidate in found) == pytest.approx(1)
    assert all(one.text == text.replace("___", one.choice or "") for one in found)
    models = fill.models(fill._parsed({}))
    judge = Judge(models)
    tokenizer = models.tokenizer
    for candidate in found:
        ids = tokenizer.encode(candidate.text)
        assert candidate.logprob == pytest.approx(
            models.language_model.score([ids], [None])[0].logprob, abs=1e-3
        )
        first = text.index("_")
        last = first + len(candidate.choice or "")
        beside = [*range(first - 2, first), *range(last, last + 2)]
        contexts = [Context(tuple(ids[:n]), tuple(ids[n + 1 :])) for n in beside]
        expected = judge.expected(contexts)
        support = sum(float(row[ids[n]]) for row, n in zip(expected, beside, strict=True))
        wanted = candidate.logprob + LENGTH * (last - first) + CONTEXT * support
        assert candidate.score == pytest.approx(wanted, abs=1e-3)
    assert [c.choice for c in only(fill.generate(text, choices=choices, num_candidates=1))] == [
        found[0].choice
    ]
    row = Row(text, choices=choices[::-1])
    assert [c.score for c in only(fill.generate(row))] == [c.score for c in found]


@pytest.mark.parametrize(
    ("row", "options", "reason"),
    [
        (Row("我___他___。"), {"choices": ["爱", "想"]}, "choices need one blank, and there are 2"),
        (Row("我___他。", choices=("爱",)), {}, "nothing to choose from"),
        (Row("我___（）他。"), {}, "side by side"),
        (Row("我爱他。"), {"choices": ["爱", "想"]}, "no blank"),
        (Row("用print()打印"), {}, "no blank"),
    ],
)
def test_what_is_impossible_is_said_again(
    editors: dict[str, Any], row: Row, options: dict[str, Any], reason: str
) -> None:
    [record] = editors["fill"].generate([row], **options)
    assert reason in record.error


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"choices": ["爱"]}, "nothing to choose from"),
        ({"choices": ["爱", "爱"]}, "nothing to choose from"),
        ({"choices": ["爱", "想"], "length": "1-2"}, "length"),
        ({"choices": ["爱", "想"], "method": "mh"}, "method"),
        ({"method": "search", "steps": 3}, "method mh or anneal"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    editors: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(textgen.UsageError, match=reason):
        editors["fill"].generate("我___他。", **options)


def test_an_option_of_chains_asks_for_them(editors: dict[str, Any]) -> None:
    for options, kind in (({"steps": 5}, "search"), ({"method": "mh", "steps": 5}, "sample")):
        [candidate] = only(editors["fill"].generate("又快又□，___了。", seed=1, length="2-3", **options))
        assert candidate.chain
        assert candidate.chain.kind == kind


@pytest.mark.parametrize("proposals", ["title", "gpt2"])
def test_models_that_know_no_mask_propose_as_well(editors: dict[str, Any], proposals: str) -> None:
    [candidate] = only(editors["fill"].generate("今天___很好。", length="1-2", proposals=proposals))
    assert 6 <= len(candidate.text) <= 7
    assert candidate.text.startswith("今天")
    assert candidate.text.endswith("很好。")


@pytest.mark.parametrize("pair", list(product(("causal", ""), ("bert", "")))[:3], ids="-".join)
@pytest.mark.usefixtures("small_as_shipped")
def test_models_of_other_vocabularies_fill_blanks(tmp_path: Path, pair: tuple[str, str]) -> None:
    causal(tmp_path / "causal")
    masked(tmp_path / "bert")
    editor = editor_class("fill").open(find_model(str(tmp_path / pair[0]) if pair[0] else "gpt2"))
    proposals = {"proposals": str(tmp_path / pair[1])} if pair[1] else {}
    [candidate] = only(editor.generate("今日___，明早天气。", length="1-2", **proposals))
    assert 9 <= len(candidate.text) <= 10
    assert candidate.text.startswith("今日")
    assert candidate.text.endswith("，明早天气。")
    assert {c.choice for c in only(editor.generate("今日___。", choices=["小雨", "天气"], **proposals))} == {
        "小雨",
        "天气",
    }
    [record] = editor.generate("今日___。", choices=["小雨", "龘"], **proposals)
    assert "has no token for '龘'" in record.error or "have no token for '龘'" in record.error


def test_places_of_passages() -> None:
    passage = Passage(((1, 2, 3), (4,), (5, 6, 7)), ((1, 2), (1, 2)))
    fills = ((8, 9), (0,))
    assert passage.ids(fills) == (1, 2, 3, 8, 9, 4, 0, 5, 6, 7)
    assert passage.around(fills, 0) == Context((1, 2, 3), (4, 0, 5, 6, 7))
    assert passage.around(fills, 1) == Context((1, 2, 3, 8, 9, 4), (5, 6, 7))
    assert passage.beside(fills) == [1, 2, 5, 7, 8]
    assert Passage(((), (5,)), ((1, 1),)).beside(((3,),)) == [1]


def test_far_sentences_are_not_looked_at() -> None:
    far, near = "远处的一句话。" * 30, "近处的一句话。"
    first, middle, last = nearby([far + near, "，" + far, near + far])
    assert (first[-7:], middle, last[:7]) == (near, "，" + far, near)
    assert len(first) == 84
    assert len(last) == 42


@pytest.mark.parametrize(
    ("given", "fills", "ends", "repeated"),
    [
        (["外面下着大雨，别忘了带", "。"], ["雨伞"], 2, 0),
        (["外面下着大雨，别忘了带", "。"], ["大雨"], 2, 1),  # a content word that is there already
        (["小李的普通", "很标准。"], ["话"], 1, 0),  # the end of a word that begins before the blank
        (["我把信放进", "，投进了", "。"], ["邮筒", "邮筒"], 4, 1),
        (["他又", "又高兴。"], ["很"], 2, 0),
    ],
)
def test_fills_are_words_and_say_something_new(
    given: list[str], fills: list[str], ends: int, repeated: int
) -> None:
    assert (edges(given, fills), said_again(given, fills)) == (ends, repeated)


def test_what_is_far_behind_a_blank_weighs_less(editors: dict[str, Any]) -> None:
    fill = editors["fill"]
    judge = Judge(fill.models(fill._parsed({})))
    encode = judge.models.tokenizer.encode
    passage = Passage((tuple(encode("我把作业")), tuple(encode("在家里了。"))), ((1, 1),))
    ways = [(tuple(encode("忘")),)]
    assert passage.behind(ways[0]) == [8, 9, 10]  # 里 and more stand behind 忘在家
    [one] = judge.scored([passage.ids(ways[0])])
    assert len(one.logprobs) == 11
    assert sum(one.logprobs) == pytest.approx(one.logprob)
    [whole], [half] = judge.fluency(passage, ways), judge.fluency(passage, ways, 0.5)
    assert whole - half == pytest.approx(0.5 * sum(one.logprobs[8:]), abs=1e-4)
