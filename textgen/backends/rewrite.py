"""The same in other words: paraphrase by edits."""

from __future__ import annotations

from functools import cached_property

from textgen.backends.cgmh import CgmhBackend, Start
from textgen.backends.locks import locked_state
from textgen.backends.proposing import load_similarity
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.edits import State, Subject
from textgen.mcmc.similarity import Similarity
from textgen.mcmc.target import Distance, Missing, Shared, Term
from textgen.options import RewriteOptions
from textgen.schema import Row
from textgen.text.content import content_words

LESS, MORE = 0.75, 1.25  # length of a rewritten sentence, as a multiple of the sentence's


class RewriteBackend(CgmhBackend[RewriteOptions]):
    """Starts from the sentence; the law draws it towards fluent texts that mean the same.

    Miao et al. 2019, CGMH, https://arxiv.org/abs/1811.10996, section "Unsupervised paraphrase generation";
    the similarities are those named there and in Liu et al. 2020, UPSA, https://arxiv.org/abs/1909.03588.
    """

    options = RewriteOptions

    @cached_property
    def _similarity(self) -> Similarity:
        return load_similarity(self.model)

    def terms(self, options: RewriteOptions) -> list[tuple[float, Term]]:
        terms: list[tuple[float, Term]] = [
            (-options.content, Missing()),
            (options.shared, Shared()),
            (-options.distance, Distance()),
        ]
        if options.similarity:
            terms.append((options.similarity, self._similarity))
        return terms

    def prepare(self, row: Row, options: RewriteOptions, on_event: OnEvent) -> Start:
        text = row.text.strip()
        if not text:
            raise DataError("the text is empty", hint="give a sentence to rewrite")
        ids = self.tokenizer.encode(text)
        length = options.length or (max(1, int(LESS * len(ids))), max(2, round(MORE * len(ids))))
        words = (
            [tuple(self.tokenizer.encode(word)) for word in content_words(text)] if options.content else []
        )
        subject = Subject(tuple(ids), tuple(words), length)
        return self.start(
            row, locked_state(text, options.keep, self.tokenizer, subject), options, options.keep
        )

    def reportable(self, state: State) -> bool:
        return state.ids != state.subject.source
