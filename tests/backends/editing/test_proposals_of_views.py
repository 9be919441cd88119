"""A model proposes tokens by the view that its network offers, whatever its class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from textgen.backends.editing.proposals import proposer_of
from textgen.errors import UsageError
from textgen.mcmc.cgmh.contexts import ForwardContext, MaskedContext, TwoWayContext
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel
from textgen.tokenizers.base import ABSENT

WRITES = ["vocab_size", "start", "step", "extend", "read", "hidden", "head"]
SPECIALS = SimpleNamespace(cls=1, sep=2, mask=3, bos=4, l2r=5, r2l=6)


def model(*offers: str) -> Any:
    """A model whose network offers these attributes and no others."""
    network = Mock(spec=list(offers), positions=64)
    if "source_room" in offers:
        network.source_room.return_value = 50
    tokenizer = SimpleNamespace(specials=SPECIALS, vocabulary=SimpleNamespace(newline=7))
    return SimpleNamespace(
        network=network, tokenizer=tokenizer, label="toy", files=SimpleNamespace(kind="toy")
    )


def test_a_masked_language_model_sees_both_sides() -> None:
    toy = model("vocab_size", "masked_logits", "positions", "encode")
    assert isinstance(toy.network, MaskedLanguageModel)
    proposer = proposer_of(toy)
    assert proposer.model == MaskedContext(toy.network, 1, 2, 3)
    assert proposer.longest == 64


def test_a_title_model_writes_towards_the_place_from_both_ends() -> None:
    toy = model(*WRITES, "two_way", "source_room", "positions")
    assert isinstance(toy.network, TitleModel)
    one, other = ForwardContext(toy.network, [1, 2], [5]), ForwardContext(toy.network, [1, 2], [6])
    proposer = proposer_of(toy)
    assert proposer.model == TwoWayContext(one, other)
    assert proposer.longest == 48  # without the frame of the empty article


def test_a_language_model_sees_the_left_side() -> None:
    toy = model(*WRITES, "positions")
    assert isinstance(toy.network, LanguageModel)
    assert proposer_of(toy).model == ForwardContext(toy.network, [], [4, 7])


def test_a_vocabulary_without_a_line_break_begins_texts_behind_the_start_symbol_alone() -> None:
    toy = model(*WRITES, "positions")
    toy.tokenizer.vocabulary.newline = ABSENT
    assert proposer_of(toy).model == ForwardContext(toy.network, [], [4])


def test_what_offers_no_view_of_these_proposes_nothing() -> None:
    with pytest.raises(UsageError, match="a toy model proposes nothing"):
        proposer_of(model("score", "positions"))
