"""Who sees whom in two streams, and what of the gold text leaks from one into the other."""

from __future__ import annotations

import pytest
import torch
from leaks import leaked

from textgen.models.families.teacher_forcing import visible

# a source of two places, then two streams of two
HEARD = [
    [1, 1, 0, 0, 0, 0],
    [1, 1, 0, 0, 0, 0],
    [1, 1, 1, 0, 1, 0],
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, 0, 1, 0],
    [1, 1, 1, 1, 1, 1],
]
UNHEARD = [
    [1, 1, 0, 0, 0, 0],
    [1, 1, 0, 0, 0, 0],
    [1, 1, 1, 0, 0, 0],
    [1, 1, 1, 1, 0, 0],
    [1, 1, 0, 0, 1, 0],
    [1, 1, 0, 0, 1, 1],
]


@pytest.mark.parametrize(("interaction", "rows"), [(True, HEARD), (False, UNHEARD)])
def test_who_sees_whom(interaction: bool, rows: list[list[int]]) -> None:
    stream, step = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 0, 1, 0, 1])
    seen = visible(stream, step, interaction=interaction)
    assert seen.dtype == torch.bool
    assert seen.long().tolist() == rows
    order = torch.tensor([4, 2, 0, 5, 3, 1])  # in any order of the places
    shuffled = visible(stream[order], step[order], interaction=interaction)
    assert torch.equal(shuffled, seen[order][:, order])


def test_interaction_is_the_default() -> None:
    stream, step = torch.tensor([0, 1, 2, 1]), torch.tensor([0, 0, 0, 1])
    assert torch.equal(visible(stream, step), visible(stream, step, interaction=True))


@pytest.mark.parametrize("interaction", [True, False])
def test_a_source_never_sees_a_target(interaction: bool) -> None:
    """Whatever the steps are; and a stream on its own has the mask of UniLM."""
    generator = torch.Generator().manual_seed(1)
    stream = torch.randint(0, 3, (40,), generator=generator)
    step = torch.randint(0, 9, (40,), generator=generator)
    seen = visible(stream, step, interaction=interaction)
    source = stream == 0
    assert not seen[source][:, ~source].any()
    assert seen[:, source].all()
    one = visible(torch.tensor([0, 0, 0, 2, 2, 2]), torch.tensor([0, 1, 2, 0, 1, 2]), interaction=interaction)
    level = torch.tensor([0, 0, 0, 1, 2, 3])
    assert torch.equal(one, level[None, :] <= level[:, None])


def test_steps_leaked_by_hand() -> None:
    def steps(length: int) -> list[int]:
        gold = list(range(1, length + 1))
        count = [leaked(gold[:n], gold[::-1]) for n in range(length + 1)]
        return [n for n in gold if count[n] > count[n - 1]]

    assert steps(5) == [4, 5]
    assert steps(8) == [5, 6, 7, 8]
    assert steps(20) == list(range(11, 21))


@pytest.mark.parametrize("length", range(1, 31))
def test_half_of_a_gold_text_is_leaked(length: int) -> None:
    forth = list(range(length))
    back = forth[::-1]
    assert leaked(forth, back) == length // 2
    assert leaked(back, forth) == length // 2
    pseudo = [f"own {n}" for n in range(length)]
    assert leaked(forth, pseudo) == 0
    assert leaked(back, pseudo) == 0
    assert leaked(pseudo, forth) == 0


def test_a_stream_partly_of_gold_leaks_that_part() -> None:
    """Text of the model's own may hold a gold place early, or too late to give anything away."""
    assert leaked([1, 2, 3, 4], [4, "a", 3, "b"]) == 1
    assert leaked([1, 2, 3, 4], ["a", "b", 4, "c"]) == 1
    assert leaked([1, 2, 3, 4], ["a", "b", "c", 4]) == 0
    assert leaked([1, 2, 3, 4], []) == 0
    assert leaked([], [1]) == 0


@pytest.mark.parametrize("length", range(1, 31))
@pytest.mark.parametrize("fed", ["gold", "pseudo"])
def test_the_mask_shows_what_counts_as_leaked(length: int, fed: str) -> None:
    """Lay both streams out behind a source and look through the mask for each target."""
    forth: list[int] = list(range(1, length + 1))
    back = forth[::-1]
    other = forth if fed == "gold" else [-place for place in forth]
    for stream, targets, inputs in [(1, forth, other[::-1]), (2, back, other)]:
        own = [0, *targets]  # 0: a source place or a direction token
        theirs = [0, *inputs]
        columns = [0] * 3 + (own + theirs if stream == 1 else theirs + own)
        streams = torch.tensor([0] * 3 + [1] * (length + 1) + [2] * (length + 1))
        count = torch.arange(length + 1)
        step = torch.cat([torch.arange(3), count, count])
        for interaction in (True, False):
            seen = visible(streams, step, interaction=interaction)
            shown = 0
            for n, target in enumerate(targets):
                (row,) = seen[(streams == stream) & (step == n)]
                shown += any(row[at] and place == target for at, place in enumerate(columns))
            assert shown == (leaked(targets, inputs) if interaction else 0)
