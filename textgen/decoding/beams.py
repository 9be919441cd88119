"""The core of every beam search: settings, unfinished hypotheses, and the loop over steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from textgen.choice.scoring import Score
from textgen.decoding.hypothesis import Length, Pool
from textgen.decoding.loop import Batch
from textgen.models.views import NextTokenModel


@dataclass(frozen=True)
class BeamSearch:
    """The settings of a beam search.

    The textbook beam: each step keeps the `width` best unfinished hypotheses; a finished one enters the
    pool only if it ranks within the first `width` of all candidates of its step; the search ends when no
    unfinished hypothesis can still beat the worst of a full pool (with `Length.early`, none does as it
    stands), or at the length limit.

    Attributes:
        width: Hypotheses kept, and the size of the pool.
        eos: The end symbol.
        length: Most tokens, and how length enters the ranking score.
    """

    width: int
    eos: int
    length: Length


class Picked(NamedTuple):
    """The hypotheses that one beam of every source goes on with, best first; each `(sources, width)`.

    Attributes:
        rows: The row each came from.
        tokens: The token it adds.
        ranks: The sum that ranks it; -inf where there is no hypothesis.
        totals: Sum of the search scores.
        logprobs: Log-probability under the restricted model.
    """

    rows: Tensor
    tokens: Tensor
    ranks: Tensor
    totals: Tensor
    logprobs: Tensor


@dataclass
class Hypotheses:
    """The unfinished hypotheses of the sources still searched.

    A source has one or more beams of `search.width` rows, side by side. A beam ranks by sums of search
    scores, less what `pick` is told to take from them.

    Attributes:
        search: The settings of each beam.
        ids: `(rows, history + written)`.
        ranks: `(sources, beams, width)`, the sums that rank; -inf where there is no hypothesis.
        totals: `(sources, beams, width)`, sums of the search scores.
        logprobs: `(sources, beams, width)`.
        pools: By beam, of each source.
        numbers: The sources, as the batch counts them.
        written: Tokens written.
    """

    search: BeamSearch
    ids: Tensor
    ranks: Tensor
    totals: Tensor
    logprobs: Tensor
    pools: list[list[Pool]]
    numbers: list[int]
    written: int = 0

    @classmethod
    def begin(cls, batch: Batch, search: BeamSearch, beams: int, pad: int) -> Hypotheses:
        """One empty hypothesis in every beam of every source."""
        sources = len(batch.sources)
        shape = (sources, beams, search.width)
        ranks = torch.full(shape, -torch.inf)
        ranks[..., 0] = 0.0
        return cls(
            search=search,
            ids=batch.history_tensor(pad).repeat_interleave(beams * search.width, 0),
            ranks=ranks,
            totals=torch.zeros(shape),
            logprobs=torch.zeros(shape),
            pools=[[Pool(search.width, search.length) for _ in range(beams)] for _ in range(sources)],
            numbers=list(range(sources)),
        )

    @property
    def copies(self) -> int:
        """Rows a source."""
        return self.ranks.shape[1] * self.search.width

    def pick(self, beam: int, logprobs: Tensor, scores: Tensor, penalty: Tensor | None = None) -> Picked:
        """Extend one beam of every source by a token; what ends goes into its pool.

        Args:
            beam: Which of a source's beams.
            logprobs: Of the next token of all rows, `(rows, vocab)`.
            scores: Search scores, likewise.
            penalty: `(sources, vocab)`, what to take from this beam's ranks; not negative.
        """
        width, vocab = self.search.width, scores.shape[-1]
        sources = len(self.ranks)
        own = scores.view(sources, -1, width, vocab)[:, beam]
        if penalty is not None:
            own = own - penalty[:, None]
        candidates = self.ranks[:, beam, :, None] + own
        # every row has one end, so twice the width always holds `width` that go on
        best = candidates.view(sources, -1).topk(min(2 * width, width * vocab))
        slots, tokens = best.indices // vocab, best.indices % vocab
        rows = torch.arange(sources)[:, None] * self.copies + beam * width + slots
        found = Picked(
            rows,
            tokens,
            best.values,
            self.totals[:, beam].gather(1, slots) + scores[rows, tokens],
            self.logprobs[:, beam].gather(1, slots) + logprobs[rows, tokens],
        )
        self._collect(beam, found)
        ranks, going = best.values.masked_fill(tokens == self.search.eos, -torch.inf).topk(width)
        return Picked(*(column.gather(1, going) for column in found))._replace(ranks=ranks)

    def go_on(self, picked: Sequence[Picked]) -> Tensor:
        """Go on with what every beam picked; beams end that are done, and sources leave that have none.

        Returns:
            The row that each row now there came from, `(rows,)`.
        """
        self.written += 1
        rows, tokens, *sums = (torch.stack(column, 1) for column in zip(*picked, strict=True))
        self.ranks, self.totals, self.logprobs = sums
        parents = rows.flatten()
        self.ids = torch.cat([self.ids[parents], tokens.view(-1, 1)], 1)
        for source, pools in enumerate(self.pools):
            for beam in range(len(pools)):
                if not self._goes_on(source, beam):
                    self.ranks[source, beam] = -torch.inf
        return parents[self._keep()]

    def _keep(self) -> Tensor:
        """Drop the sources that are done; returns the row that stands in each place, `(rows,)`."""
        rows = torch.arange(len(self.ids)).view(len(self.ranks), -1)
        ranks = self.ranks.flatten(1)
        # a filter may leave nothing to write after an impossible text: the best stands in its place
        rows = torch.where(ranks > -torch.inf, rows, rows.gather(1, ranks.argmax(1, keepdim=True)))
        going = (ranks > -torch.inf).any(1)
        rows = rows[going].flatten()
        self.ids = self.ids[rows]
        self.ranks, self.totals, self.logprobs = self.ranks[going], self.totals[going], self.logprobs[going]
        numbers = going.nonzero()[:, 0].tolist()
        self.pools = [self.pools[number] for number in numbers]
        self.numbers = [self.numbers[number] for number in numbers]
        return rows

    def _collect(self, beam: int, found: Picked) -> None:
        """Put the ends among each source's first `width` candidates into the beam's pool."""
        width, eos = self.search.width, self.search.eos
        ended = (found.tokens[:, :width] == eos) & (found.ranks[:, :width] > -torch.inf)
        for source, place in ended.nonzero().tolist():
            ids = [*self._text(int(found.rows[source, place])), eos]
            sums = (one[source, place] for one in (found.ranks, found.totals, found.logprobs))
            self._offer(source, beam, ids, sums, "stop")

    def _goes_on(self, source: int, beam: int) -> bool:
        """Tell whether a beam is searched further; at the limit its unfinished hypotheses are cut."""
        best = float(self.ranks[source, beam, 0])
        if best == -torch.inf or self.pools[source][beam].closed_to(best, self.written):
            return False
        if self.written < self.search.length.limit:
            return True
        first = source * self.copies + beam * self.search.width
        for slot in (self.ranks[source, beam] > -torch.inf).nonzero()[:, 0].tolist():
            sums = (one[source, beam, slot] for one in (self.ranks, self.totals, self.logprobs))
            self._offer(source, beam, self._text(first + slot), sums, "length")
        return False

    def _offer(self, source: int, beam: int, ids: list[int], sums: Iterable[Tensor], reason: str) -> None:
        """Offer a text to its pool; the sums are its rank, total and log-probability."""
        rank, total, logprob = map(float, sums)
        self.pools[source][beam].add(ids, logprob, total, reason, beam, rank)

    def _text(self, row: int) -> list[int]:
        """The tokens that a row has written."""
        ids: list[int] = self.ids[row, self.ids.shape[1] - self.written :].tolist()
        return ids


# hypotheses, log-probabilities and search scores of all rows, (rows, vocab) -> what each beam goes on with
Pick = Callable[[Hypotheses, Tensor, Tensor], Sequence[Picked]]


def explore(
    model: NextTokenModel,
    batch: Batch,
    scoring: Score,
    search: BeamSearch,
    pick: Pick,
    *,
    beams: int = 1,
    pad: int = 0,
) -> list[list[Pool]]:
    """Search until every source is done.

    Args:
        model: What offers next-token logits; asked once a step, for all rows.
        batch: The sources.
        scoring: The filters; no step may add a positive score.
        search: The settings of each beam.
        pick: Picks for every beam in turn.
        beams: Beams of a source, as many in each direction.
        pad: Fills the shorter histories on the left.

    Returns:
        The pools of each source, by beam.
    """
    hypotheses = Hypotheses.begin(batch, search, beams, pad)
    pools = hypotheses.pools
    state = model.start(batch.sources)
    copies = hypotheses.copies // batch.lanes
    logits = model.step(state, torch.tensor(list(batch.first))).repeat_interleave(copies, 0)
    state = state.repeat(copies)
    while True:
        parents = hypotheses.go_on(pick(hypotheses, *scoring(hypotheses.ids, logits)))
        if not len(parents):
            return pools
        state = state.select(parents)
        logits = model.step(state, hypotheses.ids[:, -1])
