"""Filters of next-token scores: small pure functions over `(rows, vocab)`.

The order in which they apply is fixed, since they do not commute:

1. allowed ids, and the task's own filters (whole characters): the model is restricted to them;
2. on raw logits: repetition penalty, presence and frequency penalty; then the log-softmax;
3. bans, which do not renormalise: no-repeat n-gram, avoid, one-of, least length;
4. for sampling only: temperature, top-k, top-p, min-p, typical, epsilon, eta.

Each equals the transformers processor of its name, where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor

# the call contract of transformers' LogitsProcessor: (ids so far (rows, length), scores (rows, vocab))
Filter = Callable[[Tensor, Tensor], Tensor]

BANNED = -torch.inf
HEAD = 1024  # of the most probable tokens, which mostly hold a nucleus


def temperature(scores: Tensor, value: float) -> Tensor:
    """Divide by the temperature."""
    return scores / value


def top_k(scores: Tensor, k: int) -> Tensor:
    """Keep the k largest. Fan et al. 2018, https://arxiv.org/abs/1805.04833."""
    least = scores.topk(min(k, scores.shape[-1])).values[:, -1:]
    return scores.masked_fill(scores < least, BANNED)


def top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the smallest set of the most probable with mass p or more; at least one.

    Holtzman et al. 2019, https://arxiv.org/abs/1904.09751. Of equally probable ones the last are kept, as
    after a stable sort.
    """
    probs = scores.softmax(-1)
    least, surplus = _nucleus(probs, p, min(HEAD, probs.shape[-1]))
    kept = probs >= least
    if bool(surplus.any()):
        equal = probs == least
        kept &= ~equal | (equal.cumsum(-1) > surplus)
    return torch.where(kept, scores, BANNED)


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


def epsilon(scores: Tensor, cutoff: float) -> Tensor:
    """Keep what is at least this probable, and the best anyway.

    Hewitt et al. 2022, https://arxiv.org/abs/2210.15191.
    """
    return _at_least(scores, scores.softmax(-1), cutoff)


def eta(scores: Tensor, cutoff: float) -> Tensor:
    """Keep what is at least as probable as min(e, sqrt(e) exp(-entropy)), and the best anyway.

    The flatter the distribution, the less is cut. Hewitt et al. 2022, https://arxiv.org/abs/2210.15191.

    Args:
        scores: `(rows, vocab)`.
        cutoff: The e above.
    """
    logprobs = scores.log_softmax(-1)
    probs = scores.softmax(-1)
    entropy = -(probs * logprobs).nansum(-1, keepdim=True)
    return _at_least(scores, probs, (math.sqrt(cutoff) * (-entropy).exp()).clamp(max=cutoff))


def repetition_penalty(ids: Tensor, scores: Tensor, penalty: float, exempt: Collection[int] = ()) -> Tensor:
    """Make tokens that are already there less likely: positive logits divided, negative multiplied.

    Keskar et al. 2019 (CTRL), https://arxiv.org/abs/1909.05858. For raw logits only.

    Args:
        ids: `(rows, length)`, what each row holds so far.
        scores: `(rows, vocab)`.
        penalty: Above 1 discourages.
        exempt: Ids never touched: the end symbol, padding.
    """
    seen = scores.gather(1, ids)
    changed = torch.where(seen < 0, seen * penalty, seen / penalty)
    return _with_exempt(scores.scatter(1, ids, changed), scores, exempt)


def presence_frequency(
    ids: Tensor, scores: Tensor, presence: float, frequency: float, exempt: Collection[int] = ()
) -> Tensor:
    """Take from the logit of a token that is there c times `presence + frequency * c`.

    Unlike the repetition penalty it does not depend on where the zero of the logits lies. The formula is
    that of the OpenAI API, https://platform.openai.com/docs/api-reference/completions.

    Args:
        ids: `(rows, length)`, what each row holds so far.
        scores: `(rows, vocab)`, raw logits.
        presence: Taken once; below 0 encourages.
        frequency: Taken for every occurrence.
        exempt: Ids never touched: the end symbol, padding.
    """
    counts = torch.zeros_like(scores).scatter_add_(1, ids, torch.ones_like(ids, dtype=scores.dtype))
    out = scores - presence * (counts > 0) - frequency * counts
    return _with_exempt(out, scores, exempt)


def no_repeat_ngram(
    ids: Tensor,
    scores: Tensor,
    n: int,
    exempt: Collection[int] = (),
    spared: Collection[tuple[int, ...]] = (),
) -> Tensor:
    """Ban the tokens that would complete an n-gram for the second time.

    Args:
        ids: `(rows, length)`, what each row holds so far.
        scores: `(rows, vocab)`.
        n: Tokens of an n-gram, at least 1.
        exempt: Ids never banned as the last of an n-gram: the end symbol, punctuation.
        spared: Runs of tokens in writing order, such as keywords, that may always be begun, gone on
            with and completed.
    """
    if ids.shape[1] < n:
        return scores
    out = scores.clone()
    grams = ids.unfold(1, n, 1)
    tail = ids[:, ids.shape[1] - n + 1 :]
    row, start = (grams[..., :-1] == tail[:, None]).all(-1).nonzero(as_tuple=True)
    out[row, grams[row, start, -1]] = BANNED
    for run in spared:
        for held, token in enumerate(run[: ids.shape[1] + 1]):
            begun = ids[:, ids.shape[1] - held :] == ids.new_tensor(run[:held])
            rows = begun.all(-1)
            out[rows, token] = scores[rows, token]
    return _with_exempt(out, scores, exempt)


def least_length(ids: Tensor, scores: Tensor, length: int, eos: int) -> Tensor:
    """Ban the end symbol while the rows hold fewer than `length` ids.

    With `length = given + m` at least m tokens are written before the end.
    """
    if ids.shape[1] >= length:
        return scores
    out = scores.clone()
    out[:, eos] = BANNED
    return out


def _at_least(scores: Tensor, probs: Tensor, least: float | Tensor) -> Tensor:
    removed = (probs < least) & (scores < scores.amax(-1, keepdim=True))
    return scores.masked_fill(removed, BANNED)


def _with_exempt(out: Tensor, scores: Tensor, exempt: Collection[int]) -> Tensor:
    """The filtered scores `out`, changed in place to leave some ids as they were."""
    kept = torch.tensor(sorted(exempt), dtype=torch.long)
    out[:, kept] = scores[:, kept]
    return out


def _nucleus(probs: Tensor, p: float, head: int) -> tuple[Tensor, Tensor]:
    """The least probability in the nucleus of each row, and how many as probable are not in it, `(rows, 1)`.

    Args:
        probs: `(rows, vocab)`.
        p: The mass.
        head: How many of the most probable are sorted at first: to sort a vocabulary takes longer than to
            multiply by it.
    """
    ascending = _largest(probs, head)
    whole = head == probs.shape[-1]
    below = 0.0 if whole else 1 - ascending.sum(-1, keepdim=True)
    removed = (below + ascending.cumsum(-1) <= 1 - p).sum(-1, keepdim=True)
    removed.clamp_(max=head - 1)  # one stays, whatever sums are rounded to
    least = ascending.gather(1, removed)
    surplus = removed - (ascending < least).sum(-1, keepdim=True)
    # a nucleus that is larger than the head, or ends among equals that may go on behind it
    larger = [] if whole else (least == ascending[:, :1]).nonzero()[:, 0].tolist()
    if larger:
        least[larger], surplus[larger] = _nucleus(probs[larger], p, probs.shape[-1])
    return least, surplus


def _largest(probs: Tensor, count: int) -> Tensor:
    """The largest of each row, ascending, `(rows, count)`."""
    if count == probs.shape[-1] and torch.get_default_device() == torch.device("cpu"):
        # numpy sorts by vector instructions, several times faster than torch
        return torch.from_numpy(np.sort(probs.numpy(), -1))
    # numpy's partition would take fifty times as long where most are 0, as behind a filter
    return probs.topk(count).values.flip(-1)


def _unsorted(removed: Tensor, order: Tensor) -> Tensor:
    return torch.zeros_like(removed).scatter(1, order, removed)
