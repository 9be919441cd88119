"""The keywords that a text must hold, as the token sequences that spell them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from textgen.choice.automaton import Pattern
from textgen.text.keywords import essential
from textgen.tokenizers.base import BEFORE, Tokenizer


@dataclass(frozen=True)
class Constraint:
    """The keywords that every finished text of one source must hold.

    Attributes:
        patterns: For each keyword the sequences of tokens that spell it, in writing order.
        ordered: Each must be completed behind the one before, or with it; what is completed before its
            turn does not count, and does no harm.
        once: One occurrence counts for one keyword, so that of two equal ones there are two.
    """

    patterns: tuple[tuple[Pattern, ...], ...] = ()
    ordered: bool = False
    once: bool = False


def constraint_of(
    keywords: Sequence[str], tokenizer: Tokenizer, reverse: bool = False, ordered: bool = False
) -> Constraint:
    """The constraint that asks for some keywords.

    Args:
        keywords: Any; repetitions and those within another keyword add nothing.
        tokenizer: Spells them.
        reverse: The text is written right to left: the tokens of a keyword, and ordered keywords, come
            last first.
        ordered: The keywords must come in this order.

    Raises:
        DataError: A keyword is no valid Unicode.
    """
    spelt = [_spellings(keyword, tokenizer) for keyword in essential(keywords, ordered=ordered)]
    if reverse:
        spelt = [[pattern[::-1] for pattern in patterns] for patterns in reversed(spelt)]
    return Constraint(tuple(tuple(patterns) for patterns in spelt), ordered)


def unwritable(keywords: Iterable[str], tokenizer: Tokenizer, allowed: Tensor) -> list[str]:
    """The keywords that have no spelling in allowed tokens, or lose a character in all of them.

    Args:
        keywords: Any.
        tokenizer: Spells them.
        allowed: `(vocab,)`, true for the ids of the task.
    """
    return [
        keyword
        for keyword in keywords
        if tokenizer.lost(keyword)
        or not any(is_allowed(pattern, allowed) for pattern in _spellings(keyword, tokenizer))
    ]


def _spellings(keyword: str, tokenizer: Tokenizer) -> list[Pattern]:
    """Its tokens; also those behind other text and behind a space, where they differ.

    A vocabulary may join a space to the word behind it, and put one before every text.
    """
    plain, spaced = tuple(tokenizer.encode(keyword)), tuple(tokenizer.encode(" " + keyword))
    found = [plain] if spaced[-len(plain) :] == plain else [plain, spaced]
    before, both = tokenizer.encode(BEFORE), tokenizer.encode(BEFORE + keyword)
    behind = tuple(both[len(before) :])
    if both[: len(before)] == before and behind and behind not in found:
        found.append(behind)
    return found


def is_allowed(pattern: Pattern, allowed: Tensor) -> bool:
    """Tell whether all tokens of a spelling are allowed."""
    return bool(allowed[list(pattern)].all())
