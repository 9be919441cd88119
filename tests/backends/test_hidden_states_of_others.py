"""Strategies that compare hidden states, with models of which these are not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_checkpoints import causal, encoder_decoder

import textgen
from textgen.errors import UsageError


@pytest.mark.parametrize(
    ("make", "options"),
    [(causal, {}), (causal, {"task": "title"}), (encoder_decoder, {})],
    ids=["samples", "titles by a prompt", "titles"],
)
def test_contrastive_search_needs_hidden_states(make: Any, options: dict[str, Any], tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    backend = textgen.load(str(folder), **options)
    written = {"decode": "contrastive", "max_new_tokens": 4}
    assert backend.generate("今日小雨", **written)[0].error is None
    backend.network.shows_hidden = False
    refusal = r"decode contrastive compares hidden states, and those of .*model are not known"
    with pytest.raises(UsageError, match=refusal):
        backend.generate("今日小雨", **written)
