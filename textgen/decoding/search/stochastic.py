"""Stochastic beam search: texts drawn without replacement, all at once.

Kool, van Hoof and Welling 2019, "Stochastic Beams and Where to Find Them", https://arxiv.org/abs/1903.06059.
Give every possible text its log-probability plus Gumbel noise: the k largest are k draws without replacement,
in the order drawn. The noise of a text need not be drawn before the text is reached: the largest among the
texts that begin with a prefix is itself the prefix's log-probability plus Gumbel noise, so a beam can go
down from the prefixes, drawing what each continuation has under the condition that the largest of them is
what their prefix had. The noise after a prefix is a pure function of the source's key and the prefix, so the
noise of all texts is settled before the search begins and does not depend on the width: a narrow beam finds
the first texts of a wide one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, shake_256

import torch
from torch import Tensor

from textgen.choice.scoring import Scoring, stuck
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan
from textgen.models.views import NextTokenModel

LEAST = 2.0**-54  # in place of a uniform number of 0, whose noise would be infinite


@dataclass
class _Draws:
    """The texts of the sources still written to, `width` rows a source, in the order drawn.

    Attributes:
        numbers: Which sources they are.
        ids: `(rows, history + written)`; the end symbol goes on behind a finished text.
        ranks: `(rows,)`, perturbed log-probabilities; -inf where there is no text.
        totals: `(rows,)`, log-probabilities under the distribution that is drawn from.
        logprobs: `(rows,)`, under the restricted model.
        ended: `(rows,)`, which are finished.
        written: Tokens written.
    """

    numbers: list[int]
    ids: Tensor
    ranks: Tensor
    totals: Tensor
    logprobs: Tensor
    ended: Tensor
    written: int = 0

    @property
    def alive(self) -> Tensor:
        """`(rows,)`, which go on."""
        return (self.ranks > -torch.inf) & ~self.ended

    def texts(self) -> Tensor:
        """The tokens written, `(rows, written)`."""
        return self.ids[:, self.ids.shape[1] - self.written :]


def stochastic_beam_search(
    model: NextTokenModel, batch: Batch, scoring: Scoring, search: BeamSearch, *, pad: int = 0
) -> list[list[Hypothesis]]:
    """Draw different texts after every source, as by sampling again and again until one is new.

    A text has the probability that `scoring.drawn` gives its tokens; at the limit it ends as it is.

    Args:
        model: What offers next-token logits.
        batch: The sources, with keys.
        scoring: The filters.
        search: The width is the number of texts drawn; the length does not steer the draws.
        pad: Fills the shorter histories on the left.

    Returns:
        For each source its texts in the order drawn, so that the first is an ordinary sample and a smaller
        width gives the first texts of a larger. There are fewer than `width` only where fewer are possible.
        `total` is the log-probability under the distribution that was drawn from, temperature and the like
        included; `score` is that of `logprob`.

    Raises:
        ValueError: The batch has no keys.
    """
    if len(batch.keys) != len(batch.sources):
        raise ValueError(f"{len(batch.sources)} sources, but {len(batch.keys)} keys to draw with")
    state = model.start(batch.sources)
    logits = model.step(state, torch.tensor(list(batch.first))).repeat_interleave(search.width, 0)
    state = state.repeat(search.width)
    draws = _begun(batch, search.width, pad)
    found: list[list[Hypothesis]] = [[] for _ in batch.sources]
    while True:
        parents = _advance(draws, batch.keys, scoring, logits, search)
        rows = _keep(draws, found, search)
        if not len(rows):
            return found
        state = state.select(parents[rows])
        logits = model.step(state, draws.ids[:, -1])


def gumbel(keys: Sequence[bytes], prefixes: Sequence[Sequence[int]], count: int) -> Tensor:
    """Independent standard Gumbel numbers, a pure function of the arguments row by row.

    Args:
        keys: The key of each row's source, from `rng.row_key`.
        prefixes: The tokens after which each row's numbers are drawn.
        count: How many.

    Returns:
        `(rows, count)`, float64, each from 53 random bits.
    """
    # a hash, not torch.Generator: that takes 32 bits of a seed and promises nothing between versions
    rows = []
    for key, prefix in zip(keys, prefixes, strict=True):
        seed = blake2b(struct.pack(f"<{len(prefix)}Q", *prefix), digest_size=32, key=key).digest()
        rows.append(shake_256(seed).digest(8 * count))
    if not rows:  # which torch makes no tensor of
        return torch.empty(0, count, dtype=torch.float64)
    drawn = torch.frombuffer(bytearray(b"".join(rows)), dtype=torch.int64)  # in the memory of the processor
    words = drawn.to(torch.get_default_device()).view(len(rows), count)
    uniforms = ((words >> 11) & (2**53 - 1)).double() * 2.0**-53
    return -(-uniforms.clamp(min=LEAST).log()).log()


def _begun(batch: Batch, width: int, pad: int) -> _Draws:
    sources = len(batch.sources)
    ranks = torch.full((sources, width), -torch.inf, dtype=torch.float64)
    # which texts are largest, and in which order, does not depend on how large the largest is
    ranks[:, 0] = 0.0
    return _Draws(
        numbers=list(range(sources)),
        ids=batch.history_tensor(pad).repeat_interleave(width, 0),
        ranks=ranks.flatten(),
        totals=torch.zeros(sources * width, dtype=torch.float64),
        logprobs=torch.zeros(sources * width, dtype=torch.float64),
        ended=torch.zeros(sources * width, dtype=torch.bool),
    )


def _advance(
    draws: _Draws, keys: Sequence[bytes], scoring: Scoring, logits: Tensor, search: BeamSearch
) -> Tensor:
    """Extend the texts that go on, and keep the first of every source; returns the rows they came from."""
    (alive,) = draws.alive.nonzero(as_tuple=True)
    logprobs, scores = scoring(draws.ids[alive], logits[alive])
    # a text that the filters leave nothing to go on with is none; its noise would have no largest
    on = ~stuck(scores)
    alive, logprobs, scores = alive[on], logprobs[on], scores[on]
    steps = scoring.drawn(draws.ids[alive], scores).double().log()
    vocab = steps.shape[1]
    owners = [keys[draws.numbers[row // search.width]] for row in alive.tolist()]
    noise = gumbel(owners, draws.texts()[alive].tolist(), vocab)
    totals = draws.totals[alive, None] + steps
    ranks = _table(draws, draws.ranks, alive, _conditioned(totals + noise, draws.ranks[alive]), search.eos)
    best = ranks.view(len(draws.numbers), -1).topk(search.width)
    first = torch.arange(len(draws.numbers))[:, None] * search.width
    rows, tokens = (first + best.indices // vocab).flatten(), (best.indices % vocab).flatten()
    logprobs = draws.logprobs[alive, None] + logprobs
    draws.totals = _table(draws, draws.totals, alive, totals, search.eos)[rows, tokens]
    draws.logprobs = _table(draws, draws.logprobs, alive, logprobs, search.eos)[rows, tokens]
    draws.ranks = best.values.flatten()
    draws.ended = draws.ended[rows] | (tokens == search.eos)
    draws.ids = torch.cat([draws.ids[rows], tokens[:, None]], 1)
    draws.written += 1
    return rows


def _conditioned(perturbed: Tensor, largest: Tensor) -> Tensor:
    """Shift independent Gumbel variables so that the largest of each row is as given.

    Inverts the distribution functions, truncated there (Kool et al. 2019, appendix B.3), in a form that
    neither overflows nor cancels.

    Args:
        perturbed: `(rows, vocab)`, log-probabilities plus Gumbel noise; one of each row is finite.
        largest: `(rows,)`.
    """
    most = perturbed.amax(-1, keepdim=True)
    below = largest[:, None] - perturbed + torch.log1p(-(perturbed - most).exp())
    return largest[:, None] - below.clamp(min=0) - torch.log1p((-below.abs()).exp())


def _table(draws: _Draws, held: Tensor, alive: Tensor, grown: Tensor, eos: int) -> Tensor:
    """`(rows, vocab)`: the continuations of texts that go on; a finished one stays as it is, at the end."""
    table = torch.full((len(draws.ids), grown.shape[1]), -torch.inf, dtype=torch.float64)
    table[alive] = grown.double()
    table[draws.ended, eos] = held[draws.ended]
    return table


def _keep(draws: _Draws, found: list[list[Hypothesis]], search: BeamSearch) -> Tensor:
    """Hand over the texts of sources that are done; returns the rows of the others."""
    width = search.width
    going = draws.alive.view(-1, width).any(1) & (draws.written < search.length.limit)
    texts = draws.texts()
    for place in (~going).nonzero()[:, 0].tolist():
        found[draws.numbers[place]] = [
            _hypothesis(texts[row].tolist(), float(draws.logprobs[row]), float(draws.totals[row]), search)
            for row in range(place * width, (place + 1) * width)
            if draws.ranks[row] > -torch.inf
        ]
    kept = going.repeat_interleave(width).nonzero()[:, 0]
    draws.numbers = [draws.numbers[place] for place in going.nonzero()[:, 0].tolist()]
    draws.ids, draws.ended = draws.ids[kept], draws.ended[kept]
    draws.ranks, draws.totals, draws.logprobs = draws.ranks[kept], draws.totals[kept], draws.logprobs[kept]
    return kept


def _hypothesis(ids: list[int], logprob: float, total: float, search: BeamSearch) -> Hypothesis:
    ended = search.eos in ids
    if ended:
        ids = ids[: ids.index(search.eos) + 1]
    score = search.length.score(logprob, len(ids))
    return Hypothesis(ids, logprob, total, score, "stop" if ended else "length")


def search(model: NextTokenModel, batch: Batch, scoring: Scoring, plan: Plan) -> list[list[Hypothesis]]:
    """The strategy `stochastic`."""
    settings = BeamSearch(plan.options.beam_width, plan.eos, Length(plan.options.max_new_tokens))
    return stochastic_beam_search(model, batch, scoring, settings, pad=plan.pad)
