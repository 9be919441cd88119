"""Filters of next-token scores: small pure functions over `(rows, vocab)`.

The order in which they apply is fixed, since they do not commute: allowed ids, repetition penalty,
log-softmax, no-repeat n-gram and least length; then, for sampling only, temperature, top-k, top-p, min-p,
typical. Each equals the transformers processor of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor

# the call contract of transformers' LogitsProcessor: (ids so far (rows, length), scores (rows, vocab))
Filter = Callable[[Tensor, Tensor], Tensor]

BANNED = -torch.inf


def temperature(scores: Tensor, value: float) -> Tensor:
    """Divide by the temperature."""
    return scores / value


def top_k(scores: Tensor, k: int) -> Tensor:
    """Keep the k largest. Fan et al. 2018, https://arxiv.org/abs/1805.04833."""
    least = scores.topk(min(k, scores.shape[-1])).values[:, -1:]
    return scores.masked_fill(scores < least, BANNED)


def top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the smallest set of the most probable with mass p or more; at least one.

    Holtzman et al. 2019, https://arxiv.org/abs/1904.09751.
    """
    ascending, order = scores.sort(stable=True)
    removed = ascending.softmax(-1).cumsum(-1) <= 1 - p
    removed[:, -1] = False
    return scores.masked_fill(_unsorted(removed, order), BANNED)


def min_p(scores: Tensor, share: float) -> Tensor:
    """Keep what is at least this share as probable as the best. Nguyen et al. 2024."""
    probs = scores.softmax(-1)
    return scores.masked_fill(probs < share * probs.amax(-1, keepdim=True), BANNED)


def typical(scores: Tensor, mass: float) -> Tensor:
    """Keep the smallest set of mass `mass` whose surprisal is nearest to the entropy.

    Meister et al. 2022, https://arxiv.org/abs/2202.00666.
    """
    logprobs = scores.log_softmax(-1)
    probs = logprobs.exp()
    entropy = -(probs * logprobs).nansum(-1, keepdim=True)
    distance, order = (-logprobs - entropy).abs().sort(stable=True)
    before = probs.gather(-1, order).cumsum(-1) < mass
    last = before.sum(-1, keepdim=True).clamp_(max=scores.shape[-1] - 1)
    removed = distance > distance.gather(-1, last)
    return scores.masked_fill(_unsorted(removed, order), BANNED)


def repetition_penalty(ids: Tensor, scores: Tensor, penalty: float, exempt: Collection[int] = ()) -> Tensor:
    """Make pieces that are already there less likely: positive logits divided, negative multiplied.

    Keskar et al. 2019 (CTRL), https://arxiv.org/abs/1909.05858. For raw logits only.

    Args:
        ids: `(rows, length)`, what each row holds so far.
        scores: `(rows, vocab)`.
        penalty: Above 1 discourages.
        exempt: Ids never touched: the end symbol, padding.
    """
    seen = scores.gather(1, ids)
    changed = torch.where(seen < 0, seen * penalty, seen / penalty)
    out = scores.scatter(1, ids, changed)
    kept = torch.tensor(sorted(exempt), dtype=torch.long)
    out[:, kept] = scores[:, kept]
    return out


def no_repeat_ngram(ids: Tensor, scores: Tensor, n: int, exempt: Collection[int] = ()) -> Tensor:
    """Ban the pieces that would complete an n-gram for the second time.

    Args:
        ids: `(rows, length)`, what each row holds so far.
        scores: `(rows, vocab)`.
        n: Pieces of an n-gram, at least 1.
        exempt: Ids never banned: the end symbol.
    """
    if ids.shape[1] < n:
        return scores
    out = scores.clone()
    grams = ids.unfold(1, n, 1)
    tail = ids[:, ids.shape[1] - n + 1 :]
    row, start = (grams[..., :-1] == tail[:, None]).all(-1).nonzero(as_tuple=True)
    out[row, grams[row, start, -1]] = BANNED
    kept = torch.tensor(sorted(exempt), dtype=torch.long)
    out[:, kept] = scores[:, kept]
    return out


def least_length(ids: Tensor, scores: Tensor, length: int, eos: int) -> Tensor:
    """Ban the end symbol while the rows hold fewer than `length` ids."""
    if ids.shape[1] >= length:
        return scores
    out = scores.clone()
    out[:, eos] = BANNED
    return out


def _unsorted(removed: Tensor, order: Tensor) -> Tensor:
    return torch.zeros_like(removed).scatter(1, order, removed)
