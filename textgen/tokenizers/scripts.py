"""The scripts of Chinese that a vocabulary writes: simplified characters, traditional ones, or both."""

from __future__ import annotations

from textgen.text import common_characters
from textgen.tokenizers.base import Vocabulary

SIMPLIFIED, TRADITIONAL = "simplified", "traditional"
COMMON = {SIMPLIFIED: common_characters.SIMPLIFIED, TRADITIONAL: common_characters.TRADITIONAL}
SCRIPTS = frozenset(COMMON)
TOLD = 0.5  # of the common characters of a script; with fewer as tokens, a vocabulary writes them in parts
FEW = 0.5  # of the share of the other script: a model has hardly seen what its vocabulary cuts so


def as_one_token(vocabulary: Vocabulary) -> dict[str, int]:
    """How many of the common characters of each script are one token."""
    pieces = set(vocabulary.pieces)
    return {name: sum(one.encode() in pieces for one in common) for name, common in COMMON.items()}


def scripts_of(vocabulary: Vocabulary) -> frozenset[str]:
    """The scripts that a vocabulary writes: both, unless the characters of one alone are its tokens."""
    shares = {name: count / len(COMMON[name]) for name, count in as_one_token(vocabulary).items()}
    best = max(shares.values())
    if best < TOLD:
        return SCRIPTS
    return frozenset(name for name, share in shares.items() if share >= FEW * best)
