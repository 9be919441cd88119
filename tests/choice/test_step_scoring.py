"""From raw logits to the scores that rank, the log-probabilities that are told, and what is drawn from."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from textgen.choice import filters
from textgen.choice.filters import Filter
from textgen.choice.scoring import Scoring, stuck

VOCAB = 7
IDS = torch.tensor([[1, 2, 2], [3, 4, 5], [6, 6, 6]])
LOGITS = 2 * torch.randn(3, VOCAB, generator=torch.Generator().manual_seed(0))


def allowed(*banned: int) -> Tensor:
    found = torch.ones(VOCAB, dtype=torch.bool)
    found[list(banned)] = False
    return found


def ban(token: int) -> Filter:
    return lambda ids, scores: scores.index_fill(1, torch.tensor([token]), -torch.inf)


def restricted(*banned: int) -> Tensor:
    """The model's probabilities renormalised by hand."""
    probs = LOGITS.double().softmax(-1)
    probs[:, list(banned)] = 0
    return probs / probs.sum(-1, keepdim=True)


def test_the_allowed_ids_are_renormalised() -> None:
    logprobs, search = Scoring(allowed(0, 5))(IDS, LOGITS)
    torch.testing.assert_close(logprobs.exp(), restricted(0, 5).float())
    assert torch.equal(search, logprobs)
    assert (search[:, [0, 5]] == -torch.inf).all()


def test_laws_belong_to_the_restriction() -> None:
    logprobs, search = Scoring(allowed(0), task=[ban(3)])(IDS, LOGITS)
    torch.testing.assert_close(logprobs.exp(), restricted(0, 3).float())
    assert torch.equal(search, logprobs)


def test_hard_bans_are_not_renormalised() -> None:
    logprobs, search = Scoring(allowed(0), hard=[ban(2), ban(4)])(IDS, LOGITS)
    torch.testing.assert_close(logprobs.exp(), restricted(0).float())
    assert (search[:, [0, 2, 4]] == -torch.inf).all()
    assert torch.equal(search[:, [1, 3, 5, 6]], logprobs[:, [1, 3, 5, 6]])
    assert (search.exp().sum(-1) < 0.999).all()


def test_soft_filters_rank_and_leave_the_logprob_alone() -> None:
    penalty = partial(filters.repetition_penalty, penalty=3.0)
    logprobs, search = Scoring(allowed(0), soft=[penalty])(IDS, LOGITS)
    torch.testing.assert_close(logprobs.exp(), restricted(0).float())
    wanted = penalty(IDS, LOGITS.masked_fill(~allowed(0), -torch.inf)).log_softmax(-1)
    torch.testing.assert_close(search, wanted)
    torch.testing.assert_close(search.exp().sum(-1), torch.ones(3))
    assert not torch.allclose(search, logprobs)


def test_the_penalty_sees_raw_logits() -> None:
    """On log-probabilities, all negative, the penalty would act otherwise."""
    logits = torch.tensor([[5.0, 4.0, 1.0]])
    penalty = partial(filters.repetition_penalty, penalty=2.0)
    _, search = Scoring(torch.ones(3, dtype=torch.bool), soft=[penalty])(torch.tensor([[0]]), logits)
    torch.testing.assert_close(search, torch.tensor([[2.5, 4.0, 1.0]]).log_softmax(-1))


def test_the_order() -> None:
    seen: list[tuple[str, Tensor, Tensor]] = []

    def spy(name: str, banned: int) -> Filter:
        def apply(ids: Tensor, scores: Tensor) -> Tensor:
            seen.append((name, ids, scores.clone()))
            return ban(banned)(ids, scores)

        return apply

    scoring = Scoring(
        allowed(0),
        task=[spy("task", 1)],
        soft=[spy("soft", 2)],
        hard=[spy("hard", 3), spy("hard2", 4)],
        draw=[spy("draw", 5), spy("draw2", 0)],
    )
    logprobs, search = scoring(IDS, LOGITS)
    assert [name for name, _, _ in seen] == ["task", "soft", "hard", "hard2"]
    drawn = scoring.drawn(IDS, search)
    assert [name for name, _, _ in seen] == ["task", "soft", "hard", "hard2", "draw", "draw2"]
    assert all(ids is IDS for _, ids, _ in seen)

    given = {name: scores for name, _, scores in seen}
    masked = LOGITS.masked_fill(~allowed(0), -torch.inf)
    assert torch.equal(given["task"], masked)
    assert torch.equal(given["soft"], masked.index_fill(1, torch.tensor([1]), -torch.inf))
    torch.testing.assert_close(given["hard"].exp(), restricted(0, 1, 2).float())
    assert torch.equal(given["draw"], search)

    torch.testing.assert_close(logprobs.exp(), restricted(0, 1).float())
    torch.testing.assert_close(drawn, restricted(0, 1, 2, 3, 4, 5).float())


def test_draw_filters_apply_only_to_draws() -> None:
    scoring = Scoring(allowed(), draw=[lambda ids, scores: filters.top_k(scores / 0.5, 2)])
    plain = Scoring(allowed())
    logprobs, search = scoring(IDS, LOGITS)
    assert torch.equal(search, plain(IDS, LOGITS)[1])
    assert torch.equal(logprobs, search)
    drawn = scoring.drawn(IDS, search)
    assert ((drawn > 0).sum(-1) == 2).all()
    best = LOGITS.double().topk(2).values.mul(2).softmax(-1)
    torch.testing.assert_close(drawn.topk(2).values, best.float())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_scores_are_float32(dtype: torch.dtype) -> None:
    scoring = Scoring(allowed())
    logprobs, search = scoring(IDS, LOGITS.to(dtype))
    assert logprobs.dtype == search.dtype == scoring.drawn(IDS, search).dtype == torch.float32


@pytest.mark.parametrize("kind", ["allowed", "task", "soft", "hard"])
def test_a_row_that_has_no_id_left_is_stuck(kind: str) -> None:
    def all_of_one_row(ids: Tensor, scores: Tensor) -> Tensor:
        return scores.index_fill(0, torch.tensor([1]), -torch.inf)

    scoring = Scoring(allowed(*range(VOCAB))) if kind == "allowed" else None
    scoring = scoring or Scoring(allowed(), **{kind: [all_of_one_row]})
    logprobs, search = scoring(IDS, LOGITS)
    assert stuck(search).tolist() == ([True] * 3 if kind == "allowed" else [False, True, False])
    assert not logprobs.isnan().any()
    assert not search.isnan().any()
    assert torch.equal(scoring.drawn(IDS, search).sum(-1) == 0, stuck(search))


def test_a_row_with_one_id_left_is_fine() -> None:
    _, search = Scoring(allowed(0, 1, 2, 3, 4, 5))(IDS, LOGITS)
    assert torch.equal(search[:, 6], torch.zeros(3))
