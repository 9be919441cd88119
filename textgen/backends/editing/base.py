"""The base of the backends that write by editing: compose, rewrite, correct and fill.

A language model scores the texts, another model proposes what could stand at a place; `mcmc.cgmh` makes of
both a chain that samples a known distribution.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Generic, TypeVar

from textgen.backends.base import Backend, Found, Outcome, Prepared
from textgen.backends.chain_reports import Reports, StepReports, lost
from textgen.backends.editing.chain_texts import Found as Seen
from textgen.backends.editing.chain_texts import best_states, chain_notes, further_chains, last_states
from textgen.backends.editing.models import ChainModels, scores_behind, too_long
from textgen.backends.editing.proposals import load_beside
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import Operations, State
from textgen.mcmc.cgmh.initial_states import lengthened
from textgen.mcmc.cgmh.kernel import Cgmh, Neighbours, no_neighbours
from textgen.mcmc.cgmh.proposals import ContextProposals, Proposals, WeightedProposals
from textgen.mcmc.cgmh.target import Length, Outside, Point, Repeated, Target, Term
from textgen.mcmc.chain import Chain, Course, Visit, run
from textgen.mcmc.schedule import Schedule
from textgen.messages import Message
from textgen.options import CgmhOptions
from textgen.rng import row_key
from textgen.schema import Candidate, Row
from textgen.store.load import LoadedModel
from textgen.text.diff import Change
from textgen.text.keywords import missing
from textgen.text.model_input import Reading

C = TypeVar("C", bound=CgmhOptions)

GROWTH = 10  # steps in which a search lengthens a text by a character, and often needs fewer


@dataclass(frozen=True)
class Start(Prepared):
    """A row whose chains are ready to begin.

    Attributes:
        models: Of its chains.
        reading: What is read of its text, or of its words.
        state: The first state; see `CgmhBackend.first`.
        locked: What its locked spans stand for, by their labels.
        keywords: What every text must contain.
        spaces: Whether tokens with a space may be written.
    """

    models: ChainModels
    reading: Reading
    state: State
    locked: tuple[str, ...]
    keywords: tuple[str, ...]
    spaces: bool


class CgmhBackend(Backend[C, Start], Generic[C]):
    """A language model under which texts are written by editing.

    Args:
        model: The language model, of a family that scores sequences.
    """

    task = "sample"
    blanks: ClassVar[bool] = False  # whether `length` is that of every blank
    shows_changes: ClassVar[bool] = False  # whether records tell what was changed
    by_target: ClassVar[bool] = True  # whether the texts of a search come in the order of log pi
    unfound: ClassVar[str] = "no text of {least}-{most} characters was found"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        # a text is a line of its own: that is how sentences stood in training, and how they ended there
        self.language_model = scores_behind(model)
        # models beside the language model, each loaded once
        self.loaded = cache(lambda name: load_beside(name, model))
        self._models = cache(lambda name: ChainModels.of(model, self.language_model, self.loaded(name)))

    def models(self, options: C) -> ChainModels:
        """The models of the chains that options ask for."""
        found: ChainModels = self._models(options.proposals)
        return found

    def terms(self, options: C) -> list[tuple[float, Term]]:
        """The terms of log pi beside the language model and the length, with their weights."""
        return []

    def first(self, start: Start, key: bytes, candidate: int, options: C) -> State:
        """The first state of a chain, before it is made long enough."""
        return start.state

    def firsts(self, start: Start, numbers: Sequence[tuple[bytes, int]], options: C) -> list[State]:
        """The first states of chains, each with the key and the number of its own."""
        return [self.first(start, *number, options) for number in numbers]

    def ranked(self, start: Start, chains: list[Chain[Point]], options: C) -> list[Seen]:
        """The texts of a search, those first that are to be shown."""
        return best_states(chains, start.models.tokenizer.decode)

    def possible(self, state: State, options: C) -> bool:
        """Whether a chain may be at a state."""
        return True

    def reportable(self, state: State, models: ChainModels) -> bool:
        """Whether a text inside its length may be shown."""
        return True

    def prompt(self, row: Row) -> str | None:
        return row.text or "、".join(row.keywords) or None

    def label(self, options: C) -> str:
        return f"{self.model.label}+{self.loaded(options.proposals).label}"

    def check(self, options: C) -> None:
        longest = self.longest(options)  # models that do not go together are refused before any row
        if options.length is not None and options.length[0] > longest:
            raise UsageError(
                "{@length} {least} is more than the models read",
                least=options.length[0],
                hint="at most {most} characters",
                most=longest,
            )

    def longest(self, options: C) -> int:
        """The most tokens that all models read."""
        return self.models(options).longest

    def start(
        self,
        row: Row,
        reading: Reading,
        state: State,
        locked: Sequence[str],
        options: C,
        keywords: Sequence[str] = (),
        *,
        notes: tuple[str, ...] = (),
    ) -> Start:
        """A row that is ready.

        Raises:
            DataError: Its text is longer than the models read, what is locked is longer than the text may
                be, or the language model has no token for a character of it.
        """
        ids, longest, models = state.ids, self.longest(options), self.models(options)
        tokenizer = models.tokenizer
        least = len(ids) + (len(state.blanks) * state.subject.length[0] if self.blanks else 0)
        if least > longest:
            raise too_long(least, longest)
        fixed = models.measure(tuple(i for span in state.spans for i in ids[span.start : span.stop]))
        if fixed > state.subject.length[1] and not self.blanks:
            raise DataError(
                "what must stay has {locked} characters and a text at most {most}",
                locked=fixed,
                most=state.subject.length[1],
                hint="raise {@length}",
            )
        if strange := [i for i in ids if not models.allowed[i]]:
            shown = repr(tokenizer.decode(strange[:1]))
            raise DataError(
                "{shown} cannot be written", shown=shown, hint="take control characters out of the text"
            )
        models.check_read(tokenizer.decode(list(ids)))
        spaced = tokenizer.vocabulary.spaced
        tokens, used = (len(tokenizer.encode(text)) if row.text else 0 for text in (row.text, reading.text))
        spaces = any(i in spaced for i in ids)
        parts = tuple(locked), tuple(keywords)
        return Start(row, 1, tokens, used, models, reading, state, *parts, spaces, notes=notes)

    def compute(self, batch: Sequence[Start], options: C, seed: int, on_event: OnEvent) -> list[Outcome]:
        reports = StepReports(self.models(options).tokenizer.decode, on_event)
        reports.expect(options.steps * len(batch) * options.parallel)
        found: list[Outcome] = [[] for _ in batch]
        # tokens with a space may be written where the row itself has one
        for spaces in sorted({start.spaces for start in batch}):
            kernel = self._kernel(options, spaces=spaces)
            rows = [n for n, start in enumerate(batch) if start.spaces == spaces]
            chains: dict[int, list[Chain[Point]]] = {n: [] for n in rows}
            while new := [
                chain for n in rows for chain in self._further(batch[n], chains[n], kernel, options, seed)
            ]:
                reports.expect(options.steps * sum(chain.candidate >= options.parallel for chain in new))
                self._run(kernel, new, options, reports)
            for n in rows:
                found[n] = self._outcome(batch[n], chains[n], options)
        return found

    def _further(
        self, start: Start, chains: list[Chain[Point]], kernel: Cgmh, options: C, seed: int
    ) -> list[Chain[Point]]:
        """The chains that are still to be run for a row, added to those it has."""
        key = row_key(seed, start.row.text, id=start.row.id, keywords=start.keywords)
        numbers = [(key, len(chains) + n) for n in range(further_chains(chains, options))]
        states = self.firsts(start, numbers, options)
        if options.steps and kernel.operations.insert:  # else what is drawn would stay as it is
            slack = options.steps // GROWTH if options.searching else 0
            sizes, outside = start.models.sizes, self._outside(start.models)
            states = lengthened(states, numbers, kernel.proposals, outside, sizes, slack=slack)
        new = [
            kernel.start(*number, state, name=start.row.name)
            for number, state in zip(numbers, states, strict=True)
        ]
        for chain in new:
            chain.kept += chain.best  # where it begins, if that may be shown
        chains += new
        return new

    def _run(self, kernel: Cgmh, chains: Sequence[Chain[Point]], options: C, reports: StepReports) -> None:
        schedule = Schedule(*options.anneal) if options.searching else Schedule()
        for at in range(0, len(chains), options.batch_size):
            together = chains[at : at + options.batch_size]
            run(kernel, together, Course(options.steps, thin=0, schedule=schedule), reports)
            for chain in together:
                chain.point = chain.point.lean()

    def _outside(self, models: ChainModels) -> Outside:
        return Outside(self.blanks, models.measure)

    def _kernel(self, options: C, *, spaces: bool) -> Cgmh:
        models = self.models(options)
        outside = self._outside(models)
        terms: list[tuple[float, Term]] = [
            (-options.length_weight, outside),
            (options.length_reward, Length()),
            (-options.repetition, Repeated(models.marks)),
            *self.terms(options),
        ]
        longest = self.longest(options)
        constraints = [lambda state: len(state.ids) <= longest and self.possible(state, options)]
        drawn = ContextProposals(
            models.proposer.model,
            models.drawable(spaces=spaces),
            options.temperature,
            options.top_k,
            options.epsilon,
        )
        proposals: Proposals = drawn
        if options.candidates:
            proposals = WeightedProposals(drawn, models.language_model, options.power, options.candidates)
        return Cgmh(
            Target(models.language_model, options.power, [term for term in terms if term[0]], constraints),
            proposals,
            self.operations(options),
            lambda state: outside.distance(state) == 0 and self.reportable(state, models),
            self.neighbours(options),
        )

    def operations(self, options: C) -> Operations:
        """Probabilities of the moves."""
        return Operations(0.35, 0.35, 0.3)

    def neighbours(self, options: C) -> Neighbours:
        """Where a paraphrase leads."""
        return no_neighbours

    def _outcome(self, start: Start, chains: list[Chain[Point]], options: C) -> Outcome:
        found = self.ranked(start, chains, options) if options.searching else last_states(chains)
        found, notes = self.sifted(start, found, options)
        if not found:
            return self.nothing(start, len(chains), notes, options)
        chosen = found[: options.num_candidates]
        if options.searching and self.by_target:
            chosen.sort(key=lambda pair: -pair[1].point.log_target)
        # the second halves tell how the chains agree
        series = [chain.series[options.steps // 2 :] for chain in chains]
        reports = Reports(series, search=options.searching)
        candidates = [self._candidate(start, chain, visit, reports) for chain, visit in chosen]
        if not all(self.holds(start, candidate.text, options) for candidate in candidates):
            return lost("what must be there")
        return Found(candidates, (*chain_notes(chains, options, len(candidates), reports), *notes))

    def sifted(self, start: Start, found: list[Seen], options: C) -> tuple[list[Seen], tuple[str, ...]]:
        """The texts that are good enough to be shown, and notes on the others."""
        return found, ()

    def nothing(self, start: Start, chains: int, notes: Sequence[str], options: C) -> Outcome:
        """The outcome of a row of which no text can be shown: an error, unless something takes its place.

        Args:
            start: The row.
            chains: How many chains were run.
            notes: On the texts that were not good enough; none if there were no texts.
            options: What was asked for.
        """
        least, most = start.state.subject.length
        if notes:
            hint = "raise {@steps}, or ask less of a text"
            return DataError("no text is good enough: {why}", why=notes[0], hint=hint)
        return DataError(
            "{unfound} (chains: {chains}, steps of each: {steps})",
            unfound=Message(self.unfound, least=least, most=most),
            chains=chains,
            steps=options.steps,
            hint="raise {@steps}, or widen {@length}",
        )

    def holds(self, start: Start, text: str, options: C) -> bool:
        """Whether the final text has what must be in it."""
        return not missing(text, start.keywords)

    @abstractmethod
    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        """The text of a state in the characters that the row was typed in, and what it changed there."""

    def _candidate(
        self, start: Start, chain: Chain[Point], visit: Visit[Point], reports: Reports
    ) -> Candidate:
        point, report = visit.point, reports.of(chain, visit)
        tokens = len(point.state.ids) + 1  # the end counts
        text, changes = self.written(start, point.state)
        logprob = point.scored.logprob
        score, shown = logprob / tokens, changes if self.shows_changes else None
        return Candidate(text, score, "mean_logprob", logprob, tokens, "stop", changes=shown, chain=report)
