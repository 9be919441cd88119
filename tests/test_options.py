"""Options: their defaults, and a line that names the flag for everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from textgen.errors import UsageError
from textgen.options import ContinueOptions, DecodingOptions, GibbsOptions, Options, TitleOptions, flag, parse

KINDS = [TitleOptions, ContinueOptions, GibbsOptions]


def test_title_defaults() -> None:
    options = parse(TitleOptions, {})
    assert options.model_dump() == {
        "num_candidates": 1,
        "seed": None,
        "batch_size": 16,
        "decode": "beam",
        "max_new_tokens": 46,
        "beams": None,
        "length_penalty": 1.0,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "typical_p": 1.0,
        "repetition_penalty": 1.0,
        "no_repeat_ngram": 0,
        "direction": "l2r",
        "long": "head",
        "skip_first_line": False,
        "keep_layout": False,
    }
    assert options.width == 4
    assert not options.draws


def test_continue_defaults() -> None:
    options = parse(ContinueOptions, {})
    assert options.model_dump() == {
        "num_candidates": 1,
        "seed": None,
        "batch_size": 16,
        "decode": "sample",
        "max_new_tokens": 120,
        "beams": None,
        "length_penalty": 1.0,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 0.95,
        "min_p": 0.0,
        "typical_p": 1.0,
        "repetition_penalty": 1.0,
        "no_repeat_ngram": 0,
        "end_at": "any",
    }
    assert options.draws


def test_gibbs_defaults() -> None:
    options = parse(GibbsOptions, {})
    assert options.model_dump() == {
        "num_candidates": 1,
        "seed": None,
        "batch_size": 16,
        "length": (12, 24),
        "sweeps": 20,
        "burn_in": None,
        "thin": 1,
    }
    assert options.burnt == 6
    assert options.draws


REFUSED: list[tuple[type[Options], dict[str, Any], str]] = [
    # out of range
    (ContinueOptions, {"top_p": 2}, "--top-p 2"),
    (ContinueOptions, {"top_p": 0}, "--top-p 0"),
    (ContinueOptions, {"top_p": float("nan")}, "--top-p nan"),
    (ContinueOptions, {"typical_p": 1.5}, "--typical-p 1.5"),
    (ContinueOptions, {"min_p": -0.1}, "--min-p -0.1"),
    (ContinueOptions, {"temperature": 0}, "--temperature 0"),
    (ContinueOptions, {"temperature": float("inf")}, "--temperature inf"),
    (ContinueOptions, {"top_k": -1}, "--top-k -1"),
    (ContinueOptions, {"max_new_tokens": 0}, "--max-new-tokens 0"),
    (ContinueOptions, {"repetition_penalty": 0}, "--repetition-penalty 0"),
    (ContinueOptions, {"no_repeat_ngram": -1}, "--no-repeat-ngram -1"),
    (TitleOptions, {"beams": 0}, "--beams 0"),
    (TitleOptions, {"beams": 1000}, "--beams 1000"),
    (TitleOptions, {"num_candidates": 0}, "-n 0"),
    (TitleOptions, {"num_candidates": 1.5}, "-n 1.5"),
    (TitleOptions, {"seed": -1}, "--seed -1"),
    (TitleOptions, {"seed": 2**63}, "--seed 9223372036854775808"),
    (TitleOptions, {"batch_size": 0}, "--batch-size 0"),
    (GibbsOptions, {"sweeps": 0}, "--sweeps 0"),
    (GibbsOptions, {"thin": 0}, "--thin 0"),
    (GibbsOptions, {"burn_in": -1}, "--burn-in -1"),
    # no such value
    (TitleOptions, {"decode": "bema"}, "--decode bema"),
    (TitleOptions, {"decode": "be\nma"}, "--decode be ma"),
    (TitleOptions, {"direction": "r2r"}, "--direction r2r"),
    (TitleOptions, {"long": "tail"}, "--long tail"),
    (ContinueOptions, {"end_at": "word"}, "--end-at word"),
    (ContinueOptions, {"top_p": "viel"}, "--top-p viel"),
    (ContinueOptions, {"top_p": None}, "--top-p None"),
    (TitleOptions, {"max_new_tokens": [1]}, "--max-new-tokens"),
    # what excludes each other
    (TitleOptions, {"temperature": 0.7}, "--temperature needs --decode sample, not beam"),
    (
        ContinueOptions,
        {"decode": "beam", "temperature": 1.0},
        "--temperature needs --decode sample, not beam",
    ),
    (ContinueOptions, {"decode": "greedy", "top_p": 0.9}, "--top-p needs --decode sample, not greedy"),
    (ContinueOptions, {"decode": "greedy", "top_k": 5}, "--top-k needs --decode sample, not greedy"),
    (TitleOptions, {"min_p": 0.1}, "--min-p needs --decode sample, not beam"),
    (TitleOptions, {"typical_p": 0.9}, "--typical-p needs --decode sample, not beam"),
    (ContinueOptions, {"beams": 3}, "--beams needs --decode beam, not sample"),
    (ContinueOptions, {"length_penalty": 0}, "--length-penalty needs --decode beam, not sample"),
    (TitleOptions, {"decode": "greedy", "beams": 3}, "--beams needs --decode beam, not greedy"),
    (TitleOptions, {"decode": "greedy", "num_candidates": 2}, "--decode greedy finds one text: -n 1"),
    (TitleOptions, {"num_candidates": 5, "beams": 4}, "-n 5 is more than --beams 4 can give"),
    # lengths
    (GibbsOptions, {"length": "24-12"}, "--length 24-12 is not a range"),
    (GibbsOptions, {"length": "0-5"}, "--length 0-5 is not a range"),
    (GibbsOptions, {"length": 0}, "--length 0-0 is not a range"),
    (GibbsOptions, {"length": "12-"}, "--length 12-: must be a length such as 16"),
    (GibbsOptions, {"length": "-5"}, "--length -5: must be a length such as 16"),
    (GibbsOptions, {"length": "ten"}, "--length ten: must be a length such as 16"),
    (GibbsOptions, {"length": "3.5"}, "--length 3.5: must be a length such as 16"),
    (GibbsOptions, {"length": "5-6-7"}, "--length 5-6-7: must be a length such as 16"),
    (GibbsOptions, {"length": ""}, "--length : must be a length such as 16"),
    (GibbsOptions, {"length": [1, 2, 3]}, "--length"),
    (GibbsOptions, {"length": ["a", 2]}, "--length a"),
    (GibbsOptions, {"length": 2.5}, "--length 2.5"),
    # chains that record nothing
    (GibbsOptions, {"burn_in": 20}, "--burn-in 20 and --thin 1 leave nothing of --sweeps 20"),
    (GibbsOptions, {"sweeps": 3, "burn_in": 2, "thin": 2}, "--burn-in 2 and --thin 2 leave nothing"),
    (GibbsOptions, {"thin": 15}, "--burn-in 6 and --thin 15 leave nothing of --sweeps 20"),
    # what another model takes
    (GibbsOptions, {"temperature": 0.7}, "--temperature does not apply to bert models"),
    (GibbsOptions, {"decode": "beam"}, "--decode does not apply"),
    (ContinueOptions, {"sweeps": 3}, "--sweeps does not apply"),
    (ContinueOptions, {"length": "5"}, "--length does not apply"),
    (TitleOptions, {"end_at": "any"}, "--end-at does not apply"),
    (ContinueOptions, {"long": "head"}, "--long does not apply"),
    (TitleOptions, {"tempreature": 1}, "--tempreature does not apply"),
]


@pytest.mark.parametrize(
    ("kind", "given", "begin"), REFUSED, ids=[f"{kind.__name__} {given}" for kind, given, _ in REFUSED]
)
def test_refusals(kind: type[Options], given: dict[str, Any], begin: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(kind, given, user="bert models")
    error = caught.value
    assert error.message.startswith(begin)
    assert error.exit_code == 2
    assert error.hint
    for line in (error.message, error.hint):
        assert len(line.splitlines()) == 1
        assert "pydantic" not in line
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_an_unknown_option_is_told_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        parse(GibbsOptions, {"temperature": 1})
    assert caught.value.hint == "it takes -n, --seed, --batch-size, --length, --sweeps, --burn-in, --thin"


ACCEPTED: list[tuple[type[Options], dict[str, Any]]] = [
    (ContinueOptions, {"top_p": 1, "min_p": 1, "typical_p": 1, "temperature": 1e-3, "top_k": 1}),
    (ContinueOptions, {"decode": "greedy", "repetition_penalty": 1.2, "no_repeat_ngram": 3}),
    (ContinueOptions, {"num_candidates": 10_000}),
    (TitleOptions, {"beams": 1, "length_penalty": -0.5}),
    (TitleOptions, {"beams": 4, "num_candidates": 4}),
    (TitleOptions, {"decode": "sample", "num_candidates": 9, "temperature": 0.7}),
    (TitleOptions, {"seed": 0}),
    (TitleOptions, {"seed": 2**63 - 1, "beams": 256}),
    (GibbsOptions, {"burn_in": 0}),
    (GibbsOptions, {"burn_in": 19}),
    (GibbsOptions, {"sweeps": 1}),
    (GibbsOptions, {"sweeps": 3, "burn_in": 1, "thin": 2}),
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


@pytest.mark.parametrize(("sweeps", "burnt"), [(1, 0), (2, 0), (3, 1), (20, 6), (100, 33)])
def test_a_third_is_burnt(sweeps: int, burnt: int) -> None:
    assert parse(GibbsOptions, {"sweeps": sweeps}).burnt == burnt
    assert parse(GibbsOptions, {"sweeps": sweeps, "burn_in": 0}).burnt == 0


@pytest.mark.parametrize(
    ("given", "width"),
    [({}, 4), ({"num_candidates": 3}, 4), ({"num_candidates": 7}, 7), ({"beams": 2}, 2), ({"beams": 9}, 9)],
)
def test_the_beam_is_as_wide_as_it_must(given: dict[str, int], width: int) -> None:
    assert parse(TitleOptions, given).width == width


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_frozen(kind: type[Options]) -> None:
    with pytest.raises(ValidationError):
        parse(kind, {}).seed = 1


@pytest.mark.parametrize(("decode", "draws"), [("greedy", False), ("beam", False), ("sample", True)])
def test_who_draws(decode: str, draws: bool) -> None:
    for kind in (TitleOptions, ContinueOptions, DecodingOptions):
        assert parse(kind, {"decode": decode}).draws is draws


def test_flags() -> None:
    assert [flag(name) for name in ("num_candidates", "length", "top_p", "no_repeat_ngram")] == [
        "-n",
        "--length",
        "--top-p",
        "--no-repeat-ngram",
    ]
