"""The facts of a text."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from textgen.text.facts.fact import KINDS, Fact, Kind, Words
from textgen.text.facts.figures import amounts
from textgen.text.facts.names import names, pronouns
from textgen.text.facts.negation import negations
from textgen.text.facts.times import times
from textgen.text.facts.verbatim import latin, quotes
from textgen.text.traditional import has_traditional, simplified
from textgen.text.words import tagged_words

_WIDTHS = str.maketrans("０１２３４５６７８９．：％－", "0123456789.:%-")


def facts(text: str, kinds: Collection[Kind] = KINDS, *, flawed: bool = False) -> list[Fact]:
    """Find the spans of a text that carry facts.

    Args:
        text: Any text.
        kinds: Those to look for.
        flawed: The text may have errors: words that no dictionary has are no names, whatever they look
            like, and pronouns may be wrong.

    Returns:
        In their order, none within another one. They may overlap or touch.
    """
    if has_traditional(text):
        text = simplified(text)
    plain = text.translate(_WIDTHS)  # both one character for one
    found: list[Fact] = []
    if "quotes" in kinds:
        found += quotes(text)
    if "latin" in kinds:
        found += latin(text)
    if {"numbers", "names", "negation"} & set(kinds):
        words = Words(tagged_words(text))
        if "numbers" in kinds:
            found += _joined([*times(plain, words), *amounts(plain, words)])
        if "names" in kinds:
            found += names(text, words, guessed=not flawed)
            found += [] if flawed else pronouns(words)
        if "negation" in kinds:
            found += negations(words)
    return outermost(found)


def outermost(found: Iterable[Fact]) -> list[Fact]:
    """Facts in their order, without those within another one."""
    kept: list[Fact] = []
    for fact in sorted(found, key=lambda fact: (fact.start, -fact.end)):
        if not kept or fact.end > kept[-1].end:
            kept.append(fact)
    return kept


def _joined(found: list[Fact]) -> list[Fact]:
    """Expressions of numbers, those that overlap made one: of 上个月十五号, both halves are also amounts."""
    joined: list[Fact] = []
    for fact in outermost(found):
        if joined and fact.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = Fact(last.start, fact.end, "numbers", last.reason)
        else:
            joined.append(fact)
    return joined
