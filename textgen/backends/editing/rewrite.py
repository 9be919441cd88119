"""Paraphrase by edits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property

from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.paraphrases import Paraphrases
from textgen.backends.editing.source import SourceBackend
from textgen.mcmc.cgmh.edits import Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Neighbours, no_neighbours
from textgen.mcmc.cgmh.target import Distance, Missing, Shared, Term, TooSimilar
from textgen.options import RewriteOptions
from textgen.text.content_words import content_words
from textgen.text.length import characters
from textgen.text.paraphrase.lexicon import shipped_lexicon

LESS, MORE = 0.75, 1.25  # characters of a rewritten sentence, as a multiple of the sentence's


class RewriteBackend(SourceBackend[RewriteOptions]):
    """Samples fluent texts that mean the same as the sentence, and are not the same.

    Miao et al. 2019, CGMH, https://arxiv.org/abs/1811.10996, section "Unsupervised paraphrase generation";
    the similarities are those named there and in Liu et al. 2020, UPSA, https://arxiv.org/abs/1909.03588.
    """

    options = RewriteOptions
    unfound = "no other text was found"

    def terms(self, options: RewriteOptions) -> list[tuple[float, Term]]:
        return [
            *super().terms(options),
            (-options.change_weight, TooSimilar(options.changes)),
            (-options.content, Missing()),
            (options.shared, Shared()),
            (-options.distance, Distance()),
        ]

    def operations(self, options: RewriteOptions) -> Operations:
        tokens = 1 - options.paraphrase
        return Operations(0.35 * tokens, 0.35 * tokens, 0.3 * tokens, paraphrase=options.paraphrase)

    def neighbours(self, options: RewriteOptions) -> Neighbours:
        return self._paraphrases(self.models(options)) if options.paraphrase else no_neighbours

    @cached_property
    def _paraphrases(self) -> Callable[[ChainModels], Paraphrases]:
        """The paraphrases of states of some models, found once."""
        return cache(lambda models: Paraphrases(models.tokenizer, shipped_lexicon()))

    def subject(self, text: str, ids: tuple[int, ...], options: RewriteOptions) -> Subject:
        own = characters(text)
        length = options.length or (max(1, int(LESS * own)), max(2, round(MORE * own)))
        words = content_words(text) if options.content else ()
        encode = self.models(options).tokenizer.encode
        return Subject(ids, tuple(tuple(encode(word)) for word in words), length)

    def reportable(self, state: State, models: ChainModels) -> bool:
        decode = models.tokenizer.decode
        return decode(list(state.ids)) != decode(list(state.subject.source))
