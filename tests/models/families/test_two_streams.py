"""Two streams of one network: the cache against re-encoding, and partners that change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from fakes import everything
from torch import Tensor, nn
from transformers import BertForMaskedLM
from two_streams_toy import FIRST, L2R, R2L, TOLERANCE, VOCAB, make_source, whole

from textgen.choice.scoring import LaneScoring, Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch
from textgen.decoding.search.beam import beam_search
from textgen.models.families.bert import Bert
from textgen.models.families.two_streams import StreamState, TwoStreams
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior


def make_streams(rows: int, steps: int, seed: int) -> Tensor:
    """`(rows, 2, steps)`, each stream behind its direction token."""
    streams = torch.randint(9, VOCAB, (rows, 2, steps), generator=torch.Generator().manual_seed(500 + seed))
    streams[:, :, 0] = torch.tensor(FIRST)
    return streams


@pytest.fixture(scope="module")
def silent(unilm: UniLM) -> TwoStreams:
    return TwoStreams(unilm, FIRST, interaction=False)


def stepped(model: TwoStreams, sources: list[list[int]], streams: Tensor) -> Tensor:
    """Logits `(rows, 2, steps, vocab)`, one cached step after the other."""
    state = model.start(sources)
    steps = [model.step(state, tokens.reshape(-1)) for tokens in streams.unbind(2)]
    return torch.stack([logits.view(len(sources), 2, -1) for logits in steps], 2)


def reencoded(
    theirs: nn.Module, prior: CopyPrior, source: list[int], streams: Tensor, *, interaction: bool
) -> Tensor:
    """Logits `(2, steps, vocab)` of transformers' network by one forward under a mask made by hand."""
    size, steps = len(source), streams.shape[1]
    places = [(0, at) for at in range(size)] + [(s, at) for s in (1, 2) for at in range(steps)]
    seen = [[t == 0 or (s != 0 and j <= i and (s == t or interaction)) for t, j in places] for s, i in places]
    additive = (1.0 - torch.tensor(seen).float()) * torch.finfo(torch.float32).min
    positions = [at if s == 0 else size + at for s, at in places]
    logits = theirs(
        input_ids=torch.tensor([[*source, *streams.flatten().tolist()]]),
        token_type_ids=torch.tensor([[s for s, _ in places]]),
        position_ids=torch.tensor([positions]),
        attention_mask=additive[None, None],
    ).logits[0, size:]
    chi = torch.zeros(prior.a.shape)
    chi[[piece for piece in source if piece > 8]] = 1.0
    return ((logits + prior.a.exp() * chi + prior.t) / 2).view(2, steps, -1)


@pytest.mark.parametrize("interaction", [True, False])
@pytest.mark.parametrize("length", [2, 15, 17, 40])
def test_equals_transformers_under_the_same_mask(
    unilm: UniLM, their_bert: BertForMaskedLM, length: int, interaction: bool
) -> None:
    model = TwoStreams(unilm, FIRST, interaction=interaction)
    source, streams = make_source(length, seed=length), make_streams(1, 18, seed=length)
    expected = reencoded(their_bert, unilm.prior, source, streams[0], interaction=interaction)
    other = reencoded(their_bert, unilm.prior, source, streams[0], interaction=not interaction)
    assert (expected - other).abs().max() > 0.1
    torch.testing.assert_close(whole(model, [source], streams)[0], expected, **TOLERANCE)
    torch.testing.assert_close(stepped(model, [source], streams)[0], expected, **TOLERANCE)


@pytest.mark.parametrize("interaction", [True, False])
def test_cached_steps_equal_the_whole_mask(unilm: UniLM, interaction: bool) -> None:
    """Over sources of different length, and past the length by which the cache grows."""
    model = TwoStreams(unilm, FIRST, interaction=interaction)
    sources = [make_source(length, seed=length) for length in (20, 30, 17)]
    streams = make_streams(3, 35, seed=1)
    found = whole(model, sources, streams)
    assert found.shape == (3, 2, 35, VOCAB)
    torch.testing.assert_close(stepped(model, sources, streams), found, **TOLERANCE)


