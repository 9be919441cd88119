"""Law 13: how much of a gold text one stream shows another before it is asked for."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def leaked(targets: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """At how many steps the other stream has already shown what is to be predicted.

    Args:
        targets: What a stream predicts, in its own order, as places of the gold text.
        other: What the other stream is fed behind its direction token, in its own order: places of the
            gold text, or anything else for text of the model's own.

    Returns:
        For gold against gold of length T exactly floor(T / 2); for a stream without gold 0.
    """
    return sum(target in other[:step] for step, target in enumerate(targets))
