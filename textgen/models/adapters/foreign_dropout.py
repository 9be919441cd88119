"""Dropout of foreign networks, drawn as that of ours is: from its own generator, and off until it is set."""

from __future__ import annotations

from torch import nn

from textgen.models.layers.dropout import Dropout


class ForeignDropout(Dropout):
    """In place of torch's.

    Attributes:
        p: What networks read for the dropout of attention's weights, which ours do not have either.
    """

    p = 0.0


def own_dropout(network: nn.Module) -> None:
    """Let a network have no dropout but `Dropout`, in the places where it has layers for it.

    What it calls as a function, by rates that its parts keep, would draw from the global generator.
    """
    for part in network.modules():
        for name, child in part.named_children():
            if isinstance(child, nn.Dropout):
                setattr(part, name, ForeignDropout().train(child.training))
        for name, value in vars(part).items():
            if "drop" in name and isinstance(value, float):
                setattr(part, name, 0.0)
