"""Beam search over a batch of sources, with a pool of finished hypotheses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textgen.decoding.hypothesis import Hypothesis, Length, Pool
from textgen.decoding.loop import Batch
from textgen.decoding.scoring import Scoring
from textgen.models.contracts import NextTokenModel


@dataclass(frozen=True)
class BeamSearch:
    """The settings of a beam search.

    The textbook beam: each step keeps the `width` best unfinished hypotheses; a finished one enters the
    pool only if it ranks within the first `width` of all candidates of its step; the search ends when no
    unfinished hypothesis can still beat the worst of a full pool, or at the length limit.

    Attributes:
        width: Hypotheses kept, and the size of the pool.
        eos: The end symbol.
        length: Most pieces, and how length enters the ranking score.
    """

    width: int
    eos: int
    length: Length


@dataclass
class _Beams:
    """The unfinished hypotheses of the groups still searched, `width` rows a group."""

    groups: list[int]
    ids: Tensor  # (rows, history + step)
    totals: Tensor  # (groups, width)
    logprobs: Tensor  # (groups, width)
    pools: list[Pool]  # of all groups
    written: int = 0


def beam_search(
    model: NextTokenModel, batch: Batch, scoring: Scoring, search: BeamSearch, *, pad: int = 0
) -> list[list[Hypothesis]]:
    """Search the best texts after every source.

    Args:
        model: What offers next-token logits.
        batch: The sources.
        scoring: The filters; no step may add a positive score.
        search: The settings.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source its hypotheses, best first: the finished, then unfinished ones cut at the limit.
    """
    state = model.start(batch.sources)
    logits = model.step(state, torch.tensor(list(batch.first)))
    state = state.repeat(search.width)
    count = len(batch.sources)
    beams = _Beams(
        groups=list(range(count)),
        ids=batch.history_tensor(pad).repeat_interleave(search.width, 0),
        totals=torch.tensor([[0.0] + [-torch.inf] * (search.width - 1)] * count),
        logprobs=torch.zeros(count, search.width),
        pools=[Pool(search.width, search.length) for _ in range(count)],
    )
    logits = logits.repeat_interleave(search.width, 0)
    while True:
        parents = _advance(beams, *scoring(beams.ids, logits), search)
        going = [g for g in range(len(beams.groups)) if _goes_on(beams, g, search)]
        if not going:
            break
        state = state.select(torch.tensor(parents))
        if len(going) < len(beams.groups):
            rows = torch.tensor([row for g in going for row in _rows(g, search.width)])
            state = state.select(rows)
            _keep(beams, going, rows)
        logits = model.step(state, beams.ids[:, -1])
    return [pool.kept for pool in beams.pools]


def _advance(beams: _Beams, logprobs: Tensor, scores: Tensor, search: BeamSearch) -> list[int]:
    """Extend every group by one piece; returns the row that each new row came from."""
    width, vocab = search.width, scores.shape[-1]
    groups = len(beams.groups)
    totals = beams.totals[:, :, None] + scores.view(groups, width, vocab)
    # every row has one end, so twice the width always holds `width` that go on
    best = totals.view(groups, -1).topk(min(2 * width, width * vocab))
    start = torch.arange(groups)[:, None] * width
    rows = start + best.indices // vocab
    tokens = best.indices % vocab
    sums = beams.logprobs.view(-1)[rows] + logprobs[rows, tokens]
    beams.written += 1
    _collect(beams, best.values, sums, rows, tokens, search)
    going = best.values.masked_fill(tokens == search.eos, -torch.inf).topk(width)
    rows, tokens = rows.gather(1, going.indices), tokens.gather(1, going.indices)
    beams.totals = going.values
    beams.logprobs = sums.gather(1, going.indices)
    beams.ids = torch.cat([beams.ids[rows.view(-1)], tokens.view(-1, 1)], 1)
    parents: list[int] = rows.view(-1).tolist()
    return parents


def _collect(
    beams: _Beams, totals: Tensor, sums: Tensor, rows: Tensor, tokens: Tensor, search: BeamSearch
) -> None:
    """Put the ends among each group's first `width` candidates into its pool."""
    history = beams.ids.shape[1] - beams.written + 1
    ended = (tokens[:, : search.width] == search.eos) & (totals[:, : search.width] > -torch.inf)
    for g, rank in ended.nonzero().tolist():
        ids = [*beams.ids[rows[g, rank], history:].tolist(), search.eos]
        beams.pools[beams.groups[g]].add(ids, float(sums[g, rank]), float(totals[g, rank]), "stop")


def _goes_on(beams: _Beams, g: int, search: BeamSearch) -> bool:
    """Whether a group is searched further; at the limit its unfinished hypotheses are cut."""
    pool = beams.pools[beams.groups[g]]
    best = float(beams.totals[g, 0])
    if best == -torch.inf:
        return False
    if pool.closed_to(best, beams.written):
        return False
    if beams.written < search.length.limit:
        return True
    history = beams.ids.shape[1] - beams.written
    for slot, row in enumerate(_rows(g, search.width)):
        total = float(beams.totals[g, slot])
        if total > -torch.inf:
            ids = beams.ids[row, history:].tolist()
            pool.add(ids, float(beams.logprobs[g, slot]), total, "length")
    return False


def _keep(beams: _Beams, going: list[int], rows: Tensor) -> None:
    beams.groups = [beams.groups[g] for g in going]
    beams.ids = beams.ids[rows]
    beams.totals = beams.totals[going]
    beams.logprobs = beams.logprobs[going]


def _rows(group: int, width: int) -> range:
    return range(group * width, (group + 1) * width)
