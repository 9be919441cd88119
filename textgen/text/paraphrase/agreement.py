"""What fills the slots of a pattern must go together."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.text.paraphrase.closed_classes import ANAPHORA, PRONOUNS
from textgen.text.paraphrase.tokens import Token


def agree(filled: Sequence[tuple[str, tuple[Token, ...]]]) -> bool:
    """Whether what fills the slots of a pattern goes together.

    Clauses that change places do where none refers to another, or all begin with the same pronoun; what is
    compared does where both are the same thing of somebody or neither is: not 我的钱 with 他.

    Args:
        filled: The kind and the words of each slot.
    """
    compared = [[word for word, _ in words] for kind, words in filled if kind == "cp"]
    if len({words[-1] if "的" in words else "" for words in compared}) > 1:
        return False
    clauses = [[word for word, _ in words] for kind, words in filled if kind in ("b", "c")]
    referring = [[word for word in words if word in ANAPHORA] for words in clauses]
    if not any(referring):
        return True
    head = clauses[0][0]
    return (
        len(clauses) > 1
        and head in PRONOUNS
        and all(words == [head] for words in referring)
        and all(words[0] == head for words in clauses)
    )
