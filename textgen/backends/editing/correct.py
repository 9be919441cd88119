"""Correction of errors: a search for a more probable text near the given one."""

from __future__ import annotations

from textgen.backends.editing.source import SourceBackend
from textgen.mcmc.cgmh.edits import Subject
from textgen.mcmc.cgmh.target import Distance, Term
from textgen.options import CorrectOptions


class CorrectBackend(SourceBackend[CorrectOptions]):
    """Searches where every edit between the text and the result costs.

    Miao et al. 2019, CGMH, https://arxiv.org/abs/1811.10996, section "Unsupervised sentence error
    correction". The text itself is the result where nothing near is so much more probable.
    """

    options = CorrectOptions
    shows_changes = True
    unfound = "no text was found"

    def terms(self, options: CorrectOptions) -> list[tuple[float, Term]]:
        return [*super().terms(options), (-options.distance, Distance())]

    def subject(self, text: str, ids: tuple[int, ...], options: CorrectOptions) -> Subject:
        return Subject(ids, length=options.length or (1, Subject().length[1]))
