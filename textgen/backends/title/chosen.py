"""The choice among ranked titles: those of the wanted length first, and those that pass the checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textgen.messages import Message
from textgen.schema import Candidate
from textgen.text.checks.editor import Editor
from textgen.text.length import characters, deviation

LENGTH = "length"  # the flag of a title of another length than was asked for


def chosen(ranked: Sequence[Candidate], editor: Editor, count: int) -> list[Candidate]:
    """Choose titles: the sound ones, best first, then those that fail a check.

    Of the sound ones, those come first of which nothing is doubted: a number that the article does not
    state as it is, or a word that goes on there.

    Args:
        ranked: The titles, best first.
        editor: Checks titles of the article.
        count: How many are wanted.

    Returns:
        At most `count`, with their flags.
    """
    found: tuple[list[Candidate], ...] = ([], [], [])
    for candidate in ranked:
        flags = candidate.flags + editor.flags(candidate.text)
        grade = 2 if flags else int(editor.doubts(candidate.text))
        found[grade].append(replace(candidate, flags=flags))
        if len(found[0]) == count:  # no other can come before these
            break
    return [candidate for grade in found for candidate in grade][:count]


def check_notes(titles: Sequence[Candidate]) -> tuple[str, ...]:
    """Notes for a person on titles that were chosen, if not all of them are sound."""
    failed = [", ".join(flag for flag in title.flags if flag != LENGTH) for title in titles]
    if not any(failed):
        return ()
    if failed[0]:
        template = "no sound title was found; the first fails an editor's check ({checks})"
        return (Message(template, checks=failed[0]),)
    template = "{count} of {all} titles fail an editor's check ({checks})"
    checks = [f"{place}: {names}" for place, names in enumerate(failed, 1) if names]
    return (Message(template, count=len(checks), all=len(titles), checks="; ".join(checks)),)


def nearest_first(candidates: Sequence[Candidate], length: tuple[int, int] | None) -> list[Candidate]:
    """The candidates by how far they are from a range of characters, else in their order.

    Args:
        candidates: Best first.
        length: Fewest and most characters; None changes nothing.

    Returns:
        All of them; those outside have the flag `length`.
    """
    if length is None:
        return list(candidates)
    ordered = sorted(candidates, key=lambda one: deviation(one.text, *length))
    return [
        replace(one, flags=(*one.flags, LENGTH)) if deviation(one.text, *length) else one for one in ordered
    ]


def length_notes(candidates: Sequence[Candidate], length: tuple[int, int] | None) -> tuple[str, ...]:
    """A note for a person if the first title has not the length that was asked for."""
    if length is None or not candidates or not deviation(candidates[0].text, *length):
        return ()
    least, most = length
    return (
        Message(
            "no title of {wanted} characters was found; the nearest has {count}",
            wanted=least if least == most else f"{least}-{most}",
            count=characters(candidates[0].text),
        ),
    )
