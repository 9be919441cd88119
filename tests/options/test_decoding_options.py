"""Options of titles and continuations: what they mean, and a line for everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused_options

from textgen.options import ContinueOptions, DecodingOptions, Options, TitleOptions, parse


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


REFUSED: list[tuple[type[Options], dict[str, Any], str]] = [
    # out of range
    (ContinueOptions, {"top_p": 2}, "top_p 2"),
    (ContinueOptions, {"top_p": 0}, "top_p 0"),
    (ContinueOptions, {"top_p": float("nan")}, "top_p nan"),
    (ContinueOptions, {"typical_p": 1.5}, "typical_p 1.5"),
    (ContinueOptions, {"min_p": -0.1}, "min_p -0.1"),
    (ContinueOptions, {"temperature": 0}, "temperature 0"),
    (ContinueOptions, {"temperature": float("inf")}, "temperature inf"),
    (ContinueOptions, {"top_k": -1}, "top_k -1"),
    (ContinueOptions, {"max_new_tokens": 0}, "max_new_tokens 0"),
    (ContinueOptions, {"repetition_penalty": 0}, "repetition_penalty 0"),
    (ContinueOptions, {"no_repeat_ngram": -1}, "no_repeat_ngram -1"),
    (TitleOptions, {"beams": 0}, "beams 0"),
    (TitleOptions, {"beams": 1000}, "beams 1000"),
    (TitleOptions, {"num_candidates": 0}, "num_candidates 0"),
    (TitleOptions, {"num_candidates": 1.5}, "num_candidates 1.5"),
    (TitleOptions, {"seed": -1}, "seed -1"),
    (TitleOptions, {"seed": 2**63}, "seed 9223372036854775808"),
    (TitleOptions, {"batch_size": 0}, "batch_size 0"),
    # no such value
    (TitleOptions, {"decode": "bema"}, "decode bema"),
    (TitleOptions, {"decode": "be\nma"}, "decode be ma"),
    (TitleOptions, {"direction": "r2r"}, "direction r2r"),
    (TitleOptions, {"long": "tail"}, "long tail"),
    (ContinueOptions, {"end_at": "word"}, "end_at word"),
    (ContinueOptions, {"best_of": 4}, "best_of needs rank"),
    (ContinueOptions, {"rank": "logprob", "best_of": 1}, "best_of 1"),
    (
        ContinueOptions,
        {"rank": "logprob", "decode": "greedy"},
        "rank logprob needs decode sample, not greedy",
    ),
    (ContinueOptions, {"top_p": "viel"}, "top_p viel"),
    (ContinueOptions, {"top_p": None}, "top_p None"),
    (TitleOptions, {"max_new_tokens": [1]}, "max_new_tokens"),
    (ContinueOptions, {"epsilon_cutoff": 1}, "epsilon_cutoff 1"),
    (ContinueOptions, {"eta_cutoff": -0.1}, "eta_cutoff -0.1"),
    (ContinueOptions, {"presence_penalty": 11}, "presence_penalty 11"),
    (ContinueOptions, {"min_new_tokens": -1}, "min_new_tokens -1"),
    (TitleOptions, {"decode": "contrastive", "penalty_alpha": 1.1}, "penalty_alpha 1.1"),
    (TitleOptions, {"decode": "diverse", "diversity_penalty": -1}, "diversity_penalty -1"),
    (TitleOptions, {"length_norm": "google"}, "length_norm google"),
    (TitleOptions, {"rank": "best"}, "rank best"),
    (TitleOptions, {"keyword": ""}, "keyword"),
    (TitleOptions, {"keyword": [1]}, "keyword"),
    (TitleOptions, {"keyword": ["春\r天"]}, "keyword 春 天: must be a word, without line breaks"),
    (TitleOptions, {"keyword": 3}, "keyword 3: must be a word or a list of words"),
    (TitleOptions, {"keyword": "甲乙", "avoid": ["乙"]}, "甲乙 contains 乙, which is to be avoided"),
    (TitleOptions, {"keyword": "甲,乙", "avoid": ["乙"]}, "乙 is both wanted and to be avoided"),
    (TitleOptions, {"one_of": "a.txt"}, "one_of a.txt: must be a list of texts"),
    (TitleOptions, {"keyword": ["词", ""]}, "keyword"),
    (ContinueOptions, {"decode": "agree"}, "decode agree"),
    (ContinueOptions, {"decode": "bidirectional"}, "decode bidirectional"),
    # what excludes each other
    (
        TitleOptions,
        {"temperature": 0.7},
        "temperature needs decode sample or stochastic; the default is beam",
    ),
    (
        ContinueOptions,
        {"decode": "beam", "temperature": 1.0},
        "temperature needs decode sample or stochastic, not beam",
    ),
    (
        ContinueOptions,
        {"decode": "greedy", "top_p": 0.9},
        "top_p needs decode sample or stochastic, not greedy",
    ),
    (
        ContinueOptions,
        {"decode": "greedy", "top_k": 5},
        "top_k needs decode sample or stochastic or contrastive, not greedy",
    ),
    (TitleOptions, {"min_p": 0.1}, "min_p needs decode sample or stochastic; the default is beam"),
    (TitleOptions, {"typical_p": 0.9}, "typical_p needs decode sample or stochastic; the default is beam"),
    (TitleOptions, {"decode": "agree", "eta_cutoff": 0.1}, "eta_cutoff needs decode sample"),
    (
        ContinueOptions,
        {"beams": 3},
        "beams needs decode beam or diverse or stochastic; the default is sample",
    ),
    (ContinueOptions, {"length_penalty": 0}, "length_penalty needs decode beam or diverse; the"),
    (TitleOptions, {"decode": "greedy", "beams": 3}, "beams needs decode beam or diverse or"),
    (TitleOptions, {"groups": 2}, "groups needs decode diverse; the default is beam"),
    (TitleOptions, {"diversity_penalty": 1}, "diversity_penalty needs decode diverse; the default is beam"),
    (TitleOptions, {"penalty_alpha": 0.5}, "penalty_alpha needs decode contrastive; the default is beam"),
    (TitleOptions, {"interaction": False}, "interaction needs decode bidirectional; the default is beam"),
    (TitleOptions, {"decode": "sample", "keyword": "词"}, "keyword needs decode beam, not sample"),
    (TitleOptions, {"decode": "diverse", "ordered": True}, "ordered needs decode beam, not diverse"),
    (TitleOptions, {"keyword": "词", "one_of": ["词"]}, "one_of and keyword exclude each other"),
    (TitleOptions, {"avoid": "词", "one_of": ["词"]}, "one_of and avoid exclude each other"),
    (TitleOptions, {"no_repeat_ngram": 2, "one_of": ["词"]}, "one_of and no_repeat_ngram exclude"),
    (
        TitleOptions,
        {"decode": "greedy", "num_candidates": 2},
        "decode greedy finds one text: num_candidates 1",
    ),
    (TitleOptions, {"decode": "contrastive", "num_candidates": 2}, "decode contrastive finds one text"),
    (TitleOptions, {"num_candidates": 5, "beams": 4}, "num_candidates 5 is more than beams 4 can give"),
    (
        TitleOptions,
        {"decode": "stochastic", "num_candidates": 300},
        "num_candidates 300 is more than a beam can give",
    ),
    (TitleOptions, {"decode": "diverse", "groups": 3}, "groups 3 does not divide beams 4"),
    (TitleOptions, {"decode": "bidirectional", "beams": 5}, "decode bidirectional shares beams 5"),
    (TitleOptions, {"decode": "bidirectional", "direction": "r2l"}, "decode bidirectional writes in both"),
    (TitleOptions, {"decode": "agree", "rank": "mbr"}, "decode agree means rank agree, not mbr"),
    (TitleOptions, {"decode": "agree", "direction": "l2r"}, "decode agree writes in both directions"),
    (ContinueOptions, {"min_new_tokens": 120}, "min_new_tokens 120 and the end symbol are more than"),
    (
        ContinueOptions,
        {"decode": "beam", "end_at": "sentence"},
        "end_at sentence needs decode greedy or sample, not beam",
    ),
    (ContinueOptions, {"sweeps": 3}, "sweeps does not apply"),
    (ContinueOptions, {"length": "5"}, "length does not apply"),
    (TitleOptions, {"end_at": "any"}, "end_at does not apply"),
    (ContinueOptions, {"long": "head"}, "long does not apply"),
    (TitleOptions, {"tempreature": 1}, "tempreature does not apply"),
]


@pytest.mark.parametrize(
    ("kind", "given", "begin"), REFUSED, ids=[f"{kind.__name__} {given}" for kind, given, _ in REFUSED]
)
def test_refusals(kind: type[Options], given: dict[str, Any], begin: str) -> None:
    refused_options(kind, given, begin)


ACCEPTED: list[tuple[type[Options], dict[str, Any]]] = [
    (ContinueOptions, {"top_p": 1, "min_p": 1, "typical_p": 1, "temperature": 1e-3, "top_k": 1}),
    (ContinueOptions, {"decode": "greedy", "repetition_penalty": 1.2, "no_repeat_ngram": 3}),
    (ContinueOptions, {"num_candidates": 10_000}),
    (TitleOptions, {"beams": 1, "length_penalty": -0.5}),
    (TitleOptions, {"beams": 4, "num_candidates": 4}),
    (TitleOptions, {"decode": "sample", "num_candidates": 9, "temperature": 0.7}),
    (TitleOptions, {"seed": 0}),
    (TitleOptions, {"keyword": ("秋\u2028粮",)}),  # U+2028 ends no line
    (TitleOptions, {"decode": "stochastic", "temperature": 0.7, "top_p": 0.9, "beams": 6}),
    (TitleOptions, {"decode": "contrastive", "top_k": 5, "penalty_alpha": 0}),
    (TitleOptions, {"decode": "diverse", "beams": 6, "groups": 3, "diversity_penalty": 0}),
    (TitleOptions, {"keyword": ("秋粮", "收获"), "ordered": True, "avoid": ("县",), "no_repeat_ngram": 2}),
    (TitleOptions, {"decode": "agree", "direction": "both", "rank": "agree"}),
    (ContinueOptions, {"decode": "beam", "length_norm": "gnmt", "keyword": ("词",)}),
    (ContinueOptions, {"one_of": ("甲", "乙")}),
    (TitleOptions, {"seed": 2**63 - 1, "beams": 256}),
]


@pytest.mark.parametrize(("kind", "given"), ACCEPTED)
def test_accepted(kind: type[Options], given: dict[str, Any]) -> None:
    options = parse(kind, given)
    assert {name: getattr(options, name) for name in given} == given
    assert options.model_fields_set == set(given)


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
    assert parse(TitleOptions, given).width == width


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
