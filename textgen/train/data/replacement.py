"""Random replacement in decoder inputs, against exposure bias.

苏剑林, Seq2Seq中Exposure Bias现象的浅析与对策, https://kexue.fm/archives/7259.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNTOUCHED = 0.5  # share of the examples without replacements


def replaced(fed: Sequence[int], pool: Sequence[int], share: float, noise: np.random.Generator) -> list[int]:
    """In half of the examples, a share of the tokens that are fed is drawn anew.

    Args:
        fed: What the decoder is fed behind its first symbol.
        pool: Tokens that replacements are drawn from, as often as they are in it.
        share: Of the tokens, 0 to 1.
        noise: Of this example alone.
    """
    if not share or not fed or not pool or noise.random() < UNTOUCHED:
        return list(fed)
    drawn = noise.integers(len(pool), size=len(fed))
    hit = noise.random(len(fed)) < share
    return [pool[other] if yes else own for own, other, yes in zip(fed, drawn, hit, strict=True)]
