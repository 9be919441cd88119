"""The likeness of two texts is the cosine of the means of their tokens' vectors."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from textgen.mcmc.cgmh.edits import State, Subject
from textgen.mcmc.cgmh.similarity import Similarity

CLS, SEP = 8, 9
VECTORS = torch.randn(10, 6, generator=torch.Generator().manual_seed(1))


@dataclass
class ByPiece:
    """An encoder that gives every token a vector of its own, and padding and frame strange ones."""

    calls: list[int] = field(default_factory=list)

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        self.calls.append(len(ids))
        assert all(int(row[0]) == CLS and int(row[n - 1]) == SEP for row, n in zip(ids, lengths, strict=True))
        return VECTORS[ids]


def of(ids: tuple[int, ...], source: tuple[int, ...]) -> State:
    return State(ids, (0,) * len(ids), subject=Subject(source))


def test_it_is_the_cosine_of_the_means_without_the_frame() -> None:
    source = (1, 2, 3)
    states = [of(ids, source) for ids in [(1, 2, 3), (3, 1, 2), (4,), (1, 2) * 12]]
    found = Similarity(ByPiece(), CLS, SEP).values(states)
    assert found[:2] == pytest.approx([1.0, 1.0])
    means = [VECTORS[list(state.ids)].mean(0) for state in states]
    wanted = [float(torch.cosine_similarity(mean, means[0], dim=0)) for mean in means]
    assert found == pytest.approx(wanted, abs=1e-6)
    assert max(found[2:]) < 0.99


def test_rows_of_several_sources_and_lengths_keep_their_own() -> None:
    states = [of((1,) * n, (n % 5, 2)) for n in (1, 30, 2, 17)]
    similarity = Similarity(ByPiece(), CLS, SEP)
    assert similarity.values(states) == [Similarity(ByPiece(), CLS, SEP).values([s])[0] for s in states]


def test_a_source_is_read_once() -> None:
    encoder = ByPiece()
    similarity = Similarity(encoder, CLS, SEP)
    for _ in range(3):
        similarity.values([of((4, 5), (1, 2)), of((4,), (1, 2))])
    assert encoder.calls == [1, 2, 2, 2]


def test_an_empty_text_is_compared_by_its_frame() -> None:
    [found] = Similarity(ByPiece(), CLS, SEP).values([of((), (1,))])
    frame = VECTORS[[CLS, SEP]].mean(0)
    assert found == pytest.approx(float(torch.cosine_similarity(frame, VECTORS[1], dim=0)), abs=1e-6)
