"""The text as it was meant: a search for a more probable text near the given one."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from textgen.backends.cgmh import CgmhBackend, Start
from textgen.backends.locks import locked_state
from textgen.backends.proposing import load_similarity
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.edits import Subject
from textgen.mcmc.similarity import Similarity
from textgen.mcmc.target import Distance, Term
from textgen.options import CorrectOptions
from textgen.schema import Candidate, Row
from textgen.text.changes import changes


class CorrectBackend(CgmhBackend[CorrectOptions]):
    """Starts from the text; every edit between it and the result costs.

    Miao et al. 2019, CGMH, https://arxiv.org/abs/1811.10996, section "Unsupervised sentence error
    correction". The text itself is the result where nothing near is so much more probable.
    """

    options = CorrectOptions

    @cached_property
    def _similarity(self) -> Similarity:
        return load_similarity(self.model)

    def terms(self, options: CorrectOptions) -> list[tuple[float, Term]]:
        terms: list[tuple[float, Term]] = [(-options.distance, Distance())]
        return [*terms, (options.similarity, self._similarity)] if options.similarity else terms

    def prepare(self, row: Row, options: CorrectOptions, on_event: OnEvent) -> Start:
        text = row.text.strip()
        if not text:
            raise DataError("the text is empty", hint="give a text to correct")
        subject = Subject(tuple(self.tokenizer.encode(text)))
        if options.length:
            subject = Subject(subject.source, length=options.length)
        return self.start(
            row, locked_state(text, options.keep, self.tokenizer, subject), options, options.keep
        )

    def checked(self, start: Start, candidates: list[Candidate], options: CorrectOptions) -> list[Candidate]:
        source = start.row.text.strip()
        whole = super().checked(start, candidates, options)
        return [replace(one, changes=changes(source, one.text)) for one in whole]
