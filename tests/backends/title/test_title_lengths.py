"""`--length`: titles of a number of characters, found by the search itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chinese_checkpoints import bart
from each_option import each_strategy
from small_titles import make_title

import textgen
from textgen.backends.title.chosen import nearest_first
from textgen.errors import UsageError
from textgen.options import TitleOptions
from textgen.schema import Candidate
from textgen.text.length import characters

ARTICLES = ["春天来了，山里的花开了。", "夏天到了，河水涨了起来，孩子们去游泳。" * 3]
WRITING: list[dict[str, Any]] = [
    {},
    *each_strategy(TitleOptions),
    {"decode": "beam", "direction": "r2l", "num_candidates": 3},
    {"decode": "agree", "num_candidates": 3},
    {"keyword": ("夏",), "num_candidates": 2},
]


@pytest.fixture(scope="module")
def seasons(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random title model of few words; pieces of one character, of two and of five."""
    backend = textgen.load(str(make_title(tmp_path_factory.mktemp("models") / "title")))
    ids = backend.tokenizer.encode("春夏秋冬 Linux")
    backend.allowed[:] = False
    backend.allowed[[*ids, backend.tokenizer.specials.eos]] = True
    return backend


@pytest.mark.parametrize("options", WRITING, ids=str)
def test_titles_have_the_length_that_was_asked_for(seasons: Any, options: dict[str, Any]) -> None:
    options = {"max_new_tokens": 14} | options
    for least, most in ((3, 4), (6, 6), (9, 12)):
        for record in seasons.generate(ARTICLES, length=(least, most), **options):
            counts = [characters(one.text) for one in record.candidates]
            inside = [least <= count <= most for count in counts]
            assert inside == sorted(inside, reverse=True), "those inside come first"
            assert ["length" in one.flags for one in record.candidates] == [not one for one in inside]
            assert any("characters was found" in note for note in record.notes) == (not inside[0])
            if "num_candidates" in options:  # a search that finds one text may end outside
                assert inside[0]
                assert record.candidates[0].finish_reason == "stop"


def test_a_row_is_the_same_in_any_batch(seasons: Any) -> None:
    options = {"length": "5-6", "num_candidates": 3, "max_new_tokens": 10}
    together = seasons.generate(ARTICLES, **options)
    assert together == [
        seasons.generate([textgen.Row(text, str(n))], **options)[0] for n, text in enumerate(ARTICLES, 1)
    ]


def test_where_none_fits_the_nearest_is_told(seasons: Any) -> None:
    """No title of two characters holds three."""
    (record,) = seasons.generate(
        ARTICLES[0], length="2", keyword=("春夏秋",), num_candidates=2, max_new_tokens=8, decode="beam"
    )
    assert ["length" in one.flags for one in record.candidates] == [True] * 2
    counts = [characters(one.text) for one in record.candidates]
    assert counts == sorted(counts)
    assert f"no title of 2 characters was found; the nearest has {counts[0]}" in record.notes
    assert "length" in json.loads(record.to_json())["candidates"][0]["flags"]


def test_a_title_that_was_cut_is_told(seasons: Any) -> None:
    (record,) = seasons.generate(ARTICLES[0], decode="sample", seed=1, num_candidates=12, max_new_tokens=3)
    reasons = [candidate.finish_reason for candidate in record.candidates]
    cut = reasons.count("length")
    assert 0 < cut < len(reasons)
    assert f"{cut} of {len(reasons)} texts were cut at max_new_tokens 3" in record.notes


def test_without_a_length_nothing_is_flagged(seasons: Any) -> None:
    (record,) = seasons.generate(ARTICLES[0], num_candidates=4, max_new_tokens=12)
    assert not any("characters was found" in note for note in record.notes)
    assert not any("length" in one.flags for one in record.candidates)


def test_the_nearest_come_first_else_the_better() -> None:
    texts = ["一二三四五六", "一", "一二三", "A B C", "一二三四"]
    candidates = [Candidate(text, 0.0, "", None, 1, "stop") for text in texts]
    ordered = nearest_first(candidates, (3, 3))
    assert [one.text for one in ordered] == ["一二三", "A B C", "一二三四", "一", "一二三四五六"]
    assert [one.flags for one in ordered] == [(), (), ("length",), ("length",), ("length",)]
    assert nearest_first(candidates, None) == candidates


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"length": "8-5"}, "it ends below its beginning"),
        ({"length": "0"}, "should be at least 1"),
        ({"length": "-20"}, "must be like 16 or 12-24"),
        ({"length": "60-70"}, "raise that above 60"),
        ({"length": "5", "one_of": ("体育",)}, "one_of and length exclude each other"),
    ],
)
def test_lengths_that_are_refused(seasons: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        seasons.generate(ARTICLES[0], **options)
    assert told in caught.value.line


@pytest.mark.parametrize("decode", ["greedy", "beam", "sample"])
def test_a_title_has_no_more_tokens_than_a_decoder_has_positions(decode: str, tmp_path: Path) -> None:
    """Two of which its start symbols take."""
    model = textgen.load(str(bart(tmp_path / "bart", max_position_embeddings=32)), precision="fp32")
    options = {"decode": decode, "min_new_tokens": 29, "seed": 1, "checks": False}
    (record,) = model.generate("今日小雨，明早转晴。" * 9, max_new_tokens=30, **options)
    assert record.error is None
    assert record.used_tokens == 30
    assert record.candidates[0].tokens == 30
    with pytest.raises(UsageError, match="max_new_tokens 31 is more than the model writes") as refused:
        model.generate("今日小雨", max_new_tokens=31, **options)
    assert refused.value.hint == "it writes 30 tokens"
