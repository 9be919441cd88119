"""Values and combinations of options that are accepted, and a line for every one that is refused."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused_options

from textgen.options import ContinueOptions, GibbsOptions, Options, TitleOptions, parse

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
    (TitleOptions, {"avoid_file": ["词"], "one_of": ["词"]}, "one_of and avoid_file exclude each other"),
    (TitleOptions, {"keyword_file": ["词"], "one_of": ["词"]}, "one_of and keyword_file exclude each other"),
    (
        TitleOptions,
        {"keyword_file": ["词"], "decode": "sample"},
        "keyword_file needs decode beam, not sample",
    ),
    (TitleOptions, {"keyword": "词", "avoid_file": ["词"]}, "词 is both wanted and to be avoided"),
    (TitleOptions, {"keyword_file": ["好词"], "avoid": "词"}, "好词 contains 词, which is to be avoided"),
    (TitleOptions, {"avoid_file": "a.txt"}, "avoid_file a.txt: must be a list of texts"),
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
    (GibbsOptions, {"sweeps": 0}, "sweeps 0"),
    (GibbsOptions, {"thin": 0}, "thin 0"),
    (GibbsOptions, {"burn_in": -1}, "burn_in -1"),
    # lengths
    (GibbsOptions, {"length": "24-12"}, "length 24-12: it ends below its beginning"),
    (GibbsOptions, {"length": "0-5"}, "length 0-5: should be at least 1"),
    (GibbsOptions, {"length": 0}, "length 0: should be at least 1"),
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


@pytest.mark.parametrize(
    ("kind", "given", "begin"), REFUSED, ids=[f"{kind.__name__} {given}" for kind, given, _ in REFUSED]
)
def test_refusals(kind: type[Options], given: dict[str, Any], begin: str) -> None:
    refused_options(kind, given, begin)


@pytest.mark.parametrize(("kind", "given"), ACCEPTED)
def test_accepted(kind: type[Options], given: dict[str, Any]) -> None:
    options = parse(kind, given)
    assert {name: getattr(options, name) for name in given} == given
    assert options.model_fields_set == set(given)
