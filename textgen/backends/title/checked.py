"""Titles as an editor would choose them: those that pass the checks first, with what the others fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textgen.backends.title.lengths import FLAG as LENGTH
from textgen.messages import Message
from textgen.schema import Candidate
from textgen.text.checks.editor import Editor


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


def remarks(titles: Sequence[Candidate]) -> tuple[str, ...]:
    """What a person should know of titles that were chosen, if not all of them are sound."""
    failed = [", ".join(flag for flag in title.flags if flag != LENGTH) for title in titles]
    if not any(failed):
        return ()
    if failed[0]:
        told = "no sound title was found; the first fails an editor's check ({checks})"
        return (Message(told, checks=failed[0]),)
    told = "{count} of {all} titles fail an editor's check ({checks})"
    checks = [f"{place}: {names}" for place, names in enumerate(failed, 1) if names]
    return (Message(told, count=len(checks), all=len(titles), checks="; ".join(checks)),)
