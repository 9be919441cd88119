"""The decoding strategies over the network of LSTM layers find in a batch what they find alone."""

from __future__ import annotations

import pytest
from rnn import (
    EOS,
    L2R,
    LENGTHS,
    R2L,
    batch_of,
    greedily,
    make_network,
    make_source,
    text_scoring,
)

from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.search.beam import beam_search
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.decoding.stop import Stop
from textgen.models.families.rnn_title import RnnTitle
from textgen.models.scoring import sequence_logprobs


@pytest.fixture(scope="module")
def network() -> RnnTitle:
    return make_network()


@pytest.mark.parametrize("first", [L2R, R2L])
def test_greedy_is_a_beam_of_one(network: RnnTitle, first: int) -> None:
    batch = batch_of([make_source(length) for length in LENGTHS], first)
    beams = beam_search(network, batch, text_scoring(), BeamSearch(1, EOS, Length(12)))
    assert greedily(network, batch, 12) == [found[0].ids for found in beams]


def test_searches_find_in_a_batch_what_they_find_alone(network: RnnTitle) -> None:
    batch, stop = batch_of([make_source(length) for length in LENGTHS]), Stop(EOS, 9)
    searches = [
        lambda part: beam_search(network, part, text_scoring(), BeamSearch(4, EOS, Length(9))),
        lambda part: contrastive_search(
            network, part, text_scoring(), ContrastiveSearch(4, 0.6), lambda _, ids: stop.reason(ids)
        ),
    ]
    for search in searches:
        for row, pool in enumerate(search(batch)):
            alone = search(batch.part([row]))[0]
            assert [found.ids for found in alone] == [found.ids for found in pool]
            assert [found.score for found in alone] == pytest.approx([f.score for f in pool], abs=1e-4)


def test_beam_scores_are_what_scoring_finds(network: RnnTitle) -> None:
    source, scoring = make_source(25), text_scoring()
    (pool,) = beam_search(network, batch_of([source]), scoring, BeamSearch(4, EOS, Length(9)))
    targets = [[L2R, *found.ids] for found in pool]
    values = sequence_logprobs(network, source, targets, scoring.allowed)
    assert values.tolist() == pytest.approx([found.logprob for found in pool], abs=1e-4)
