"""The noisy channel, and the search among likely errors."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from sequences import proposals, random_bigrams

from textgen.mcmc.cgmh.channel import Channel, Evidence, Noise
from textgen.mcmc.cgmh.edits import FREE, Context, State, Subject
from textgen.mcmc.cgmh.near import REACH, applied, likely_edits, nearest
from textgen.mcmc.cgmh.target import Target

COSTS = {"sound": 1.0, "missing": 2.0, "doubled": 1.5, "swapped": 1.25, "other": 5.0, "extra": 4.0}


def noise(source: tuple[int, ...]) -> Noise:
    """Of which 1 may have been meant by 0."""
    doubled = {
        n for n in range(len(source)) if source[n] in (*source[max(0, n - 1) : n], *source[n + 1 : n + 2])
    }
    meant = [{1: "sound"} if token == 0 else {} for token in source]
    return Noise(source, meant, doubled, range(len(source) - 1), COSTS)


@pytest.mark.parametrize(
    ("source", "text", "kinds"),
    [
        ((0, 2, 1), (0, 2, 1), []),
        ((0, 2, 1), (1, 2, 1), ["sound"]),
        ((1, 2), (0, 2), ["other"]),
        ((0, 2, 2, 1), (0, 2, 1), ["doubled"]),
        ((0, 2, 1), (0, 1), ["extra"]),
        ((0, 2), (0, 1, 2), ["missing"]),
        ((3, 1, 2, 3), (3, 2, 1, 3), ["swapped"]),
        ((0, 2, 3, 1, 2), (1, 2, 3, 2, 1), ["sound", "swapped"]),
        ((), (0,), ["missing"]),
        ((0,), (), ["extra"]),
    ],
)
def test_the_cheapest_errors(source: tuple[int, ...], text: tuple[int, ...], kinds: list[str]) -> None:
    found = noise(source).errors(text)
    assert [error.kind for error in found] == kinds
    state = State(text, (FREE,) * len(text), subject=Subject(source))
    assert Channel(noise).values([state]) == [-sum(COSTS[kind] for kind in kinds)]
    made = source
    for error in reversed(found):
        new = text[error.text.start : error.text.stop]
        made = (*made[: error.source.start], *new, *made[error.source.stop :])
    assert made == text


def test_the_evidence_is_that_of_the_changed_places_and_their_neighbours() -> None:
    model = proposals(3).model
    source, text = (0, 2, 1, 1, 2), (1, 2, 1, 1, 2)
    state = State(text, (FREE,) * 5, subject=Subject(source))

    def judged(ids: tuple[int, ...], place: int) -> float:
        [row] = model.logits([State(ids, (FREE,) * len(ids)).around(place)])
        return float(row.double().log_softmax(-1)[ids[place]])

    wanted = sum(judged(text, n) - judged(source, n) for n in (0, 1))
    same = State(source, (FREE,) * 5, subject=Subject(source))
    assert Evidence(noise, model).values([state, same]) == pytest.approx([wanted, 0.0])


def test_the_nearest_is_the_best_of_all_that_the_edits_make() -> None:
    source = State((0, 2, 2, 0), (FREE, FREE, FREE, 1), subject=Subject((0, 2, 2, 0)))
    target = Target(random_bigrams(3, 5), 4.0, [(1.0, Channel(noise))])
    edits = likely_edits(source, noise(source.ids), proposals(3).model, torch.ones(3, dtype=torch.bool))
    assert all(edit.stop <= 3 or edit.start == 4 for edit in edits)  # what is locked stays
    found = nearest(source, edits, target, target, lambda state: True)
    alone = target.points([source, *(applied(source, [edit]) for edit in edits)], [None] * (1 + len(edits)))
    assert found[0].log_target >= max(point.log_target for point in alone)
    assert [point.log_target for point in found] == sorted((p.log_target for p in found), reverse=True)
    assert source in [point.state for point in found]
    held = nearest(source, edits, target, target, lambda state: state == source)
    assert [point.state for point in held] == [source]


def test_a_place_of_a_long_text_is_judged_by_what_is_near_on_either_side() -> None:
    judge, seen = proposals(3).model, []

    class Recording:
        def logits(self, contexts: Sequence[Context]) -> torch.Tensor:
            seen.extend(contexts)
            return judge.logits(contexts)

    ids = tuple(n % 2 for n in range(3 * REACH))
    source, writable = State(ids, (FREE,) * len(ids), subject=Subject(ids)), torch.ones(3, dtype=torch.bool)
    likely_edits(source, noise(ids), Recording(), writable)
    zeros = [place for place, token in enumerate(ids) if token == 0]
    assert seen == [
        Context(ids[max(0, place - REACH) : place], ids[behind : behind + REACH])
        for place, behind in [*((n, n + 1) for n in zeros), *((gap, gap) for gap in source.gaps)]
    ]
