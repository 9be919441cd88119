"""Synchronous bidirectional beam search: both directions write at once and see each other.

苏剑林, seq2seq之双向解码, https://kexue.fm/archives/6877; Zhou, Zhang & Zong 2019,
https://arxiv.org/abs/1905.04847, whose search this is but for two rules: an end enters the pool only if it
ranks within the first half beam, and the stopping bound looks at both halves. So with the interaction
switched off the best answer is the better of two independent half beams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.choice.scoring import LaneScoring, Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Pool
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan
from textgen.models.families.two_streams import TwoStreams
from textgen.models.views import Ids

LANES = 2  # left to right, right to left


@dataclass
class _Streams:
    """The unfinished hypotheses of the groups still searched; a lane is one direction of one group."""

    groups: list[int]
    ids: Tensor  # (rows, step); rows in order of group, lane, rank
    totals: Tensor  # (lanes, half), -inf for a rank without a hypothesis
    logprobs: Tensor  # (lanes, half)
    pools: list[Pool]  # of all groups
    written: int = 0

    @property
    def dead(self) -> Tensor:
        """`(lanes,)`, true where no hypothesis is left."""
        return self.totals[:, 0] == -torch.inf


def bidirectional_search(
    model: TwoStreams, sources: Sequence[Ids], scorings: Sequence[Scoring], search: BeamSearch
) -> list[list[Hypothesis]]:
    """Search the best texts after every source in both directions at once.

    Args:
        model: What writes two streams.
        sources: What the model's `start` reads.
        scorings: The filters of each direction; no step may add a positive score.
        search: Its width is that of both directions together, and even.

    Returns:
        For each source the hypotheses of both directions, best first: the finished, then unfinished ones
        cut at the limit. `lane` is 0 for left to right, 1 for right to left; `ids` are in writing order.
    """
    scoring = LaneScoring(scorings, _half(search))
    state = model.start(sources)
    count = len(sources)
    logits = model.step(state, torch.tensor(list(model.first) * count)).repeat_interleave(_half(search), 0)
    state = state.repeat(_half(search))
    streams = _Streams(
        groups=list(range(count)),
        ids=torch.empty(count * search.width, 0, dtype=torch.long),
        totals=torch.tensor([[0.0] + [-torch.inf] * (_half(search) - 1)] * count * LANES),
        logprobs=torch.zeros(count * LANES, _half(search)),
        pools=[Pool(search.width, search.length) for _ in range(count)],
    )
    while True:
        parents = _advance(streams, *scoring(streams.ids, logits), search)
        going = [g for g in range(len(streams.groups)) if _goes_on(streams, g, search)]
        if not going:
            return [pool.kept for pool in streams.pools]
        state = state.select(parents)
        if bool(streams.dead.any()):
            state.freeze(streams.dead.repeat_interleave(_half(search)))
        if len(going) < len(streams.groups):
            rows = torch.arange(len(parents)).view(-1, search.width)[going].view(-1)
            state = state.select(rows)
            _keep(streams, going, rows)
        logits = model.step(state, streams.ids[:, -1])


def search(model: TwoStreams, batch: Batch, scorings: LaneScoring, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `bidirectional`; see `bidirectional_search`."""
    return bidirectional_search(model, batch.sources, scorings.lanes, plan.beam)


def _advance(streams: _Streams, logprobs: Tensor, scores: Tensor, search: BeamSearch) -> Tensor:
    """Extend every lane by one token; returns the row that each new row came from."""
    half, vocab = _half(search), scores.shape[-1]
    lanes = len(streams.totals)
    totals = streams.totals[:, :, None] + scores.view(lanes, half, vocab)
    # every row has one end, so twice the half beam always holds half a beam that goes on
    best = totals.view(lanes, -1).topk(min(2 * half, half * vocab))
    rows = torch.arange(lanes)[:, None] * half + best.indices // vocab
    tokens = best.indices % vocab
    sums = streams.logprobs.view(-1)[rows] + logprobs[rows, tokens]
    streams.written += 1
    _collect(streams, best.values, sums, rows, tokens, search)
    going = best.values.masked_fill(tokens == search.eos, -torch.inf).topk(half)
    # a rank without a hypothesis repeats the best one, so that its partner has someone to look at
    kept = torch.where(going.values == -torch.inf, going.indices[:, :1], going.indices)
    dead = (going.values[:, 0] == -torch.inf)[:, None]
    # a lane without any hypothesis stays as it was; what it has written so far remains visible
    own = torch.arange(lanes * half).view(lanes, half)
    parents = torch.where(dead, own, rows.gather(1, kept))
    tokens = tokens.gather(1, kept).masked_fill(dead, search.eos)
    streams.totals = going.values
    streams.logprobs = sums.gather(1, kept)
    streams.ids = torch.cat([streams.ids[parents.view(-1)], tokens.view(-1, 1)], 1)
    return parents.view(-1)


def _collect(
    streams: _Streams, totals: Tensor, sums: Tensor, rows: Tensor, tokens: Tensor, search: BeamSearch
) -> None:
    """Put the ends among each lane's first half beam of candidates into its group's pool."""
    first = slice(_half(search))
    ended = (tokens[:, first] == search.eos) & (totals[:, first] > -torch.inf)
    for lane, rank in ended.nonzero().tolist():
        ids = [*streams.ids[rows[lane, rank]].tolist(), search.eos]
        pool = streams.pools[streams.groups[lane // LANES]]
        pool.add(ids, float(sums[lane, rank]), float(totals[lane, rank]), "stop", lane=lane % LANES)


def _goes_on(streams: _Streams, g: int, search: BeamSearch) -> bool:
    """Tell whether a group is searched further; at the limit its unfinished hypotheses are cut."""
    pool = streams.pools[streams.groups[g]]
    lanes = range(g * LANES, (g + 1) * LANES)
    best = max(float(streams.totals[lane, 0]) for lane in lanes)
    if best == -torch.inf or pool.closed_to(best, streams.written):
        return False
    if streams.written < search.length.limit:
        return True
    for lane in lanes:
        for rank in range(_half(search)):
            total = float(streams.totals[lane, rank])
            if total > -torch.inf:
                ids = streams.ids[lane * _half(search) + rank].tolist()
                logprob = float(streams.logprobs[lane, rank])
                pool.add(ids, logprob, total, "length", lane=lane % LANES)
    return False


def _keep(streams: _Streams, going: list[int], rows: Tensor) -> None:
    lanes = torch.arange(len(streams.totals)).view(-1, LANES)[going].view(-1)
    streams.groups = [streams.groups[g] for g in going]
    streams.ids = streams.ids[rows]
    streams.totals = streams.totals[lanes]
    streams.logprobs = streams.logprobs[lanes]


def _half(search: BeamSearch) -> int:
    """Hypotheses kept of one direction."""
    return search.width // LANES
