"""What holds of all options: frozen, of text that is Unicode, and told where they are unknown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from textgen.cli.generate import Printing
from textgen.errors import UsageError
from textgen.options import (
    ComposeOptions,
    ContinueOptions,
    GibbsOptions,
    InputOptions,
    Options,
    RunOptions,
    TitleOptions,
    parse,
)
from textgen.options.train_texts import Gpt2TrainOptions

KINDS = [TitleOptions, ContinueOptions, GibbsOptions]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (TitleOptions, {"avoid": ["好", "\udcff"]}),
        (TitleOptions, {"keyword": "\ud800好"}),
        (TitleOptions, {"one_of": ("好", "坏\udfff")}),
        (TitleOptions, {"decode": "\udcff"}),
        (TitleOptions, {"seed": "\udcff"}),
        (ContinueOptions, {"style": "\udcff"}),
        (InputOptions, {"id_field": "\udcff"}),
        (ComposeOptions, {"weight": {"\udcff": 1.0}}),
    ],
)
def test_text_that_is_no_unicode_is_refused_wherever_it_stands(kind: Any, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(kind, given)
    assert caught.value.line.startswith(f"{min(given)}: text has a lone surrogate (U+D")
    caught.value.line.encode()


def test_an_unknown_option_is_told_what_there_is() -> None:
    for given, hint in [
        ({"beams": 1}, "it takes best_of, batch_size, quotes, chains, anneal and 16 others"),
        ({"numcandidates": 1}, "did you mean num_candidates?"),
        ({"tops_k": 1}, "did you mean top_k?"),
    ]:
        with pytest.raises(UsageError) as caught:
            parse(GibbsOptions, given)
        assert caught.value.hint == hint
    with pytest.raises(UsageError) as caught:
        parse(TitleOptions, {"no_checks": True})
    assert caught.value.hint == "write checks = false"
    with pytest.raises(UsageError) as caught:
        parse(Printing, {"beams": 1})
    assert caught.value.hint == "it takes as_json, quiet"


@pytest.mark.parametrize(
    ("kind", "given", "line"),
    [
        (GibbsOptions, {"length": "3-2"}, "length 3-2: it ends below its beginning"),
        (RunOptions, {"shard": "4/3"}, "shard 4/3: there is no part 4 of 3"),
        (
            ContinueOptions,
            {"decode": "foo"},
            "decode foo: should be one of greedy, sample, beam, diverse, stochastic, contrastive",
        ),
        (TitleOptions, {"decode": "fo\no"}, "decode fo o: should be one of greedy, sample, beam, diverse,"),
    ],
)
def test_one_wrong_value_leads_to_its_own_help(kind: Any, given: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(kind, given)
    assert caught.value.line.startswith(line)
    assert caught.value.hint == f"see help for {min(given)}"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"decode": "beam", "temperature": 0.5}, "temperature needs decode sample or stochastic, not beam"),
        ({"beams": 2}, "beams needs decode beam or diverse or stochastic; the default is sample"),
        ({"decode": "beam", "rank": "blend"}, "rank blend needs decode sample, not beam"),
    ],
)
def test_a_value_that_was_not_given_is_told_to_be_the_default(given: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(ContinueOptions, given)
    assert caught.value.line == f"{line} (see help for what goes together)"


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_frozen(kind: type[Options]) -> None:
    with pytest.raises(ValidationError):
        parse(kind, {}).seed = 1


def test_a_value_is_shown_as_it_was_given() -> None:
    with pytest.raises(UsageError) as caught:
        parse(Gpt2TrainOptions, {"start": "{@lora}", "tokenizer": "zh"})
    assert caught.value.line == (
        "start {@lora} comes with its tokenizer: leave out tokenizer (see help for what goes together)"
    )
    assert caught.value.line.spelled(str.upper).startswith("START {@lora} comes")
