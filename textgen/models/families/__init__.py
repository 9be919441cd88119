"""The table of model families: textgen's own, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from textgen.models.families.bert_family import BERT
from textgen.models.families.gpt2_family import GPT2
from textgen.models.families.rnn_title_family import RNN_TITLE
from textgen.models.families.title_scorer_family import TITLE_SCORER
from textgen.models.families.unilm_family import UNILM
from textgen.models.family import Family
from textgen.plugins import with_installed

GROUP = "textgen.families"  # of the entry points
OWN = {family.name: family for family in (GPT2, BERT, UNILM, RNN_TITLE, TITLE_SCORER)}


def family_of(name: str) -> Family:
    """The family of a name; one that has no network, if there is none."""
    return OWN.get(name) or installed().get(name) or Family(name)


def family_for(config: Mapping[str, Any]) -> Family:
    """The family of the model that a config.json with a `model_type` describes."""
    known = _fitting(OWN.values(), config) or _fitting(installed().values(), config)
    return known or Family(config["model_type"])


@cache
def installed() -> Mapping[str, Family]:
    """The families that other packages bring; looked for once, and only where textgen's own do not do."""
    found = with_installed(GROUP, OWN, Family)
    return {family.name: family for name, family in found.items() if name not in OWN}


def _fitting(families: Iterable[Family], config: Mapping[str, Any]) -> Family | None:
    fitting = [family for family in families if family.fits(config)]
    # a marker tells a family from another of its model_type
    return max(fitting, key=lambda family: family.marker is not None, default=None)
