"""Titles of articles by a language model, behind a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Self

from textgen.backends.base import Backend, Outcome
from textgen.backends.title.backend import Article, TitleBackend
from textgen.backends.title.prompt import Prompt, Prompter
from textgen.backends.title.room import RESERVED
from textgen.choice.allowed import title_ids
from textgen.errors import UsageError
from textgen.events import OnEvent
from textgen.models.adapters.prompted import PromptedTitles
from textgen.options import PromptedTitleOptions
from textgen.schema import Row
from textgen.store.catalog import ModelFiles, family_in
from textgen.store.load import LoadedModel, load_model
from textgen.text.prompts import Shot
from textgen.tokenizers.base import Vocabulary

KEPT = 4  # prompts that are remembered
LINE_BREAKS = (b"\n", b"\r")


class BehindPrompt(TitleBackend):
    """Writes titles behind one prompt.

    Args:
        model: Its network offers `PromptedTitleModel`, and its `specials.l2r` is the last id of the prompt.
        prompter: What made the prompt.
        prompt: What stands around an article.
    """

    def __init__(self, model: LoadedModel, prompter: Prompter, prompt: Prompt) -> None:
        super().__init__(model)
        # a vocabulary of runs of bytes has no other tokens for many characters
        self.allowed = title_ids(self.tokenizer, self.network.vocab_size, parts=True)
        self.allowed[prompter.thinking] = False
        self.around = prompt.before, prompt.behind[:-1]
        self._inside = prompter.inside

    def _source(self, view: list[int]) -> list[int]:
        return super()._source(self._inside(view))


class PromptedTitleBackend(Backend[PromptedTitleOptions, Article]):
    """Writes titles with a language model of another make, from left to right."""

    options = PromptedTitleOptions
    task = "title"

    @classmethod
    def open(cls, files: ModelFiles) -> Self:
        own = family_in(files.path, files.config, ours=files.tokenizer is not None)
        loaded = load_model(replace(files, family=own))
        return cls(replace(loaded, files=files))

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self._prompter = Prompter(model)
        self._titles = lru_cache(KEPT)(self._behind)

    def check(self, options: PromptedTitleOptions) -> None:
        titles = self._of(options)
        room = titles.network.source_room(RESERVED)
        if (taken := sum(map(len, titles.around))) >= room:
            raise UsageError(
                "the prompt has {count} tokens and leaves no room for an article",
                count=taken + 1,
                hint="the model has {positions} positions: give fewer {@shots}"
                if options.shots
                else "the model has {positions} positions: shorten {@prompt_template}",
                positions=titles.network.source_room(0),
            )
        titles.check(options)

    def label(self, options: PromptedTitleOptions) -> str:
        return self._of(options).label(options)

    def notes(self, options: PromptedTitleOptions) -> list[str]:
        return self._of(options).notes(options)

    def prepare(self, row: Row, options: PromptedTitleOptions, on_event: OnEvent) -> Article:
        return self._of(options).prepare(row, options, on_event)

    def compute(
        self, batch: Sequence[Article], options: PromptedTitleOptions, seed: int, on_event: OnEvent
    ) -> list[Outcome]:
        return self._of(options).compute(batch, options, seed, on_event)

    def _of(self, options: PromptedTitleOptions) -> BehindPrompt:
        """The backend of the prompt that the options ask for."""
        return self._titles(options.prompt_template, options.shots, options.copy_prior)

    def _behind(self, template: str | None, shots: Sequence[Shot], copy_prior: float) -> BehindPrompt:
        prompt = self._prompter.prompt(template, shots)
        tokenizer = copy(self.tokenizer)
        *behind, last = prompt.behind
        tokenizer.specials = replace(tokenizer.specials, l2r=last)
        network = PromptedTitles(
            self.network,
            before=len(prompt.before),
            behind=len(behind),
            ends=[tokenizer.specials.eos, *line_breaks(tokenizer.vocabulary)],
            copy_prior=copy_prior,
        )
        model = replace(self.model, network=network, tokenizer=tokenizer)
        return BehindPrompt(model, self._prompter, prompt)


def line_breaks(vocabulary: Vocabulary) -> list[int]:
    """Ids with which a line ends: what they write begins with a line break, or with blanks before one."""
    return [i for i, piece in enumerate(vocabulary.pieces) if piece.lstrip(b" \t").startswith(LINE_BREAKS)]
