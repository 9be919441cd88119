"""The best texts few errors away from a source: a search that draws nothing.

A chain of random edits seldom finds two characters at once that must change; here every likely error is
looked at. What is best is what the target of the chain says, so that its states are where a chain may begin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from textgen.mcmc.cgmh.channel import DOUBLED, MISSING, SWAPPED, Noise
from textgen.mcmc.cgmh.edits import FREE, Context, Ids, State
from textgen.mcmc.cgmh.proposals import ContextModel
from textgen.mcmc.cgmh.target import Point, Target

REACH = 48  # tokens on either side of a place by which it is judged: every place of a long text is
REPLACED, INSERTED = 24, 12  # edits that the language model judges
EACH = 4  # of the same kind that go on, by the language model and the channel
PROMISING = -10.0  # nats: a rough gain below this was never a good one
TOGETHER = 10  # edits tried beside those that were made
MOST_ERRORS = 6  # in a source


@dataclass(frozen=True)
class Edit:
    """A stretch of a source, and what was meant.

    Attributes:
        start: Where it begins.
        stop: Where it ends.
        tokens: What was meant there.
        kind: Of the error.
        expected: The estimate of what the edit gains, by the model that sees both sides.
    """

    start: int
    stop: int
    tokens: Ids
    kind: str
    expected: float = 0.0

    def beside(self, others: Iterable[Edit]) -> bool:
        """Whether it lies apart from all others."""
        return all(self.stop < other.start or other.stop < self.start for other in others)


def applied(state: State, edits: Iterable[Edit]) -> State:
    """The state with edits of it that lie apart."""
    ids, labels = state.ids, state.labels
    for edit in sorted(edits, key=lambda edit: -edit.start):
        ids = (*ids[: edit.start], *edit.tokens, *ids[edit.stop :])
        labels = (*labels[: edit.start], *[FREE] * len(edit.tokens), *labels[edit.stop :])
    return replace(state, ids=ids, labels=labels)


def likely_edits(
    state: State,
    noise: Noise,
    model: ContextModel,
    writable: Tensor,
    within: Collection[int] | None = None,
) -> list[Edit]:
    """The edits of the places of a source that may change, the likeliest errors of each kind.

    Args:
        state: The source.
        noise: What may have happened to it.
        model: Judges what could stand at a place.
        writable: `(vocab,)`, true for what may be missing.
        within: Only edits that touch one of these places, or insert beside two of them.
    """
    ids, free = state.ids, sorted(state.free if within is None else {*state.free} & {*within})
    freely = set(state.free)
    apart = [n for n in sorted(freely) if n + 1 in freely and not {n, n + 1}.isdisjoint(free)]
    found = [
        Edit(n, n + 2, (ids[n + 1], ids[n]), SWAPPED)
        for n in apart
        if n in noise.swapped and ids[n] != ids[n + 1]
    ]
    # of two that are the same, leaving out either makes the same text
    twins = (n for n in free if n in noise.doubled)
    found += [Edit(n, n + 1, (), DOUBLED) for n in twins if not n or ids[n - 1] != ids[n]]
    gaps = state.gaps if within is None else [gap for gap in state.gaps if {gap - 1, gap} <= {*within}]
    places = [place for place in free if noise.meant[place]]
    return [*found, *_replacements(state, places, noise, model), *_insertions(state, gaps, model, writable)]


def _replacements(state: State, places: Sequence[int], noise: Noise, model: ContextModel) -> list[Edit]:
    if not places:
        return []
    ids, judged = state.ids, _judged(model, [state.around(place) for place in places])
    found = []
    for place, row in zip(places, judged, strict=True):
        for token, kind in noise.meant[place].items():
            gain = float(row[token] - row[ids[place]])
            found.append(Edit(place, place + 1, (token,), kind, gain))
    found.sort(key=lambda edit: noise.costs[edit.kind] - edit.expected)
    return found[:REPLACED]


def _insertions(state: State, gaps: Sequence[int], model: ContextModel, writable: Tensor) -> list[Edit]:
    if not gaps:
        return []
    judged = _judged(model, [state.at_gap(gap) for gap in gaps]).masked_fill(~writable, -torch.inf)
    values, tokens = judged.topk(min(EACH, judged.shape[-1]), dim=-1)
    found = [
        Edit(gap, gap, (token,), MISSING, value)
        for gap, row, own in zip(gaps, values.tolist(), tokens.tolist(), strict=True)
        for value, token in zip(row, own, strict=True)
        if value > -torch.inf
    ]
    found.sort(key=lambda edit: -edit.expected)
    return found[:INSERTED]


def _judged(model: ContextModel, contexts: Sequence[Context]) -> Tensor:
    near = [Context(context.left[-REACH:], context.right[:REACH]) for context in contexts]
    return model.logits(near).double().log_softmax(-1)


def nearest(
    source: State,
    edits: Sequence[Edit],
    rough: Target,
    target: Target,
    shown: Callable[[State], bool],
    others: int = 0,
) -> list[Point]:
    """The best states that some of the edits make of a source, best first, the source among them.

    Args:
        source: The state that the edits are of.
        edits: Likely ones.
        rough: A target that is faster to compute, and chooses those that are judged by the other.
        target: What the states are to be best under.
        shown: Whether a state may be shown.
        others: States wanted beside the source, even if they are not promising.
    """
    [point] = target.points([source], [None])
    found = {source: point}
    alone = [(edit,) for edit in edits]
    [unedited] = rough.points([source], [point.scored])
    points = rough.points([applied(source, some) for some in alone], [point.scored] * len(alone))
    gained = [
        (edit, one.log_target - unedited.log_target + edit.expected)
        for edit, one in zip(edits, points, strict=True)
    ]
    gained.sort(key=lambda pair: -pair[1])
    likely = _best_of_each_kind([pair for n, pair in enumerate(gained) if n < others or pair[1] > PROMISING])
    made: tuple[Edit, ...] = ()
    gains: dict[Edit, float] = {}
    best = point
    for _ in range(MOST_ERRORS):
        more = [edit for edit in likely if edit.beside(made)]
        more = sorted(more, key=lambda edit: -gains.get(edit, 0.0))[:TOGETHER] if made else more
        states = [applied(source, (*made, edit)) for edit in more]
        judged = target.points(states, [best.scored] * len(states))
        found |= {one.state: one for one in judged if shown(one.state)}
        if not made:
            gains = {edit: one.log_target for edit, one in zip(more, judged, strict=True)}
        top = max(
            zip(more, judged, strict=True),
            key=lambda pair: pair[1].log_target if shown(pair[1].state) else -torch.inf,
            default=None,
        )
        if top is None or top[1].log_target <= best.log_target or not shown(top[1].state):
            break
        made, best = (*made, top[0]), top[1]
    return sorted(found.values(), key=lambda one: -one.log_target)


def _best_of_each_kind(gained: Sequence[tuple[Edit, float]]) -> list[Edit]:
    """The first few edits of each kind."""
    kinds: dict[str, list[Edit]] = {}
    for edit, _ in gained:
        kinds.setdefault(edit.kind, []).append(edit)
    return [edit for some in kinds.values() for edit in some[:EACH]]
