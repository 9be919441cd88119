"""Options of titles and continuations: what they mean, and a line for everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.options import ContinueOptions, DecodingOptions, TitleOptions, parse


@pytest.mark.parametrize(
    ("given", "strategy", "ranking", "directions"),
    [
        ({"decode": "beam"}, "beam", "logprob", "l2r"),
        ({"decode": "beam", "direction": "both"}, "beam", "logprob", "l2r r2l"),
        ({"decode": "sample"}, "sample", "logprob", "l2r"),
        ({"decode": "sample", "rank": "mbr"}, "sample", "mbr", "l2r r2l"),
        ({"decode": "beam", "rank": "agree", "direction": "l2r"}, "beam", "agree", "l2r"),
        ({"decode": "agree"}, "beam", "agree", "l2r r2l"),
        ({"rank": "mbr"}, "beam", "mbr", "l2r r2l"),
        ({"rank": "logprob"}, "beam", "logprob", "l2r"),
        ({"one_of": ["春", "夏"]}, "beam", "pmi", "l2r"),
        ({"one_of": ["春", "夏"], "rank": "agree"}, "beam", "agree", "l2r r2l"),
        ({"one_of": ["春", "夏"], "decode": "beam"}, "beam", "logprob", "l2r"),
        ({"direction": "r2l"}, "beam", "blend", "r2l"),
        ({"decode": "bidirectional"}, "bidirectional", "logprob", "l2r"),
        ({"decode": "diverse", "rank": "blend"}, "diverse", "blend", "l2r r2l"),
    ],
)
def test_what_decode_rank_and_direction_mean(
    given: dict[str, Any], strategy: str, ranking: str, directions: str
) -> None:
    options = parse(TitleOptions, given)
    assert (options.strategy_name, options.ranking) == (strategy, ranking)
    assert options.directions == tuple(directions.split())


def test_what_is_written_without_options() -> None:
    title, text = parse(TitleOptions, {}), parse(ContinueOptions, {})
    assert (title.strategy_name, title.ranking, title.directions) == ("beam", "blend", ("l2r", "r2l"))
    assert title.checks
    assert (title.draws, text.draws) == (False, True)
    assert text.ends_at == "sentence"
    assert parse(ContinueOptions, {"decode": "beam"}).ends_at == "any"


@pytest.mark.parametrize(
    ("given", "width"),
    [
        ({}, 8),
        ({"num_candidates": 9}, 9),
        ({"rank": "mbr"}, 8),
        ({"decode": "agree", "num_candidates": 3}, 8),
        ({"decode": "beam"}, 4),
        ({"decode": "beam", "num_candidates": 7}, 7),
        ({"beams": 2}, 2),
        ({"decode": "beam", "beams": 9}, 9),
    ],
)
def test_the_beam_is_as_wide_as_it_must(given: dict[str, Any], width: int) -> None:
    assert parse(TitleOptions, given).beam_width == width


def test_one_text_is_a_list_of_one() -> None:
    assert parse(TitleOptions, {"keyword": " 秋粮 "}).keyword == ("秋粮",)
    assert parse(TitleOptions, {"avoid": ["秋粮", "县"]}).avoid == ("秋粮", "县")


@pytest.mark.parametrize(
    ("decode", "draws"),
    [("greedy", False), ("beam", False), ("sample", True), ("stochastic", True), ("diverse", False)],
)
def test_who_draws(decode: str, draws: bool) -> None:
    for kind in (TitleOptions, ContinueOptions, DecodingOptions):
        assert parse(kind, {"decode": decode}).draws is draws


def test_avoided_words_are_taken_as_they_are() -> None:
    """A mark, a letter, words with spaces: nothing is split."""
    words = ("，", "a", "Red Hat", "一,二", "；")
    assert parse(TitleOptions, {"avoid": list(words)}).avoid == words
