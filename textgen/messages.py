"""Sentences for people, filled in where they are shown: each reader finds options in their spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Self

Spell = Callable[[str], str]
_PLACEHOLDER = re.compile(r"\{(@?)([a-z]\w*)\}")


class Message(str):
    """A sentence with placeholders; as a string it names options as Python does.

    `{value}` stands for a value that is passed by that name, `{@top_p}` for the option of that name, which
    the command line spells as a flag. Whatever else stands in braces stays as it is.

    Args:
        template: The sentence; a message is taken as it is.
        **values: What its placeholders stand for, or lists of that; messages among them are filled in, too.

    Attributes:
        template: As given.
        values: As given.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        if isinstance(template, cls):
            return template
        message = super().__new__(cls, _filled(template, values, str))
        message.template, message.values = template, values
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # how it goes to another process
        return (self.template,), self.values

    def spelled(self, spell: Spell) -> str:
        """The sentence with every option as `spell` has it."""
        return _filled(self.template, self.values, spell)


def option(name: str) -> Message:
    """The name of an option, as a value of a message."""
    return Message(f"{{@{name}}}")


def spelled(value: object, spell: Spell) -> str:
    """A value as text, with the options of messages as `spell` has them; of a list, one after the other."""
    if isinstance(value, list | tuple):
        return ", ".join(spelled(one, spell) for one in value)
    return value.spelled(spell) if isinstance(value, Message) else str(value)


def located(place: str, error: str) -> Message:
    """An error behind the place where it is, unless it begins with the name of that file already.

    Args:
        place: The name of a row, or of a file.
        error: What is wrong; the name of a file is the `name` among the values of its message.
    """
    inner = error.values.get("message", error) if isinstance(error, Message) else error
    name = inner.values.get("name") if isinstance(inner, Message) else None
    if isinstance(name, str) and error.startswith(name) and PurePath(name).name == PurePath(place).name:
        return Message("{error}", error=error)
    return Message("{place}: {error}", place=place, error=error)


def with_article(name: str) -> str:
    """A name behind its indefinite article, by its first letter."""
    return f"{'an' if name[:1].lower() in {*'aeio'} else 'a'} {name}"


class OptionError(ValueError):
    """An error of a validator of options, whose sentence keeps its placeholders.

    Args:
        template: See `Message`.
        **values: See `Message`.
    """

    def __init__(self, template: str, /, **values: Any) -> None:
        self.message = Message(template, **values)
        super().__init__(self.message)


def _filled(template: str, values: dict[str, Any], spell: Spell) -> str:
    def fill(found: re.Match[str]) -> str:
        marked, name = found.groups()
        return spell(name) if marked else spelled(values.get(name, found[0]), spell)

    return _PLACEHOLDER.sub(fill, template)
