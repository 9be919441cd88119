"""What of an article and its title is fed in and asked for, in either direction, cut or whole."""

from __future__ import annotations

from typing import Any

import pytest
from tiny import Bench, some_pairs

from textgen.errors import UsageError
from textgen.train.objectives.loss import NO_TARGET
from textgen.train.recipes.pairs import Pairs
from textgen.train.step.loop import Loop

MOST = 8  # pieces of a title
ROWS = [
    {"text": "春夏秋冬。", "title": "春夏"},
    {"text": "风花雪月" * 30, "title": "风花雪月山川河海"},
    {"text": "东南西北", "title": "东南西北红黄蓝绿大小"},
]


def pairs_of(loop: Loop, examples: list[int], epoch: int | None = 0) -> Pairs:
    return loop.recipe.batch(loop.arrays, examples, epoch)


def texts(loop: Loop, ids: Any) -> str:
    """Ids as text; the end is written as a full stop."""
    tokenizer = loop.recipe.tokenizer
    known = [i for i in ids if i not in (NO_TARGET, tokenizer.specials.pad)]
    return "".join("。" if i == tokenizer.specials.eos else tokenizer.decode([i]) for i in known)


@pytest.fixture
def loop(bench: Bench) -> Loop:
    return bench.loop("title", rows=ROWS)


def test_a_title_is_told_in_both_directions_and_ends(loop: Loop) -> None:
    specials = loop.recipe.tokenizer.specials
    batch = pairs_of(loop, [0])
    assert batch.sources == [[specials.cls, *loop.recipe.tokenizer.encode("春夏秋冬。"), specials.sep]]
    assert batch.inputs[0, :, 0].tolist() == [specials.l2r, specials.r2l]
    assert [texts(loop, stream[1:].tolist()) for stream in batch.inputs[0]] == ["春夏", "夏春"]
    assert [texts(loop, stream.tolist()) for stream in batch.targets[0]] == ["春夏。", "夏春。"]
    assert loop.recipe.places(batch) == 6


def test_a_title_that_just_fits_ends(loop: Loop) -> None:
    batch = pairs_of(loop, [1])
    assert [texts(loop, stream.tolist()) for stream in batch.targets[0]] == [
        "风花雪月山川河海。",
        "海河川山月雪花风。",
    ]


def test_a_title_that_is_cut_is_not_taught_to_end_there(loop: Loop) -> None:
    """Nor, backwards, to begin there: from its real end it is told as far as it is read."""
    batch = pairs_of(loop, [2])
    assert [texts(loop, stream.tolist()) for stream in batch.targets[0]] == [
        "东南西北红黄蓝绿",
        "小大绿蓝黄红北西",
    ]
    assert [texts(loop, stream[1:].tolist()) for stream in batch.inputs[0]] == [
        "东南西北红黄蓝",
        "小大绿蓝黄红北",
    ]


def test_titles_of_one_batch_are_padded(loop: Loop) -> None:
    batch = pairs_of(loop, [0, 1])
    assert batch.inputs.shape == batch.targets.shape == (2, 2, MOST + 1)
    assert (batch.inputs[0, :, 3:] == loop.recipe.tokenizer.specials.pad).all()
    assert (batch.targets[0, :, 3:] == NO_TARGET).all()
    assert loop.recipe.places(batch) == 6 + 18


def test_long_articles_are_cut_beside_their_longest_title(loop: Loop) -> None:
    """Of 80 positions the direction token and a title of 8 take 9, the article's frame 2."""
    batch = pairs_of(loop, [1])
    assert len(batch.sources[0]) == 80 - 9
    assert batch.sources[0][-1] == loop.recipe.tokenizer.specials.sep
    loop.recipe.predict(loop.network, batch)  # all positions are there
    assert loop.network.source_room(MOST + 1) == len(batch.sources[0])


def test_an_article_is_cleaned_as_it_is_for_writing(bench: Bench) -> None:
    rows = [{"text": "  春夏\r\n\r\n秋冬\u3000", "title": " 春\n夏 "}]
    loop = bench.loop("title", rows=rows)
    tokenizer = loop.recipe.tokenizer
    batch = pairs_of(loop, [0])
    assert "\r" not in tokenizer.decode(batch.sources[0])
    assert texts(loop, batch.targets[0, 0].tolist()) == "春 夏。"


def test_the_small_recipe_draws_a_direction_an_epoch(bench: Bench) -> None:
    loop = bench.loop("rnn-title", rows=some_pairs(40))
    specials = loop.recipe.tokenizer.specials

    def firsts(epoch: int | None) -> list[int]:
        return pairs_of(loop, list(range(40)), epoch).inputs[:, 0, 0].tolist()

    assert {*firsts(0)} == {specials.l2r, specials.r2l}
    assert firsts(0) == firsts(0)
    assert firsts(0) != firsts(1)
    assert 10 < firsts(0).count(specials.l2r) < 30
    assert firsts(None) == [specials.l2r, specials.r2l] * 20


def test_a_title_too_long_for_the_model_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="title_length 78 leaves no room"):
        bench.loop("title", title_length=78)
