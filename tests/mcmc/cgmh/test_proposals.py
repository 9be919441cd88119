"""The distribution of the token at a place: restricted, sharpened, cut off, mixed, weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

import pytest
import torch
from sequences import TabularContext, everything, random_bigrams
from torch import Tensor

from textgen.mcmc.cgmh.edits import Context, State
from textgen.mcmc.cgmh.proposals import ContextProposals, WeightedProposals
from textgen.models.views import Scored

VOCAB = 6
NOWHERE = Context((), ())
CONTEXTS = [Context((1, 2), (3,)), Context((), (5, 5)), Context((0,), ()), NOWHERE]
NONE = [None] * len(CONTEXTS)
ALLOWED = torch.tensor([True, False, True, True, False, True])


@dataclass
class Given:
    """A `ContextModel` that says the same everywhere, and something else of a token that stands alone."""

    row: Sequence[float]
    alone: Sequence[float] = (0.0,) * 4

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        return torch.tensor([self.alone if context == NOWHERE else self.row for context in contexts])


def distribution(proposals: ContextProposals, contexts: Sequence[Context] = CONTEXTS) -> Tensor:
    """The distributions, as probabilities."""
    found = proposals.distributions(contexts, [None] * len(contexts))
    assert found.dtype == torch.float64
    assert found.exp().sum(-1).tolist() == pytest.approx([1.0] * len(contexts), abs=1e-12)
    return found.exp()


def test_the_distribution_is_the_softmax_over_the_allowed() -> None:
    model = TabularContext(VOCAB, 1)
    found = distribution(ContextProposals(model, ALLOWED))
    assert (found > 0).tolist() == [ALLOWED.tolist()] * len(CONTEXTS)
    torch.testing.assert_close(found[:, ALLOWED], model.logits(CONTEXTS)[:, ALLOWED].softmax(-1))
    assert float((found[0] - found[1]).abs().max()) > 0.05


def test_the_temperature_divides_the_logits() -> None:
    model = TabularContext(VOCAB, 1)
    found = distribution(ContextProposals(model, everything(VOCAB), temperature=0.4))
    torch.testing.assert_close(found, (model.logits(CONTEXTS) / 0.4).softmax(-1))


@pytest.mark.parametrize(
    ("top_k", "row", "kept"),
    [
        (0, [1.0, 2.0, 0.0, 3.0], [0, 1, 2, 3]),
        (1, [1.0, 2.0, 0.0, 3.0], [3]),
        (3, [1.0, 2.0, 0.0, 3.0], [0, 1, 3]),
        (4, [1.0, 2.0, 0.0, 3.0], [0, 1, 2, 3]),
        (9, [1.0, 2.0, 0.0, 3.0], [0, 1, 2, 3]),
        # of equals the smaller id
        (2, [1.0, 2.0, 1.0, 1.0], [0, 1]),
        (3, [1.0, 2.0, 1.0, 1.0], [0, 1, 2]),
        (1, [0.0, 2.0, 2.0, 2.0], [1]),
        (2, [1.0, 1.0, 1.0, 1.0], [0, 1]),
        # what is not allowed takes no room
        (2, [1.0, 2.0, 0.0, inf], [0, 1]),
    ],
)
def test_the_best_few(top_k: int, row: list[float], kept: list[int]) -> None:
    allowed = torch.tensor([value < inf for value in row])
    model = Given([9.0 if value == inf else value for value in row])
    [found] = distribution(ContextProposals(model, allowed, top_k=top_k), CONTEXTS[:1])
    assert found.nonzero()[:, 0].tolist() == kept
    torch.testing.assert_close(found[kept], torch.tensor([row[n] for n in kept]).double().softmax(0))


def test_more_than_are_allowed_are_all_that_are_allowed() -> None:
    model = TabularContext(VOCAB, 1)
    found = distribution(ContextProposals(model, ALLOWED, top_k=5))
    torch.testing.assert_close(found, distribution(ContextProposals(model, ALLOWED)))


def test_ties_of_many_pieces_are_broken_by_id() -> None:
    """A sort that is not stable shows only on long rows."""
    model = Given([0.0] * 300, [0.0] * 300)
    found = distribution(ContextProposals(model, everything(300), top_k=100), CONTEXTS[:1])
    assert found[0].nonzero()[:, 0].tolist() == list(range(100))


def test_the_mixture_is_with_the_distribution_of_a_token_that_stands_alone() -> None:
    model = Given([0.0, 1.0, 2.0, 3.0], [2.0, 0.0, 0.0, 1.0])
    allowed = torch.tensor([True, True, False, True])
    proposals = ContextProposals(model, allowed, temperature=0.5, top_k=1, epsilon=0.25)
    unigram = torch.tensor([2.0, 0.0, -inf, 1.0], dtype=torch.float64).softmax(0)
    torch.testing.assert_close(proposals.unigram.exp(), unigram)
    [found] = distribution(proposals, CONTEXTS[:1])
    torch.testing.assert_close(found, 0.75 * torch.tensor([0.0, 0, 0, 1]).double() + 0.25 * unigram)
    assert found[2] == 0


def test_the_whole_mixture_is_the_unigram_distribution() -> None:
    proposals = ContextProposals(TabularContext(VOCAB, 1), ALLOWED, epsilon=1.0)
    found = distribution(proposals)
    torch.testing.assert_close(found, proposals.unigram.exp().expand_as(found))


def test_candidates_are_ranked_over_the_allowed() -> None:
    proposals = ContextProposals(
        Given([1.0, 5.0, 3.0, 3.0]), torch.tensor([True, False, True, True]), top_k=1
    )
    assert proposals.candidates(CONTEXTS[:2], 3).tolist() == [[2, 3, 0]] * 2
    assert proposals.candidates(CONTEXTS[:1], 1).tolist() == [[2]]


def test_together_equals_alone() -> None:
    proposals = ContextProposals(TabularContext(VOCAB, 1), ALLOWED, temperature=0.8, top_k=2, epsilon=0.1)
    weighted = WeightedProposals(proposals, random_bigrams(VOCAB, 2), 0.7, 2)
    for distributions in (proposals, weighted):
        together = distributions.distributions(CONTEXTS, NONE)
        for n, context in enumerate(CONTEXTS):
            alone = distributions.distributions([context], [None])
            assert torch.equal(together[n], alone[0])


# weighed by a language model


def weighted(count: int, *, power: float = 0.7, epsilon: float = 0.0) -> WeightedProposals:
    proposals = ContextProposals(TabularContext(VOCAB, 1), ALLOWED, temperature=9.0, top_k=1, epsilon=epsilon)
    return WeightedProposals(proposals, random_bigrams(VOCAB, 2), power, count)


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (3, 3), (4, 4), (50, 4)])
def test_candidates_are_weighed_by_the_text_with_them(count: int, kept: int) -> None:
    distributions = weighted(count)
    found = distributions.distributions(CONTEXTS, NONE)
    best = distributions.proposals.candidates(CONTEXTS, kept).tolist()
    for context, row, candidates in zip(CONTEXTS, found, best, strict=True):
        assert sorted(candidates) == (row > -inf).nonzero()[:, 0].tolist()
        texts = [(*context.left, token, *context.right) for token in candidates]
        logprobs = [distributions.model.logprob(text) for text in texts]
        torch.testing.assert_close(
            row[candidates], (0.7 * torch.tensor(logprobs, dtype=torch.float64)).log_softmax(-1)
        )
        assert all(ALLOWED[token] for token in candidates)


def test_the_weighed_distribution_is_mixed_in_the_end() -> None:
    plain = weighted(2).distributions(CONTEXTS, NONE)
    distributions = weighted(2, epsilon=0.2)
    found = distributions.distributions(CONTEXTS, NONE)
    torch.testing.assert_close(found.exp(), 0.8 * plain.exp() + 0.2 * distributions.proposals.unigram.exp())
    assert (found > -inf).tolist() == [ALLOWED.tolist()] * len(CONTEXTS)


def test_every_candidate_is_scored_from_its_own_parent() -> None:
    distributions = weighted(3)
    parents = distributions.model.score([(1, 2, 4, 3), (5, 5), (0, 1), ()], NONE)
    distributions.model.calls.clear()
    distributions.distributions(CONTEXTS, parents)
    [(texts, given)] = distributions.model.calls
    assert len(texts) == 12
    assert given == [parent.memory for parent in parents for _ in range(3)]
    for n, context in enumerate(CONTEXTS):
        for text in texts[3 * n : 3 * n + 3]:
            assert text[: len(context.left)] == context.left
            assert text[len(context.left) + 1 :] == context.right


@pytest.mark.parametrize(
    "distributions", [ContextProposals(TabularContext(VOCAB, 1), ALLOWED, top_k=2), weighted(2)]
)
def test_the_distribution_is_the_same_for_a_move_and_its_reverse(
    distributions: ContextProposals | WeightedProposals,
) -> None:
    """It sees what stands around the place, not what is in it."""
    state = State.of([((1, 2), 1), ((3, 5, 0), 0)])
    for place in state.free:
        for token in range(VOCAB):
            after = state.replaced(place, token)
            found = distributions.distributions([state.around(place), after.around(place)], [None, None])
            assert torch.equal(found[0], found[1])
        without = state.deleted(place)
        found = distributions.distributions([state.around(place), without.at_gap(place)], [None, None])
        assert torch.equal(found[0], found[1])
    assert found[0].exp().sum() == pytest.approx(1.0)
    assert found[0].max() < log(0.999)


class Impossible:
    """A language model that thinks nothing possible."""

    def score(
        self,
        texts: Sequence[tuple[int, ...]],
        parents: Sequence[Scored | None],
        *,
        remember: bool = True,
    ) -> list[Scored]:
        return [Scored(-inf) for _ in texts]


def test_candidates_that_are_all_impossible_are_alike() -> None:
    proposals = ContextProposals(TabularContext(VOCAB, 1), ALLOWED)
    impossible = Impossible()
    [found] = WeightedProposals(proposals, impossible, 0.0, 2).distributions(CONTEXTS[:1], [None])
    assert sorted(found.exp().tolist())[-2:] == pytest.approx([0.5, 0.5])


def test_many_candidates_are_scored_in_parts() -> None:
    distributions = weighted(3)
    contexts = [*CONTEXTS] * 10
    distributions.model.calls.clear()
    found = distributions.distributions(contexts, [None] * len(contexts))
    assert [len(texts) for texts, _ in distributions.model.calls] == [63, 57]
    assert torch.equal(found[: len(CONTEXTS)], weighted(3).distributions(CONTEXTS, NONE))
