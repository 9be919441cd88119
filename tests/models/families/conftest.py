"""Two streams of a small random network."""

from __future__ import annotations

import pytest
from two_streams_toy import FIRST, TYPES

from textgen.models.families.bert import Bert
from textgen.models.families.two_streams import TwoStreams
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior


@pytest.fixture(scope="module")
def unilm(tiny_bert: Bert, prior: CopyPrior) -> UniLM:
    return UniLM(tiny_bert, prior, TYPES).eval()


@pytest.fixture(scope="module")
def model(unilm: UniLM) -> TwoStreams:
    return TwoStreams(unilm, FIRST)
