"""Options of chains: what they mean, and a line for everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from textgen.errors import UsageError
from textgen.options import GibbsOptions, parse


@pytest.mark.parametrize(
    ("given", "length"),
    [
        ("16", (16, 16)),
        (16, (16, 16)),
        ("8-32", (8, 32)),
        ("8 - 32", (8, 32)),
        ([8, 32], (8, 32)),
        ("7-7", (7, 7)),
    ],
)
def test_lengths(given: object, length: tuple[int, int]) -> None:
    assert parse(GibbsOptions, {"length": given}).length == length


@pytest.mark.parametrize(
    ("given", "anneal"),
    [
        ("1.0:0.3", (1.0, 0.3, "linear")),
        (" 2 : 0.5 : geometric ", (2.0, 0.5, "geometric")),
        ([1, 0.25], (1.0, 0.25, "linear")),
        (["1", 1, "geometric"], (1.0, 1.0, "geometric")),
    ],
)
def test_temperatures_of_a_search(given: object, anneal: tuple[float, float, str]) -> None:
    assert parse(GibbsOptions, {"method": "anneal", "anneal": given}).anneal == anneal


@pytest.mark.parametrize(
    ("given", "parallel", "states"),
    [
        ({}, 1, 1),
        ({"num_candidates": 5}, 5, 1),
        ({"num_candidates": 5, "chains": 2}, 2, 3),
        ({"num_candidates": 4, "chains": 2}, 2, 2),
        ({"num_candidates": 2, "chains": 8}, 8, 1),
    ],
)
def test_how_many_texts_a_chain_gives(given: dict[str, Any], parallel: int, states: int) -> None:
    options = parse(GibbsOptions, given)
    assert (options.parallel, options.states) == (parallel, states)


@pytest.mark.parametrize(("sweeps", "burnt"), [(1, 0), (2, 0), (3, 1), (20, 6), (100, 33)])
def test_a_third_is_burnt(sweeps: int, burnt: int) -> None:
    assert parse(GibbsOptions, {"sweeps": sweeps}).burnt == burnt
    assert parse(GibbsOptions, {"sweeps": sweeps, "burn_in": 0}).burnt == 0


def test_without_options_a_chain_is_one_text_of_gibbs_sampling() -> None:
    options = parse(GibbsOptions, {})
    assert options.draws
    assert (options.parallel, options.states) == (1, 1)
    assert options.burnt < options.sweeps
    assert (options.method, options.temperature, options.top_k) == ("gibbs", 0.8, 0)


@pytest.mark.parametrize(
    ("given", "each"),
    [
        ({}, 8),
        ({"num_candidates": 5}, 8),
        ({"sweeps": 4}, 3),
        ({"num_candidates": 5, "chains": 2}, 1),
        ({"num_candidates": 5, "chains": 2, "best_of": 4}, 4),
        ({"best_of": 1}, 1),
        ({"method": "mh"}, 1),
        ({"method": "anneal"}, 1),
    ],
    ids=str,
)
def test_a_text_is_the_best_of_so_many_states(given: dict[str, Any], each: int) -> None:
    assert parse(GibbsOptions, given).states_each == each


def test_a_chain_records_the_states_of_which_the_best_is_wanted() -> None:
    with pytest.raises(UsageError, match="5 states of each chain, and sweeps 6 record 4"):
        parse(GibbsOptions, {"sweeps": 6, "best_of": 5})
    with pytest.raises(UsageError, match="best_of needs method gibbs or mh"):
        parse(GibbsOptions, {"method": "anneal", "best_of": 2})
