"""A chain over the tokens of one vocabulary samples what a model of another says of their text, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from math import exp, inf
from typing import Any

import pytest
import torch
from sequences import (
    BigramModel,
    Space,
    at_most,
    closed_classes,
    distance,
    proposals,
    random_bigrams,
    space_of,
    states_of,
    stationary,
    transitions,
)
from torch import Tensor

from textgen.mcmc.cgmh.edits import Operations, State
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.proposals import Proposals, WeightedProposals
from textgen.mcmc.cgmh.target import Length, Target
from textgen.models.text_scores import TextScores
from textgen.models.views import Ids, Scored, SequenceModel

WRITTEN = ("a", "b", "ab", "x")  # two ways to write ab
READ = ("a", "b", "aa", "ba")  # over the edges of what was written; no x
MOST = 3  # tokens of a state
LONGEST = 3  # tokens that the model reads
LENGTH = 0.7  # reward of a token written
KEYWORD = (1,)


@dataclass(frozen=True)
class Pieces:
    """A tokenizer that takes the longest piece there is, and passes over what it has none for."""

    pieces: tuple[str, ...]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.pieces[i] for i in ids)

    def encode(self, text: str) -> list[int]:
        ids, at = [], 0
        while at < len(text):
            known = [piece for piece in self.pieces if text.startswith(piece, at)]
            if known:
                ids.append(self.pieces.index(max(known, key=len)))
            at += max(map(len, known), default=1)
        return ids

    def lost(self, text: str) -> tuple[str, ...]:
        return tuple(c for c in dict.fromkeys(text) if c not in self.pieces)


class Bigrams(BigramModel):
    """One that reads texts of some length alone."""

    longest = LONGEST


class LosesSilently(Pieces):
    def lost(self, text: str) -> tuple[str, ...]:
        return ()


class EachAlone(TextScores):
    """Reads every token by itself, not the text."""

    def score(self, texts: Any, parents: Any, *, remember: bool = True) -> list[Scored]:
        reader, writer = self.reader, self.writer
        read = [tuple(n for i in text for n in reader.encode(writer.decode([i]))) for text in texts]
        lost = [bool(reader.lost(writer.decode(list(text)))) for text in texts]
        possible = [not bad and len(row) <= LONGEST for row, bad in zip(read, lost, strict=True)]
        rows = [row if good else () for row, good in zip(read, possible, strict=True)]
        scored = self.model.score(rows, parents)
        return [one if good else Scored(-inf) for one, good in zip(scored, possible, strict=True)]


def model(reader: Pieces = Pieces(READ), kind: type[TextScores] = TextScores) -> TextScores:
    writer: Any = Pieces(WRITTEN)
    return kind(Bigrams(random_bigrams(len(READ), 11).table), reader, writer)  # type: ignore[arg-type]


def kernel(scores: SequenceModel, *, candidates: int = 0) -> Cgmh:
    target = Target(scores, 1.0, [(LENGTH, Length())], [at_most(MOST)])
    drawn = proposals(len(WRITTEN), epsilon=0.1)
    chosen: Proposals = WeightedProposals(drawn, scores, 1.0, candidates) if candidates else drawn
    return Cgmh(target, chosen, Operations(0.3, 0.4, 0.2))


@cache
def states() -> list[State]:
    return states_of([KEYWORD], len(WRITTEN), MOST)


def logprob(text: str) -> float:
    """By hand: of the tokens that are read of a text, from a table."""
    table = random_bigrams(len(READ), 11).table
    ids, rest = [], text
    while rest:
        piece = next(piece for piece in ("aa", "ba", "a", "b") if rest.startswith(piece))
        ids.append(READ.index(piece))
        rest = rest.removeprefix(piece)
    if len(ids) > LONGEST:
        return -inf
    path = [len(READ), *ids, len(READ)]
    return sum(float(table[one, other]) for one, other in pairwise(path))


def exact() -> dict[State, float]:
    """The distribution, normalised, by enumeration; what has none is left out."""
    found = {}
    for state in states():
        text = "".join(WRITTEN[i] for i in state.ids)
        weight = 0.0 if "x" in text else exp(logprob(text) + LENGTH * len(state.ids))
        if weight:
            found[state] = weight
    total = sum(found.values())
    return {state: weight / total for state, weight in found.items()}


def wanted(space: Space) -> Tensor:
    """The exact distribution over a space, which may hold more."""
    known = exact()
    return torch.tensor([known.get(point.state, 0.0) for point in space.points], dtype=torch.float64)


def test_the_toy_has_what_it_is_to_show() -> None:
    known = exact()
    texts = ["".join(WRITTEN[i] for i in state.ids) for state in known]
    assert len(set(texts)) < len(texts)  # one text, several states
    assert any("x" in "".join(WRITTEN[i] for i in state.ids) for state in states())
    too_long = [state for state in states() if state not in known and 3 not in state.ids]
    assert too_long  # of few tokens, which are many to the model
    assert max(known.values()) < 0.3


@pytest.mark.parametrize("candidates", [0, 2])
def test_the_distribution_is_invariant_and_the_only_one(candidates: int) -> None:
    chain = kernel(model(), candidates=candidates)
    space = space_of(chain, states())
    known = exact()
    assert space.number.keys() == known.keys()
    matrix, distribution = transitions(chain, space), wanted(space)
    assert (distribution @ matrix - distribution).abs().max() < 1e-10
    assert closed_classes(matrix) == 1
    assert distance(stationary(matrix), distribution) < 1e-9


@pytest.mark.parametrize(
    "broken",
    [model(LosesSilently(READ)), model(kind=EachAlone)],
    ids=["what is lost is passed over", "tokens are read one by one"],
)
def test_other_ways_to_read_sample_another_distribution(broken: TextScores) -> None:
    chain = kernel(broken)
    space = space_of(chain, states())
    assert distance(stationary(transitions(chain, space)), wanted(space)) > 0.05


def test_what_was_known_changes_nothing() -> None:
    texts: list[Ids] = [row for n in range(MOST + 1) for row in product(range(len(WRITTEN)), repeat=n)]
    fresh = [model().score([text], [None])[0].logprob for text in texts]
    one = model()
    together = [scored.logprob for scored in one.score(texts, [None] * len(texts))]
    again = [scored.logprob for scored in one.score(texts[::-1], [None] * len(texts))][::-1]
    assert fresh == together == again
    inner: Any = one.model
    read = [text for call, _ in inner.calls for text in call]
    assert len(read) == len(set(read)) < len(texts)  # each text once, and none that is impossible
