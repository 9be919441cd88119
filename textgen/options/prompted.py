"""The options of titles that a language model writes behind a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from textgen.messages import OptionError
from textgen.options.fields import PROMPT, field
from textgen.options.title import TitleOptions
from textgen.text.prompts import Shot, checked, shot_of

MOST_SHOTS = 64  # none of them would leave room for more


def _shots(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of shots, each with a title and a text")
    return tuple(_shot(one) for one in value)


def _shot(value: object) -> Shot:
    pair = isinstance(value, list | tuple) and len(value) == 2
    fields = dict(zip(("title", "text"), value, strict=True)) if pair else value  # type: ignore[call-overload]
    if not isinstance(fields, Mapping):
        raise OptionError("a shot is a title and a text, not {kind}", kind=type(value).__name__)
    return shot_of(fields)


class PromptedTitleOptions(TitleOptions):
    """The options of titles by a language model, which was never trained to write any.

    Where files name them, the template and the shots are files; in Python they are the text and a list.
    """

    prompt_template: Annotated[str, AfterValidator(checked)] | None = field(
        None,
        "File with the prompt: a text with one {article} in it, behind which the title is written (default: "
        "the chat template of the model, or 文章：{article}, a line break and 标题：).",
        PROMPT,
        metavar="FILE",
    )
    shots: Annotated[tuple[Shot, ...], BeforeValidator(_shots)] = field(
        (),
        "File of examples for the prompt: a table with the fields title and text.",
        PROMPT,
        metavar="FILE.jsonl",
        max_length=MOST_SHOTS,
    )
    copy_prior: float = field(
        0.0, "Added to the logits of the tokens of the article and of the end.", PROMPT, ge=0, le=2
    )
