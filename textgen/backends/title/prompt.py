"""The ids of a prompt for titles, by the template of a user, of a chat model, or of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textgen.errors import ModelError, UsageError
from textgen.files.small_files import read_small
from textgen.store.checkpoint import CHAT_TEMPLATE, DAMAGED, Checkpoint
from textgen.store.load import LoadedModel
from textgen.store.vocabularies import read_vocabulary
from textgen.text.prompts import BETWEEN, DEFAULT, PLACE, REQUEST, Shot, split
from textgen.tokenizers.base import ABSENT, present

if TYPE_CHECKING:
    from textgen.text.chat_template import Part

THINK, THOUGHT = "<think>", "</think>"
SYMBOLS = ("bos_token", "eos_token", "pad_token", "unk_token")  # that templates name
OTHER = "{@prompt_template} gives another one"


@dataclass(frozen=True)
class Prompt:
    """The ids around an article.

    Attributes:
        before: Those before it.
        behind: Those behind it, at least one; titles are written behind the last.
    """

    before: list[int]
    behind: list[int]


class Prompter:
    """Makes prompts for a language model of another make.

    Args:
        model: The model.

    Attributes:
        thinking: Ids with which an answer would begin to think aloud.

    Raises:
        ModelError: The file of its chat template cannot be read.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model, self._tokenizer = model, model.tokenizer
        checkpoint = Checkpoint(model.files.path, model.files.config)
        known = read_vocabulary(checkpoint).ids
        named = {name: found for name in SYMBOLS if (found := checkpoint.symbol(name)) is not None}
        symbols = {name: known[name] for name in (*named.values(), THINK, THOUGHT) if name in known}
        self._named = named
        self._symbols = {**checkpoint.added_tokens, **getattr(self._tokenizer, "symbols", {}), **symbols}
        self.thinking = present(self._symbols.get(THINK, ABSENT))
        self._chat = chat_template(checkpoint)

    def prompt(self, template: str | None, shots: Sequence[Shot]) -> Prompt:
        """The prompt of a template; None is the model's own, or else ours.

        Raises:
            ModelError: The chat template of the model cannot be used.
            UsageError: The model has no token for what stands behind the article.
        """
        if template is None and self._chat is not None:
            found = self._of_chat(self._chat, shots)
        else:
            found = self._of_text(template or DEFAULT, shots)
        if not found.behind:
            hint = "end it with words that the model knows, such as 标题："
            raise UsageError(
                "{@prompt_template}: the model has no token for what stands behind {place}",
                place=PLACE,
                hint=hint,
            )
        return found

    def _of_text(self, template: str, shots: Sequence[Shot]) -> Prompt:
        """A prompt for a model that goes on with any text: the shots are written as the rest is."""
        before, behind = split(template)
        encode = self._tokenizer.encode
        examples = [f"{before}{article}{behind}{title}" for title, article in shots]
        begun = present(self._tokenizer.specials.bos)
        if encode(BETWEEN):
            return Prompt([*begun, *encode(BETWEEN.join([*examples, before]))], encode(behind))
        # where there is no token for a line break the title of a shot would have no end
        for example in examples:
            begun += [*encode(example), *present(self._tokenizer.specials.eos)]
        return Prompt([*begun, *encode(before)], encode(behind))

    def _of_chat(self, template: str, shots: Sequence[Shot]) -> Prompt:
        """A prompt for a model that answers: the shots are earlier turns."""
        from textgen.text.chat_template import (  # only where there is one
            Part,
            UnusableTemplateError,
            conversation,
        )

        asked, _, more = REQUEST.partition(PLACE)
        said = [part for title, article in shots for part in (f"{asked}{article}{more}", title)]
        try:
            before, behind = conversation(template, said, self._named)
            if not behind:
                raise UnusableTemplateError("nothing stands behind what the user says")
        except UnusableTemplateError as error:
            path = self._model.files.path
            raise ModelError(
                "the chat template of {path} cannot be used: {reason}", path=path, reason=error, hint=OTHER
            ) from None
        before, behind = [*before, Part(asked, content=True)], [Part(more, content=True), *behind]
        last = behind[-1]
        if not last.content and last.text.rfind(THINK) > last.text.rfind(THOUGHT):
            behind[-1] = Part(f"{last.text.rstrip()}\n\n{THOUGHT}\n\n", content=False)  # nothing was thought
        ids = [i for part in before for i in self._ids(part)]
        # the template says where the start symbol stands, and is right
        again = [i for i in ids[:1] if i == self._model.network.left_out]
        return Prompt([*again, *ids], [i for part in behind for i in self._ids(part)])

    def _ids(self, part: Part) -> list[int]:
        """The ids of a part; what people say spells no symbols."""
        if part.content or not self._symbols:
            return self._tokenizer.encode(part.text)
        longest_first = sorted(self._symbols, key=len, reverse=True)
        pieces = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", part.text)
        found = [
            [self._symbols[piece]] if number % 2 else self._tokenizer.encode(piece)
            for number, piece in enumerate(pieces)
        ]
        return [i for ids in found for i in ids]


def chat_template(checkpoint: Checkpoint) -> str | None:
    """The chat template of a checkpoint; None if it has none. Raises ModelError: it cannot be read."""
    if file := checkpoint.file(CHAT_TEMPLATE):
        try:
            return read_small(file).decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ModelError("cannot read {file}: {reason}", file=file, reason=reason, hint=DAMAGED) from None
    found = checkpoint.tokenizer.get("chat_template")
    if isinstance(found, list):  # several by name
        named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None
