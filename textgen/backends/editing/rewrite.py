"""Paraphrase by edits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, cached_property

from textgen.backends.base import Found, Outcome
from textgen.backends.editing.bar import Bar, Measures, left_out_notes, unsound
from textgen.backends.editing.base import Start
from textgen.backends.editing.chain_texts import Found as Seen
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.paraphrases import Paraphrases
from textgen.backends.editing.source import SourceBackend
from textgen.errors import DataError
from textgen.mcmc.cgmh.edits import Ids, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Neighbours, no_neighbours
from textgen.mcmc.cgmh.target import Distance, Missing, Shared, Term, TooSimilar
from textgen.messages import Message
from textgen.models.views import Scored
from textgen.options import RewriteOptions
from textgen.schema import Candidate
from textgen.text.content_words import content_words
from textgen.text.length import characters
from textgen.text.paraphrase.lexicon import shipped_lexicon

ENOUGH = 0.75  # of the share of edits wanted: a text with these goes before one that is only more probable
LESS, MORE = 0.75, 1.25  # characters of a rewritten sentence, as a multiple of the sentence's


class RewriteBackend(SourceBackend[RewriteOptions]):
    """Samples fluent texts that mean the same as the sentence, and are not the same.

    Miao et al. 2019, CGMH, https://arxiv.org/abs/1811.10996, section "Unsupervised paraphrase generation";
    the similarities are those named there and in Liu et al. 2020, UPSA, https://arxiv.org/abs/1909.03588.
    """

    options = RewriteOptions
    by_target = False
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

    def possible(self, state: State, options: RewriteOptions) -> bool:
        """Whether no check of the bar fails: a chain finds nothing where all that it visits is left out."""
        if not options.checks:
            return True
        decode = self.models(options).tokenizer.decode
        text, source = (decode(list(ids)) for ids in (state.ids, state.subject.source))
        return not unsound(text, source, options.locked)

    def sifted(
        self, start: Start, found: list[Seen], options: RewriteOptions
    ) -> tuple[list[Seen], tuple[str, ...]]:
        decode, points = start.models.tokenizer.decode, [visit.point for _, visit in found]
        bar = Bar(options.least_similarity, options.fluency_loss, options.checks, options.locked)
        source, own = decode(list(start.state.ids)), Measures(1.0, self._fluency_of_source(start))
        similar = self._similarity(start.models).values([point.state for point in points]) if points else []
        shown, failed, left_out = [], Counter[str](), 0
        for one, point, similarity in zip(found, points, similar, strict=True):
            measures = Measures(similarity, _mean(point.scored, point.ids))
            failings = bar.failings(decode(list(point.ids)), measures, source, own)
            failed.update(failings)
            left_out += bool(failings)
            if not failings:
                shown.append(one)
        if options.searching:
            shown = changed_first(shown, options)
        return shown, left_out_notes(failed, left_out, len(found))

    def nothing(self, start: Start, chains: int, notes: Sequence[str], options: RewriteOptions) -> Outcome:
        outcome = super().nothing(start, chains, notes, options)
        if not notes and options.paraphrase == 1 and options.length is None:
            hint = "{@paraphrase} 0.5 edits tokens, too, and may change what the sentence says"
            outcome = DataError("no other words are known for any part of it", hint=hint)
        if not options.or_source or not isinstance(outcome, DataError):
            return outcome
        ids = start.state.ids
        [scored] = start.models.language_model.score([ids], [None])
        candidate = Candidate(
            start.row.text, _mean(scored, ids), "mean_logprob", scored.logprob, len(ids) + 1, "stop"
        )
        return Found([candidate], (Message("this is the source: {why}", why=outcome.message),))

    def _fluency_of_source(self, start: Start) -> float:
        [scored] = start.models.language_model.score([start.state.ids], [None])
        return _mean(scored, start.state.ids)

    def reportable(self, state: State, models: ChainModels) -> bool:
        decode = models.tokenizer.decode
        return decode(list(state.ids)) != decode(list(state.subject.source))


def changed_first(found: Sequence[Seen], options: RewriteOptions) -> list[Seen]:
    """As many texts as are wanted, by log pi, but those that are changed enough before all others."""
    short = TooSimilar(ENOUGH * options.changes)

    def lacking(one: Seen) -> bool:
        return short.values([one[1].point.state]) != [0.0]

    chosen = sorted(found, key=lacking)[: options.num_candidates]
    return sorted(chosen, key=lambda one: (lacking(one), -one[1].point.log_target))


def _mean(scored: Scored, ids: Ids) -> float:
    """The mean log-probability of tokens and their end."""
    return scored.logprob / (len(ids) + 1)
