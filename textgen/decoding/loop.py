"""Writing token by token, each row on its own: greedy and sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

import torch
from torch import Tensor

from textgen.choice.scoring import Scoring, stuck
from textgen.decoding.hypothesis import Hypothesis
from textgen.models.views import Ids, NarrowingState, NextTokenModel


@dataclass(frozen=True)
class Batch:
    """Sources whose padded lengths agree, and what is given of each target.

    Attributes:
        sources: What the model's `start` reads.
        first: The first token given of each target. Where a model writes in several directions side by side,
            those of all directions, source by source.
        history: Ids that the filters count as already there, `first` included where it is text.
        keys: Keys of the sources' random numbers (`rng.row_key`); empty where nothing is drawn.
    """

    sources: Sequence[Ids]
    first: Sequence[int]
    history: Sequence[Ids]
    keys: Sequence[bytes] = ()

    @property
    def lanes(self) -> int:
        """Directions in which the model writes side by side; rows that it begins with a source."""
        return len(self.first) // len(self.sources)

    def part(self, numbers: Sequence[int]) -> Batch:
        """The batch of some of the sources."""
        return Batch(
            [self.sources[n] for n in numbers],
            [self.first[n * self.lanes + lane] for n in numbers for lane in range(self.lanes)],
            [self.history[n] for n in numbers],
            [self.keys[n] for n in numbers] if self.keys else (),
        )

    def history_tensor(self, pad: int) -> Tensor:
        """`(sources, longest)`, padded on the left."""
        width = max(map(len, self.history))
        return torch.tensor(
            [[pad] * (width - len(ids)) + list(ids) for ids in self.history], dtype=torch.long
        )


STUCK = "stuck"


@dataclass
class Draft:
    """A text being written.

    Attributes:
        ids: Its tokens so far, the end symbol included.
        logprobs: Log-probability of each under the restricted model.
        reason: Why it is finished, or None; `STUCK` if the filters left nothing to go on with, before
            anything else could end it.
    """

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    reason: str | None = None


# (ids (rows, length), search scores (rows, vocab), number of each row, step) -> chosen ids (rows,)
Choose = Callable[[Tensor, Tensor, Sequence[int], int], Tensor]


class StopRule(Protocol):
    """Says of a row's tokens why the text ends there, if it does."""

    def __call__(self, row: int, ids: Sequence[int]) -> str | None: ...


def write(
    model: NextTokenModel,
    batch: Batch,
    scoring: Scoring,
    choose: Choose,
    stop: StopRule,
    *,
    copies: int = 1,
    pad: int = 0,
) -> Iterator[list[Draft]]:
    """Write after every source until all rows are finished.

    Args:
        model: What offers next-token logits.
        batch: The sources.
        scoring: The filters.
        choose: Picks the next token of each row.
        stop: Says when a row is finished.
        copies: Rows a source; row `source * copies + c` is its c-th.
        pad: Fills the shorter histories on the left.

    Yields:
        All drafts `(sources * copies)` after every step; the same objects each time.
    """
    state = model.start(batch.sources)
    logits = model.step(state, torch.tensor(list(batch.first))).repeat_interleave(copies, 0)
    state = state.repeat(copies)
    ids = batch.history_tensor(pad).repeat_interleave(copies, 0)
    drafts = [Draft() for _ in range(len(batch.sources) * copies)]
    numbers = list(range(len(drafts)))
    step, size, narrowing = 0, copies, isinstance(state, NarrowingState)
    while True:
        logprobs, search = scoring(ids, logits)
        over = stuck(search)
        chosen = choose(ids, search, numbers, step).masked_fill(over, pad)
        found = logprobs.gather(1, chosen[:, None])[:, 0].masked_fill(over, -torch.inf)
        for number, token, logprob in zip(numbers, chosen.tolist(), found.tolist(), strict=True):
            extend(drafts[number], number, token, logprob, stop)
        yield drafts
        going = [drafts[number].reason is None for number in numbers]
        if not any(going):
            return
        kept, size = _kept(going, size, narrowing=narrowing)
        if len(kept) < len(numbers):
            rows = torch.tensor(kept)
            state = state.narrowed(rows, size) if narrowing else state.select(rows)
            chosen, ids, numbers = chosen[rows], ids[rows], [numbers[row] for row in kept]
        ids = torch.cat([ids, chosen[:, None]], 1)
        logits = model.step(state, chosen)
        step += 1


def extend(draft: Draft, number: int, token: int, logprob: float, stop: StopRule) -> None:
    """Write one more token of a text; minus infinity is the log-probability where there is none."""
    if draft.reason is not None:
        return
    if logprob == -inf:
        draft.reason = STUCK
    else:
        draft.ids.append(token)
        draft.logprobs.append(logprob)
        draft.reason = stop(number, draft.ids)


def _kept(going: Sequence[bool], size: int, *, narrowing: bool) -> tuple[list[int], int]:
    """The rows that stay, and how many of a group.

    Args:
        going: Whether a row goes on.
        size: Rows a group.
        narrowing: Whether groups can shrink: to the rows of the one in which most go on. Others keep
            finished ones, since groups are of equal size.
    """
    groups = [range(at, at + size) for at in range(0, len(going), size)]
    groups = [group for group in groups if any(going[row] for row in group)]
    if narrowing:
        size = max(sum(going[row] for row in group) for group in groups)
    first = (sorted(group, key=lambda row: not going[row])[:size] for group in groups)
    return [row for group in first for row in sorted(group)], size


def finished(drafts: Iterable[Draft]) -> list[Hypothesis]:
    """Drafts as the other searches report theirs, scored by mean log-probability; none that got stuck."""
    found = []
    for draft in drafts:
        total = sum(draft.logprobs)
        if draft.reason != STUCK:
            found.append(
                Hypothesis(draft.ids, total, total, total / len(draft.ids), draft.reason or "length")
            )
    return found
