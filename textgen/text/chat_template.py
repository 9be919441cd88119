"""Chat templates, by which the checkpoints of chat models write down a conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from textgen.text.prompts import Part

_CONTENT = "\U0010fffc{number}\U0010fffd"  # of private use, which no template has a use for
_CONTENTS = re.compile(_CONTENT.replace("{number}", r"(\d+)"))


class UnusableTemplateError(ValueError):
    """A template that cannot be used, and why."""


class _Generation(Extension):
    """The blocks `{% generation %}`, which mark what a model is trained on, and change no text."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def conversation(
    template: str, said: Sequence[str], symbols: Mapping[str, str]
) -> tuple[list[Part], list[Part]]:
    """Write down a conversation in which the user says something and the assistant is to answer.

    The template sees marks in place of what is said, which can therefore be nothing but text: neither jinja,
    nor symbols. Thinking is off where the template can switch it off.

    Args:
        template: The template, in jinja.
        said: What the user and the assistant have said before, by turns.
        symbols: Its symbols by what transformers calls them, such as `bos_token`.

    Returns:
        What stands before that which the user says, and what stands behind it.

    Raises:
        UnusableTemplateError: The template fails, or does not have everything that is said once.
    """
    marks = [_CONTENT.format(number=number) for number in range(len(said) + 1)]
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": mark} for number, mark in enumerate(marks)]
    given = {"messages": messages, "add_generation_prompt": True, "enable_thinking": False}
    try:
        rendered = _environment().from_string(template).render(**symbols, **given)
    except (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnusableTemplateError(str(error).strip().split("\n")[0] or type(error).__name__) from None
    if any(rendered.count(mark) != 1 for mark in marks):
        raise UnusableTemplateError("it does not have everything that is said once")
    before, behind = rendered.split(marks[-1])
    return list(_parts(before, said)), list(_parts(behind, said))


def _parts(rendered: str, said: Sequence[str]) -> Iterator[Part]:
    for number, text in enumerate(_CONTENTS.split(rendered)):
        part = Part(said[int(text)], content=True) if number % 2 else Part(text, content=False)
        if part.text:
            yield part


def _environment() -> ImmutableSandboxedEnvironment:
    """The environment that templates are written for, but for the clock: the same input, the same prompt."""
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _refuse
    return made


def _to_json(value: Any, **how: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **how)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
