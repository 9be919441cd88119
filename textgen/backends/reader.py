"""Reading the rows' texts, in characters that the model knows, with notes on unfamiliar kinds."""

from __future__ import annotations

from functools import cache, cached_property, lru_cache
from typing import TypeVar

import torch

from textgen.commands import LANGUAGE_MODEL
from textgen.errors import DataError
from textgen.messages import Message
from textgen.models.scoring import sequence_logprobs
from textgen.models.views import LanguageModel
from textgen.options.decoding import DecodingOptions
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model
from textgen.text.blank import is_blank
from textgen.text.emoji import emoji_count
from textgen.text.familiarity import TOKENS, bits_of, judge_bits, judge_characters, judge_markup
from textgen.text.keywords import Terms
from textgen.text.model_input import Reading, as_read
from textgen.text.traditional import has_traditional, simplified
from textgen.tokenizers.base import Tokenizer
from textgen.tokenizers.scripts import TRADITIONAL, scripts_of

SHOWN = 20  # characters of a note
Listing = TypeVar("Listing", bound=DecodingOptions)


class Reader:
    """Reads texts for a model.

    Args:
        model: What writes. Models of the user's own read emoji, and are not told which texts they know.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._as_is = not model.files.embedded
        self._terms = lru_cache(1)(lambda words: Terms(words, self.word))  # of all rows of a run
        self._logprob = lru_cache(256)(_logprob)  # many samples of one prompt are rows of their own

    @cached_property
    def _traditional(self) -> bool:
        """Whether the model knows traditional characters."""
        return TRADITIONAL in (self._model.scripts or scripts_of(self._model.tokenizer.vocabulary))

    def read(self, text: str, *, keep_layout: bool = False, optional: bool = False) -> Reading:
        """Read a text for the model; see `textgen.text.model_input.read`.

        Args:
            text: The text as it was given.
            keep_layout: Do not clean it.
            optional: It may be empty, and so may be what is read of it.

        Raises:
            DataError: There is something, but nothing that can be read.
        """
        reading = as_read(
            text,
            keep_layout=keep_layout,
            emoji=self._as_is,
            traditional=self._traditional,
            lossy=not self._model.tokenizer.lossless,
        )
        if not optional and not is_blank(text) and is_blank(reading.text):
            raise DataError(
                "there is nothing in the text that can be read",
                hint="it has only emoji, private or invisible characters",
            )
        return reading

    def word(self, word: str) -> str:
        """A word that the model is to write, in the characters that it knows."""
        return word if self._traditional or not has_traditional(word) else simplified(word)

    def spelled(self, options: Listing) -> Listing:
        """The options with their listed texts in the characters that the model knows."""
        listed = tuple(self.listed(options))
        return options.model_copy(update={"one_of": listed}) if listed else options

    def listed(self, options: DecodingOptions) -> dict[str, str]:
        """The listed texts as they were typed, by those that the model writes; of equal ones the first."""
        return {self.word(text): text for text in reversed(options.one_of)}

    def most_named(self, words: tuple[str, ...], text: str) -> tuple[str, ...]:
        """Of some words that which a text, as it is read, names most often, as it was typed; none of none."""
        found = self._terms(words).most_named(text) if words else None
        return () if found is None else (found,)

    def text_notes(
        self, text: str, source: str, tokenizer: Tokenizer | None = None, *, needed: bool = False
    ) -> tuple[str, ...]:
        """Notes on a text that may not be of the kind that the model knows.

        It is told which characters have no token; of a model of the user's own, which may be of any kind,
        nothing else.

        What its characters do not tell, gpt2 does, from the first tokens. Each text is looked at alone, so
        that no other row changes what is found.

        Args:
            text: What is read of it.
            source: The text as it was given.
            tokenizer: What it becomes tokens by; by default the model's.
            needed: Whether nothing good can come of a text of which the model reads no character.

        Returns:
            Notes for a person, none where all is well.

        Raises:
            DataError: It is of another kind, and nothing good could come of it.
        """
        if self._as_is:
            return _lost_notes(text, tokenizer or self._model.tokenizer, needed=needed)
        doubt = judge_characters(text, emoji_count(source)) or judge_bits(*self._bits(text))
        if doubt and doubt.refused:
            raise DataError(doubt.reason, hint=doubt.hint)
        found = (judge_markup(text), doubt)
        lost = () if tokenizer is None else _lost_notes(text, tokenizer)
        return lost + tuple(
            Message("{reason}: the result may be poor ({hint})", reason=one.reason, hint=Message(one.hint))
            for one in found
            if one
        )

    def word_notes(self, words: str) -> tuple[str, ...]:
        """Notes on words to be written of which hardly a character is Chinese."""
        doubt = None if self._as_is else judge_characters(words, short=False)
        if doubt is None or not doubt.refused:
            return ()
        return (Message("{reason}: the result may be poor", reason=doubt.reason),)

    def _bits(self, text: str) -> tuple[float, int]:
        """Bits a token of the first tokens, and how many these are."""
        if is_blank(text):
            return 0.0, 0  # as often where a sample has no prompt: no model need be loaded
        model = self._model
        if not isinstance(model.network, LanguageModel):
            model = _language_model(model.files.precision, torch.get_default_device())
        # so long a beginning holds them: the rest need not be encoded
        ids = model.tokenizer.encode(text[: 4 * TOKENS])[:TOKENS]
        target = (model.tokenizer.specials.bos, *ids)
        return (bits_of(self._logprob(model.network, target), len(ids)), len(ids)) if ids else (0.0, 0)


def _lost_notes(text: str, tokenizer: Tokenizer, *, needed: bool = False) -> tuple[str, ...]:
    """A note on characters that have no token; none where there are none. Raises as `Reader.text_notes`."""
    # of blanks nobody misses what kind they were
    lost = [character for character in tokenizer.lost(text) if not character.isspace()]
    if not lost:
        return ()
    shown = "".join(lost[:SHOWN]) + ("…" if len(lost) > SHOWN else "")
    count = sum(map(text.count, lost))
    if needed and count == sum(not character.isspace() for character in text):
        hint = "take a model whose vocabulary has them, or another text"
        raise DataError("the model has no token for any character: {shown}", shown=repr(shown), hint=hint)
    template = "the model has no token for {count} of {all} characters: {shown}"
    return (Message(template, count=count, all=len(text), shown=repr(shown)),)


def _logprob(network: LanguageModel, target: tuple[int, ...]) -> float:
    with torch.inference_mode():
        return float(sequence_logprobs(network, [], [target])[0])


@cache
def _language_model(precision: str, device: torch.device) -> LoadedModel:
    """The model on torch's default device, which is `device`."""
    return load_model(find_model(LANGUAGE_MODEL, precision), label=LANGUAGE_MODEL)  # in no record
