"""The ids of a prompt for titles, by the template of a user, of a chat model, or of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from textgen.errors import ModelError, UsageError
from textgen.files.small_files import read_small
from textgen.store.checkpoint import CHAT_TEMPLATE, DAMAGED, Checkpoint
from textgen.store.load import LoadedModel
from textgen.store.vocabularies import read_vocabulary
from textgen.text.prompts import BETWEEN, DEFAULT, PLACE, REQUEST, Part, Shot, split
from textgen.tokenizers.base import ABSENT, present

THINK, THOUGHT = "<think>", "</think>"
PROBE = "龘"  # no token has a space and this in it
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
        longest_first = sorted(self._symbols, key=len, reverse=True)
        self._spelt = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
        self._chat = chat_template(checkpoint)
        pieces = self._tokenizer.vocabulary.pieces
        self._space = [i for i in self._tokenizer.encode(PROBE)[:1] if pieces[i] == b" "]

    def prompt(self, template: str | None, shots: Sequence[Shot]) -> Prompt:
        """The prompt of a template; None is the model's own, or else ours.

        Raises:
            ModelError: The chat template of the model cannot be used.
            UsageError: The model has no token for what stands behind the article.
        """
        if template is None and self._chat is not None:
            return self._of_chat(self._chat, shots)
        return self._of_text(template or DEFAULT, shots)

    def inside(self, ids: list[int]) -> list[int]:
        """The ids of a text that goes on with another, without the space that some files put before texts."""
        return ids[1:] if self._space and ids[:1] == self._space else ids

    def _of_text(self, template: str, shots: Sequence[Shot]) -> Prompt:
        """A prompt for a model that goes on with any text: the shots are written as the rest is."""
        before, behind = (Part(text, content=False) for text in split(template))
        specials, vocabulary = self._tokenizer.specials, self._tokenizer.vocabulary
        # where there is no token for a line break the title of a shot would have no end
        lines = vocabulary.newline != ABSENT
        between = self._ids([Part(BETWEEN, content=False)]) if lines else present(specials.eos)
        found: list[int] = []
        for title, article in shots:
            parts = [before, Part(article, content=True), behind, Part(title, content=True)]
            found += [*self._ids(parts, begins=not found), *between]
        found += self._ids([before], begins=not found)
        begun = present(specials.bos)
        found = self._as_said(found) if found[:1] == begun else [*begun, *found]
        prompt = Prompt(found, self._ids([behind]))
        if not prompt.behind:
            raise UsageError(
                "{@prompt_template}: the model has no token for what stands behind {place}",
                place=PLACE,
                hint="end it with words that the model knows, such as 标题：",
            )
        return prompt

    def _of_chat(self, template: str, shots: Sequence[Shot]) -> Prompt:
        """A prompt for a model that answers: the shots are earlier turns."""
        from textgen.text.chat_template import UnusableTemplateError, conversation  # only where there is one

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
        last = behind[-1].text
        if last.rfind(THINK) > last.rfind(THOUGHT):  # nothing was thought
            behind[-1] = Part(f"{last.rstrip()}\n\n{THOUGHT}\n\n", content=False)
        ids = self._ids([*before, Part(asked, content=True)], begins=True)
        return Prompt(self._as_said(ids), self._ids([Part(more, content=True), *behind]))

    def _as_said(self, ids: list[int]) -> list[int]:
        """Ids that begin as a template says, though the network leaves out a start symbol before them."""
        return [*(i for i in ids[:1] if i == self._model.network.left_out), *ids]

    def _ids(self, parts: Sequence[Part], *, begins: bool = False) -> list[int]:
        """The ids of parts, which may be the beginning of all; what people say spells no symbols."""
        found: list[int] = []
        for part in parts:
            pieces = [part.text] if part.content or not self._symbols else self._spelt.split(part.text)
            for number, piece in enumerate(pieces):
                if number % 2:
                    found.append(self._symbols[piece])
                elif begins and not found:
                    found += self._tokenizer.encode(piece)
                else:
                    found += self.inside(self._tokenizer.encode(piece))
        return found


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
