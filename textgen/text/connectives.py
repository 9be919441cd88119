"""Connectives that come in pairs (关联词), and what stands between their clauses."""

from __future__ import annotations

from collections.abc import Sequence

COMMA = "，"
# of the first its usual partner, and others; with a comma where the partner begins its clause
_JOINED = {
    "虽然": ("但是", "可是", "但", "却", "不过"),
    "尽管": ("但是", "可是", "但", "却"),
    "不但": ("而且", "还", "也"),
    "不仅": ("而且", "还", "也"),
    "宁可": ("也不", "也"),
    "宁愿": ("也不", "也"),
    "与其": ("不如",),
    "因为": ("所以",),
    "由于": ("所以", "因此"),
    "之所以": ("是因为",),
}
# the subject of the second clause may come between the comma and the partner
_APART = {
    "如果": ("就", "那么"),
    "要是": ("就", "那么"),
    "只要": ("就",),
    "只有": ("才",),
    "无论": ("都", "也"),
    "不管": ("都", "也"),
    "即使": ("也",),
    "既然": ("就",),
    "一旦": ("就",),
}
_WITHIN = {"既": ("又", "也"), "越": ("越",), "一边": ("一边",), "一会儿": ("一会儿",)}
_PARTNERS = {**_JOINED, **_APART, **_WITHIN}


def paired(words: Sequence[str]) -> list[str] | None:
    """Words in an order in which their connectives make a pair, those that are lacking put in.

    Args:
        words: As they were given.

    Returns:
        The words with the usual partner of a first connective right behind it, if none was given, and
        with the comma between two clauses; a partner that was given stands behind its first. None if
        none of them is the first of a pair.
    """
    first = next((word for word in words if word in _PARTNERS), None)
    if first is None:
        return None
    at = words.index(first)
    before, behind = [*words[:at]], [*words[at + 1 :]]
    partners = _PARTNERS[first]
    partner = next((word for word in behind if word in partners), None)
    if partner is None and (stray := next((word for word in before if word in partners), None)):
        before.remove(stray)
        partner, behind = stray, [stray, *behind]
    if partner is None:
        partner = partners[0]
        behind = [partner, *behind]
    place = behind.index(partner)
    if first in _JOINED:
        behind[place] = COMMA + partner
    elif first in _APART:
        behind.insert(place, COMMA)
    return [*before, first, *behind]


def keeps_order(words: Sequence[str], pair: Sequence[str]) -> bool:
    """Whether words stand in what `paired` made of them as they were given."""
    stand = iter(word.removeprefix(COMMA) for word in pair)
    return all(word in stand for word in words)
