"""Correction of errors: the text that was meant, by a language model and by what people confuse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, lru_cache

from torch import Tensor

from textgen.backends.base import Found, Outcome
from textgen.backends.editing.base import Start
from textgen.backends.editing.locks import held, locked_state, locked_texts
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.source import SourceBackend
from textgen.backends.tokenized import token_places
from textgen.mcmc.cgmh.channel import Channel, Evidence, Noise
from textgen.mcmc.cgmh.edits import FREE, Ids, State, Subject
from textgen.mcmc.cgmh.near import likely_edits, nearest
from textgen.mcmc.cgmh.target import Distance, Point, Term
from textgen.mcmc.chain import Chain
from textgen.messages import Message
from textgen.options import CorrectOptions
from textgen.options.cgmh import ALL
from textgen.schema import Lock
from textgen.text.confusion.changes import as_errors, with_kinds
from textgen.text.confusion.errors import Errors
from textgen.text.confusion.tables import common_characters
from textgen.text.diff import Change
from textgen.text.facts.fact import KINDS
from textgen.text.traditional import simplified

REMEMBERED = 256  # sources
SHOWN, BESIDE = (
    12,
    4,
)  # characters of a locked part that are shown of an error in it; of a longer one, beside it

# -log of the probability of an error of a kind, and of what the models underrate in right sentences; below 0
# where they like what is wrong, as 的 before a verb
COSTS: Mapping[str, float] = {
    "adverbial": -5.0,
    "complement": 2.0,
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
        if not isinstance(found, Found):
            return found
        found = replace(found, notes=(*found.notes, *self._doubts(start, options)))
        if not options.explain:
            return found
        source = simplified(start.row.text)
        explained = [
            replace(one, changes=with_kinds(source, simplified(one.text), one.changes or ()))
            for one in found.candidates
        ]
        return replace(found, candidates=explained)

    def _nearest(
        self, start: Start, options: CorrectOptions, *, within: Collection[int] | None = None
    ) -> list[Point]:
        """The best texts near that of a row, best first; with edits of some of its places only, if given."""
        models, state = start.models, start.state
        noise = self._noise(models)(state.ids)
        kernel = self._kernel(options, spaces=start.spaces)
        rough = [term for term in kernel.target.terms if not isinstance(term[1], Evidence)]
        edits = likely_edits(state, noise, models.proposer.model, self._missing(models), within)
        return nearest(
            state,
            edits,
            replace(kernel.target, terms=rough),
            kernel.target,
            kernel.reportable,
            options.num_candidates - 1,
        )

    def _doubts(self, start: Start, options: CorrectOptions) -> list[str]:
        """Notes on errors that seem to be in what is locked, which are not put right there."""
        tokenizer, subject = start.models.tokenizer, start.state.subject
        options = options.model_copy(update={"keep": start.keywords})  # those of this part
        freed = options.model_copy(update={"free": (ALL,)})
        state = locked_state(start.reading, held(start.reading, freed), tokenizer, subject)
        locked = {place for place in state.free if start.state.labels[place] != FREE}
        if not locked:
            return []
        best = self._nearest(replace(start, state=state), options, within=locked)[0].state
        text, changes = self.written(
            replace(start, state=state, locked=locked_texts(start.reading, state, tokenizer)), best
        )
        locks = [one.lock(start.reading) for one in held(start.reading, options) if one.kind in KINDS]
        return [_doubt(start.row.text, text, change, locks) for change in changes]

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


def _doubt(source: str, text: str, change: Change, locks: Sequence[Lock]) -> str:
    """A note on an error that seems to be in a locked part of a source."""
    first, last = change.source_start, change.source_end
    lock = next((one for one in locks if one.start <= last and first <= one.end), None)
    # of a long quote what is near; where one is cut between sentences, no part of it looks quoted
    start, end = (lock.start, lock.end) if lock else (0, len(source))
    if end - start > SHOWN:
        start, end = max(start, first - BESIDE), min(end, last + BESIDE)
    start, end = min(start, first), max(end, last)
    meant = source[start:first] + text[change.start : change.end] + source[last:end]
    template = "{text} is locked, and may be meant as {meant} ({@free} {kind} unlocks it)"
    kind = lock.kind if lock else "quotes"
    return Message(template, text=source[start:end], meant=meant, kind=kind)


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
