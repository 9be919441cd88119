"""Prompts behind which a language model writes a title: texts with a place for the article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textgen.messages import OptionError
from textgen.text.blank import is_blank
from textgen.text.line_ends import INNER_BREAK
from textgen.text.names import clean_name
from textgen.text.segment import last_sentence_end

PLACE = "{article}"
DEFAULT = "文章：{article}\n标题："  # for models that go on with any text
REQUEST = "请为下面的文章拟一个标题，只写标题。\n\n{article}"  # for models of chats
BETWEEN = "\n\n"  # one shot and the next
MOST_CHARACTERS = 300  # of a shot's article

Shot = tuple[str, str]  # a title and its article


@dataclass(frozen=True)
class Part:
    """A part of a prompt.

    Attributes:
        text: It.
        content: Whether it is what somebody says; else it is of the template, and may have symbols in it.
    """

    text: str
    content: bool


def split(template: str) -> tuple[str, str]:
    """What stands before the article and behind it.

    Raises:
        OptionError: The template has no place for the article, or several, or nothing behind it.
    """
    before, *behind = template.split(PLACE)
    if len(behind) != 1:
        wrong = "there are {count} places {place} for the article: one is needed"
        if not behind:
            wrong = "there is no {place}, where the article is to stand"
        raise OptionError(wrong, count=len(behind), place=PLACE)
    if not behind[0]:
        raise OptionError("nothing stands behind {place}: the title follows what does", place=PLACE)
    return before, behind[0]


def checked(template: str) -> str:
    """The template itself. Raises OptionError as `split`."""
    split(template)
    return template


def shot_of(fields: Mapping[str, Any]) -> Shot:
    """The shot in the fields of a row: its title in one line, and the beginning of its article.

    Raises:
        OptionError: It has no title, or no text.
    """
    for name in ("title", "text"):
        given = fields.get(name)
        if not isinstance(given, str) or is_blank(given):
            raise OptionError("a shot without a {name}", name=name)
    title = " ".join(INNER_BREAK.sub(" ", clean_name(fields["title"])).split())
    article = fields["text"].strip()
    if len(article) > MOST_CHARACTERS:
        head = article[:MOST_CHARACTERS]
        article = head[: last_sentence_end(head)] or head
    return title, article
