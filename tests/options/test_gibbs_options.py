"""Options of chains: what they mean, and a line for everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused_options

from textgen.options import GibbsOptions, Options, parse

REFUSED: list[tuple[type[Options], dict[str, Any], str]] = [
    (GibbsOptions, {"sweeps": 0}, "sweeps 0"),
    (GibbsOptions, {"thin": 0}, "thin 0"),
    (GibbsOptions, {"burn_in": -1}, "burn_in -1"),
    # lengths
    (GibbsOptions, {"length": "24-12"}, "length 24-12: it ends below its beginning"),
    (GibbsOptions, {"length": "0-5"}, "length 0-5: should be greater than or equal to 1"),
    (GibbsOptions, {"length": 0}, "length 0: should be greater than or equal to 1"),
    (GibbsOptions, {"length": "12-"}, "length 12-: must be like 16 or 12-24"),
    (GibbsOptions, {"length": "-5"}, "length -5: must be like 16 or 12-24"),
    (GibbsOptions, {"length": "ten"}, "length ten: must be like 16 or 12-24"),
    (GibbsOptions, {"length": "3.5"}, "length 3.5: must be like 16 or 12-24"),
    (GibbsOptions, {"length": "5-6-7"}, "length 5-6-7: must be like 16 or 12-24"),
    (GibbsOptions, {"length": ""}, "length : must be like 16 or 12-24"),
    (GibbsOptions, {"length": [1, 2, 3]}, "length"),
    (GibbsOptions, {"length": ["a", 2]}, "length a"),
    (GibbsOptions, {"length": 2.5}, "length 2.5"),
    # chains that record nothing
    (GibbsOptions, {"burn_in": 20}, "burn_in 20 and thin 1 leave nothing of sweeps 20"),
    (GibbsOptions, {"sweeps": 3, "burn_in": 2, "thin": 2}, "burn_in 2 and thin 2 leave nothing"),
    (GibbsOptions, {"thin": 15}, "burn_in 6 and thin 15 leave nothing of sweeps 20"),
    (GibbsOptions, {"method": "mh", "thin": 15}, "burn_in 6 and thin 15 leave nothing of sweeps 20"),
    (
        GibbsOptions,
        {"num_candidates": 29, "chains": 2},
        "num_candidates 29 from chains 2 are 15 states of each, and sweeps 20 record 14",
    ),
    (
        GibbsOptions,
        {"num_candidates": 3, "chains": 1, "sweeps": 7, "burn_in": 2, "thin": 2},
        "num_candidates 3 from chains 1 are 3 states of each, and sweeps 7 record 2",
    ),
    # what a method or a scan does not take
    (GibbsOptions, {"method": "metropolis"}, "method metropolis"),
    (GibbsOptions, {"scan": "both"}, "scan both"),
    (GibbsOptions, {"scan": "block", "block": 0}, "block 0"),
    (GibbsOptions, {"block": 3}, "block needs scan block; the default is random"),
    (GibbsOptions, {"scan": "all", "block": 3}, "block needs scan block, not all"),
    (GibbsOptions, {"energy": "raw"}, "energy needs method mh or anneal; the default is gibbs"),
    (GibbsOptions, {"method": "mh", "energy": "free"}, "energy free"),
    (GibbsOptions, {"anneal": "1:0.3"}, "anneal needs method anneal; the default is gibbs"),
    (GibbsOptions, {"method": "mh", "anneal": "1:0.3"}, "anneal needs method anneal, not mh"),
    (GibbsOptions, {"method": "anneal", "thin": 1}, "thin needs method gibbs or mh, not anneal"),
    (
        GibbsOptions,
        {"method": "anneal", "num_candidates": 3, "chains": 2},
        "method anneal finds one text a chain: chains 2 is below num_candidates 3",
    ),
    (GibbsOptions, {"method": "anneal", "anneal": "0.3:1"}, "anneal 0.3:1: must not rise"),
    (GibbsOptions, {"method": "anneal", "anneal": "1:0"}, "anneal 1:0: should be"),
    (GibbsOptions, {"method": "anneal", "anneal": "1:-2"}, "anneal 1:-2: should be"),
    (GibbsOptions, {"method": "anneal", "anneal": "1:nan"}, "anneal 1:nan: should be"),
    (GibbsOptions, {"method": "anneal", "anneal": "inf:1"}, "anneal inf"),
    (GibbsOptions, {"method": "anneal", "anneal": "1:0.3:slow"}, "anneal 1:0.3:slow: should be"),
    (GibbsOptions, {"method": "anneal", "anneal": "1"}, "anneal 1: must be temperatures such as 1.0:0.3"),
    (GibbsOptions, {"method": "anneal", "anneal": ""}, "anneal : must be temperatures"),
    (GibbsOptions, {"method": "anneal", "anneal": "hot:cold"}, "anneal hot:cold: must be temperatures"),
    (GibbsOptions, {"method": "anneal", "anneal": "1:0.5:linear:2"}, "anneal 1:0.5:linear:2: must be"),
    (GibbsOptions, {"method": "anneal", "anneal": 1.0}, "anneal 1.0: must be temperatures"),
    (GibbsOptions, {"temperature": 0}, "temperature 0"),
    (GibbsOptions, {"top_k": -1}, "top_k -1"),
    (GibbsOptions, {"chains": 0}, "chains 0"),
    (GibbsOptions, {"keep": ""}, "keep"),
    (GibbsOptions, {"keep": 3}, "keep 3: must be a word or a list of words"),
    (GibbsOptions, {"keyword": "词"}, "keyword does not apply to bert models"),
    # what another model takes
    (GibbsOptions, {"top_p": 0.7}, "top_p does not apply to bert models"),
    (GibbsOptions, {"decode": "beam"}, "decode does not apply"),
]


@pytest.mark.parametrize(
    ("kind", "given", "begin"), REFUSED, ids=[f"{kind.__name__} {given}" for kind, given, _ in REFUSED]
)
def test_refusals(kind: type[Options], given: dict[str, Any], begin: str) -> None:
    refused_options(kind, given, begin)


ACCEPTED: list[tuple[type[Options], dict[str, Any]]] = [
    (GibbsOptions, {"burn_in": 0}),
    (GibbsOptions, {"burn_in": 19}),
    (GibbsOptions, {"sweeps": 1}),
    (GibbsOptions, {"sweeps": 3, "burn_in": 1, "thin": 2}),
    (GibbsOptions, {"method": "mh", "energy": "local", "scan": "block", "block": 1, "thin": 3}),
    (GibbsOptions, {"method": "anneal", "energy": "raw", "num_candidates": 2, "chains": 2}),
    (GibbsOptions, {"temperature": 0.7, "top_k": 100, "scan": "sequential", "keep": ("词", "Linux")}),
    (GibbsOptions, {"num_candidates": 28, "chains": 2}),
    (GibbsOptions, {"num_candidates": 2, "chains": 9}),
]


@pytest.mark.parametrize(("kind", "given"), ACCEPTED)
def test_accepted(kind: type[Options], given: dict[str, Any]) -> None:
    options = parse(kind, given)
    assert {name: getattr(options, name) for name in given} == given
    assert options.model_fields_set == set(given)


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


def test_without_options_a_chain_is_one_text_of_plain_gibbs_sampling() -> None:
    options = parse(GibbsOptions, {})
    assert options.draws
    assert (options.parallel, options.states) == (1, 1)
    assert options.burnt < options.sweeps
    assert (options.method, options.temperature, options.top_k) == ("gibbs", 1, 0), "the model's distribution"
