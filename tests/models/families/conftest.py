"""Two streams of a small random network."""

from __future__ import annotations

import pytest
from two_streams_toy import FIRST, TYPES

from textgen.models.families.bert import Bert
from textgen.models.families.two_streams import TwoStreams
from textgen.models.families.unilm import UniLM
from textgen.models.layers import cache
from textgen.models.layers.copy_prior import CopyPrior


@pytest.fixture(autouse=True, params=["copied", "shared"])
def prefixes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test with sources that are copied to the rows behind them, and with such that rows share."""
    monkeypatch.setattr(cache, "SHORT", 64 if request.param == "copied" else 0)


@pytest.fixture(scope="module")
def unilm(tiny_bert: Bert, prior: CopyPrior) -> UniLM:
    return UniLM(tiny_bert, prior, TYPES).eval()


@pytest.fixture(scope="module")
def model(unilm: UniLM) -> TwoStreams:
    return TwoStreams(unilm, FIRST)