@pytest.mark.parametrize("interaction", [True, False])
@pytest.mark.parametrize("compute", [stepped, whole], ids=["cached", "whole"])
def test_a_piece_changes_what_comes_behind_it_in_both_streams_and_nothing_else(
    unilm: UniLM, compute: Callable[[TwoStreams, list[list[int]], Tensor], Tensor], interaction: bool
) -> None:
    model, steps = TwoStreams(unilm, FIRST, interaction=interaction), 7
    source, streams = make_source(9, seed=2), make_streams(1, steps, seed=2)
    before = compute(model, [source], streams)[0]
    for stream in (0, 1):
        for step in range(steps):
            other = streams.clone()
            other[0, stream, step] = 9 + (int(streams[0, stream, step]) - 8) % 92
            after = compute(model, [source], other)[0]
            moved = (after != before).any(-1)
            wanted = (torch.arange(steps) >= step).repeat(2, 1)
            wanted[1 - stream] &= interaction
            assert torch.equal(moved, wanted), (stream, step)


def test_the_gradient_has_the_support_of_the_mask(unilm: UniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """d logit (s, n) / d input (t, j) is not zero iff j <= n, whatever s and t."""
    steps, inputs = 5, []
    embed = unilm.network.embed

    def kept(ids: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        inputs.append(embed(ids, positions, types).requires_grad_())
        return inputs[-1]

    monkeypatch.setattr(unilm.network, "embed", kept)
    logits = whole(TwoStreams(unilm, FIRST), [make_source(16, seed=3)], make_streams(1, steps, seed=3))[0]
    for stream in (0, 1):
        for step in range(steps):
            (gradient,) = torch.autograd.grad(logits[stream, step, 20], inputs[0], retain_graph=True)
            depends = (gradient[0] != 0).any(-1)
            assert depends[:16].all()
            assert torch.equal(depends[16:].view(2, -1), (torch.arange(steps) <= step).repeat(2, 1))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("beams", [1, 3])
def test_silenced_it_has_the_bits_of_two_ordinary_decoders(
    unilm: UniLM, silent: TwoStreams, beams: int
) -> None:
    sources = [make_source(length, seed=length) for length in (20, 30)]
    generator = torch.Generator().manual_seed(4)
    state = silent.start(sources)
    directions = [unilm.start(sources), unilm.start(sources)]
    tokens = torch.tensor(FIRST).repeat(2).view(2, 2)
    for step in range(18):
        found = silent.step(state, tokens.reshape(-1)).view(2, 2, -1, VOCAB)
        for lane, own in enumerate(directions):
            alone = unilm.step(own, tokens.view(2, 2, -1)[:, lane].reshape(-1))
            assert torch.equal(found[:, lane].reshape(-1, VOCAB), alone), (step, lane)
        if not step:
            state, directions = state.repeat(beams), [own.repeat(beams) for own in directions]
        order = torch.randint(0, beams, (4, beams), generator=generator)
        state = state.select((order + torch.arange(4)[:, None] * beams).view(-1))
        for lane, own in enumerate(directions):
            rows = order.view(2, 2, beams)[:, lane] + torch.arange(2)[:, None] * beams
            directions[lane] = own.select(rows.view(-1))
        tokens = torch.randint(9, VOCAB, (2, 2, beams), generator=generator)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("interaction", [True, False])
def test_streams_that_change_places_with_their_types_change_logits(unilm: UniLM, interaction: bool) -> None:
    sources = [make_source(length, seed=length) for length in (20, 30)]
    streams = make_streams(2, 12, seed=5)
    here = TwoStreams(unilm, FIRST, interaction=interaction)
    there = TwoStreams(unilm, (R2L, L2R), interaction=interaction)
    swapped = streams.flip(1)
    assert torch.equal(stepped(there, sources, swapped).flip(1), stepped(here, sources, streams))
    torch.testing.assert_close(
        whole(there, sources, swapped).flip(1), whole(here, sources, streams), atol=1e-5, rtol=0.0
    )
    # the tokens alone are not enough: the types tell the streams apart
    assert (stepped(here, sources, swapped).flip(1) - stepped(here, sources, streams)).abs().max() > 0.1


def test_equal_streams_of_equal_type_are_told_apart_by_nothing(tiny_bert: Bert) -> None:
    same = TwoStreams(UniLM(tiny_bert, CopyPrior(VOCAB).requires_grad_(False), {L2R: 1, R2L: 1}), FIRST)
    streams = make_streams(1, 6, seed=6)
    streams[:, 1] = streams[:, 0]
    logits = stepped(same, [make_source(12, seed=6)], streams)
    torch.testing.assert_close(logits[:, 0], logits[:, 1], atol=1e-5, rtol=0.0)
    silenced = TwoStreams(same.model, FIRST, interaction=False)
    assert not torch.equal(stepped(silenced, [make_source(12, seed=6)], streams), logits)


def test_partners_by_rank() -> None:
    def state(groups: int, size: int) -> StreamState:
        return StreamState([], torch.zeros(0), torch.ones(groups, dtype=torch.long), size)

    assert state(1, 2).partners().tolist() == [1, 0]
    assert state(2, 2).partners().tolist() == [1, 0, 3, 2]
    assert state(2, 6).partners().tolist() == [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("freeze", [False, True])
def test_sources_have_the_bits_of_each_alone(model: TwoStreams, freeze: bool) -> None:
    """Through copies and reorderings, and when the sources in between have gone."""
    sources = [make_source(length, seed=length) for length in (17, 32, 25, 18)]
    generator = torch.Generator().manual_seed(12)
    together, alone = model.start(sources), [model.start([source]) for source in sources]
    groups = [0, 1, 2, 3]
    tokens = torch.tensor(FIRST).repeat(4, 1)
    for step in range(20):
        found = model.step(together, tokens.view(-1)).view(len(groups), -1, VOCAB)
        for number, group in enumerate(groups):
            assert torch.equal(model.step(alone[group], tokens[number]), found[number]), (step, group)
        if not step:
            together, alone = together.repeat(2), [state.repeat(2) for state in alone]
        order = torch.randint(0, 2, (len(groups), 4), generator=generator)
        order += torch.tensor([0, 0, 2, 2])
        together = together.select((order + 4 * torch.arange(len(groups))[:, None]).view(-1))
        for number, group in enumerate(groups):
            alone[group] = alone[group].select(order[number])
        if freeze and step == 2:  # one stream of one source
            rows = torch.tensor([group == 2 and row > 1 for group in groups for row in range(4)])
            together.freeze(rows)
            alone[2].freeze(torch.arange(4) > 1)
        if step in (4, 7):
            kept = [3, 0, 2] if step == 4 else [2]
            together = together.select(
                torch.tensor([4 * groups.index(group) + row for group in kept for row in range(4)])
            )
            groups = kept
        tokens = torch.randint(9, VOCAB, (len(groups), 4), generator=generator)


def test_a_beam_writes_in_both_directions_side_by_side_what_it_writes_in_each(unilm: UniLM) -> None:
    sources = [make_source(length, seed=length) for length in (5, 9, 14)]
    eos, vocab = 2, unilm.vocab_size
    search = BeamSearch(3, eos, Length(7))
    scorings = [Scoring(everything(vocab)), Scoring(everything(vocab) & (torch.arange(vocab) != 11))]
    single = [
        beam_search(unilm, Batch(sources, [first] * 3, [[]] * 3), scoring, search)
        for first, scoring in zip(FIRST, scorings, strict=True)
    ]
    model = TwoStreams(unilm, FIRST, interaction=False)
    both = beam_search(model, Batch(sources, FIRST * 3, [[]] * 3), LaneScoring(scorings, 3), search)
    for number, pool in enumerate(both):
        for lane, alone in enumerate(single):
            found = [one for one in pool if one.lane == lane]
            assert [one.ids for one in found] == [one.ids for one in alone[number]]
            assert [one.total for one in found] == pytest.approx(
                [one.total for one in alone[number]], abs=1e-4
            )
    assert {one.lane for one in both[0]} == {0, 1}
