"""Correction of errors: the text that was meant, by a language model and by what people confuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, cached_property, lru_cache

from torch import Tensor

from textgen.backends.base import Found, Outcome
from textgen.backends.editing.base import Start
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.source import SourceBackend
from textgen.backends.tokenized import token_places
from textgen.mcmc.cgmh.channel import Channel, Evidence, Noise
from textgen.mcmc.cgmh.edits import Ids, State, Subject
from textgen.mcmc.cgmh.near import likely_edits, nearest
from textgen.mcmc.cgmh.target import Distance, Point, Term
from textgen.mcmc.chain import Chain
from textgen.options import CorrectOptions
from textgen.text.confusion.changes import as_errors, with_kinds
from textgen.text.confusion.errors import Errors
from textgen.text.confusion.tables import common_characters
from textgen.text.diff import Change
from textgen.text.traditional import simplified

REMEMBERED = 256  # sources

# -log of the probability of an error of a kind, and of what the models underrate in right sentences
COSTS: Mapping[str, float] = {
    "word": 5.0,
    "doubled": 8.0,
    "sound": 10.0,
    "shape": 10.0,
    "swapped": 11.0,
    "near": 12.0,
    "missing": 13.0,
    "other": 25.0,
    "extra": 25.0,
}


class CorrectBackend(SourceBackend[CorrectOptions]):
    """A noisy channel: what was meant is probable in itself, and likely to become what was written.

    The search among the likely errors is without chance. `steps` of a chain, as in Miao et al. 2019, CGMH,
    https://arxiv.org/abs/1811.10996, section "Unsupervised sentence error correction", go on from there under
    the same distribution. The text itself is the result where nothing near is so much more probable.
    """

    options = CorrectOptions
    shows_changes = True
    unfound = "no text was found"

    def terms(self, options: CorrectOptions) -> list[tuple[float, Term]]:
        models = self.models(options)
        noise = self._noise(models)
        return [
            *super().terms(options),
            (-options.distance, Distance()),
            (options.errors, Channel(noise)),
            (options.evidence, Evidence(noise, models.proposer.model)),
        ]

    def by_sentences(self, options: CorrectOptions) -> bool:
        return options.length is None  # which is that of the whole text

    def subject(self, text: str, ids: tuple[int, ...], options: CorrectOptions) -> Subject:
        return Subject(ids, length=options.length or (1, Subject().length[1]))

    def first(self, start: Start, key: bytes, candidate: int, options: CorrectOptions) -> State:
        found = self._nearest(start, options)
        return found[min(candidate, len(found) - 1)].state

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        text, changes = super().written(start, state)
        return text, as_errors(start.row.text, text, changes)

    def _outcome(self, start: Start, chains: list[Chain[Point]], options: CorrectOptions) -> Outcome:
        found = super()._outcome(start, chains, options)
        if not options.explain or not isinstance(found, Found):
            return found
        source = simplified(start.row.text)
        explained = [
            replace(one, changes=with_kinds(source, simplified(one.text), one.changes or ()))
            for one in found.candidates
        ]
        return replace(found, candidates=explained)

    def _nearest(self, start: Start, options: CorrectOptions) -> list[Point]:
        models = start.models
        noise = self._noise(models)(start.state.ids)
        kernel = self._kernel(options, spaces=start.spaces)
        rough = [term for term in kernel.target.terms if not isinstance(term[1], Evidence)]
        edits = likely_edits(start.state, noise, models.proposer.model, self._missing(models))
        return nearest(
            start.state,
            edits,
            replace(kernel.target, terms=rough),
            kernel.target,
            kernel.reportable,
            options.num_candidates - 1,
        )

    @cached_property
    def _noise(self) -> Callable[[ChainModels], Callable[[Ids], Noise]]:
        return cache(lambda models: lru_cache(REMEMBERED)(lambda ids: noise_of(ids, models)))

    @cached_property
    def _missing(self) -> Callable[[ChainModels], Tensor]:
        """What may be missing from a text: `(vocab,)`, true for characters that are common."""

        def writable(models: ChainModels) -> Tensor:
            found, known = models.drawable(spaces=False), models.characters
            wanted = {known[character] for character in common_characters() if character in known}
            found[[token for token in range(len(found)) if token not in wanted]] = False
            return found

        return cache(writable)


def noise_of(ids: Ids, models: ChainModels) -> Noise:
    """What may have happened to a text, by the tokens that are one character each."""
    tokenizer, known = models.tokenizer, models.characters
    text = tokenizer.decode(list(ids))
    places = token_places(ids, tokenizer)
    single = {own.start: n for n, own in enumerate(places) if len(own) == 1}
    errors = Errors(text)
    meant: list[Mapping[int, str]] = [{} for _ in ids]
    for at, n in single.items():
        kinds = errors.meant[at]
        meant[n] = {known[one]: kind for one, kind in kinds.items() if one in known}
    return Noise(
        ids,
        meant,
        frozenset(single[at] for at in errors.doubled if at in single),
        frozenset(single[at] for at in errors.swapped if at in single and at + 1 in single),
        COSTS,
    )
