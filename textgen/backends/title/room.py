"""The room for an article: what a title leaves of the positions, or the source's own."""

from __future__ import annotations

from textgen.errors import UsageError
from textgen.models.views import TitleModel, TitlePositions

RESERVED = 50  # positions kept for the title, where it shares those of the article


def article_room(network: TitleModel, title: int, frame: int) -> int:
    """Most tokens of an article.

    Args:
        network: Reads it.
        title: Most tokens of a title.
        frame: Tokens around the article.

    Raises:
        UsageError: There are none, or the network writes no titles of so many.
    """
    if isinstance(network, TitlePositions) and title > network.target_room:
        template, room = "{@max_new_tokens} {most} is more than the model writes", network.target_room
        raise UsageError(template, most=title, room=room, hint="it writes {room} tokens")
    found = network.source_room(max(RESERVED, title + 1)) - frame
    if found < 1:
        raise UsageError(
            "{@max_new_tokens} {most} leaves no room for the article",
            most=title,
            hint="the model has {positions} positions",
            positions=network.source_room(0),
        )
    return found
