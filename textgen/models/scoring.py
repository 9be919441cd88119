"""Log-probabilities of whole texts, the end symbol included."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.padding import padded
from textgen.models.views import Ids, NextTokenModel

ROWS = 16  # targets scored together


def sequence_logprobs(
    model: NextTokenModel, source: Ids, targets: Sequence[Ids], allowed: Tensor | None = None
) -> Tensor:
    """Score several targets of one source.

    Args:
        model: Any model that writes after a source.
        source: What comes before, as the model's `start` takes it.
        targets: Each begins with the token that is given (a direction, the last of a prompt) and goes on
            with the tokens to be scored, usually down to the end symbol.
        allowed: `(vocab,)`, true for the ids to which the model is restricted; all, if None.

    Returns:
        `(targets,)`, float32.
    """
    return torch.cat(
        [_some(model, source, targets[at : at + ROWS], allowed) for at in range(0, len(targets), ROWS)]
    )


def _some(model: NextTokenModel, source: Ids, targets: Sequence[Ids], allowed: Tensor | None) -> Tensor:
    lengths, tokens = torch.tensor([len(target) - 1 for target in targets]), padded(targets)
    state = model.start([source]).repeat(len(targets))
    logits = model.extend(state, tokens[:, :-1]).float()
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    found = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0]
    return found.masked_fill(torch.arange(found.shape[1]) >= lengths[:, None], 0.0).sum(-1)
