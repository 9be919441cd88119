"""Texts from a masked model, by Gibbs sampling, plain or corrected, or by annealing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from torch import Tensor

from textgen.backends.base import Backend, Found, Outcome, Prepared
from textgen.backends.best_of import best
from textgen.backends.chain_reports import Reports, StepReports, lost
from textgen.backends.editing.locks import anchors, kept_spans, redrawable
from textgen.backends.tokenized import edited, texts_of, token_places, tokenized, with_spans
from textgen.choice.allowed import line_ids
from textgen.choice.lengths import text_length, token_lengths
from textgen.choice.read_ids import own_ids
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent
from textgen.mcmc.chain import Chain, Course, Visit, run
from textgen.mcmc.gibbs.energy import ENERGIES, Conditionals, ProposalDistribution
from textgen.mcmc.gibbs.kernel import LENGTH, Gibbs
from textgen.mcmc.gibbs.point import Point, Template
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule
from textgen.models.batching import same_size_batches
from textgen.models.views import FRAME, MaskedLanguageModel
from textgen.options import GibbsOptions
from textgen.rng import row_key, uniform
from textgen.schema import Candidate, ChainReport, Row
from textgen.text.blank import is_blank
from textgen.text.keywords import missing
from textgen.text.model_input import Reading

UNIT = 4  # chains are padded to a multiple of this; a forward here costs by the place, not by the call


@dataclass(frozen=True)
class Seed(Prepared):
    """A seed sentence; empty for a free sample.

    Attributes:
        reading: What is read of it.
        ids: Its tokens, without frame.
        free: Those that may be drawn anew.
    """

    reading: Reading
    ids: list[int]
    free: list[int]


class BertBackend(Backend[GibbsOptions, Seed]):
    """Samples sentences of a given length, or starts from a sentence.

    `num_candidates` texts come from as many chains, the best of the last recorded states of each (`best_of`);
    from fewer chains, those of the last states of every chain first, then of the ones before; of more chains,
    from the first.
    """

    options = GibbsOptions
    task = "sample"
    network: MaskedLanguageModel

    def check(self, options: GibbsOptions) -> None:
        self.styled(options)

    def prompt(self, row: Row) -> str | None:
        return None if is_blank(row.text) else row.text

    def prepare(self, row: Row, options: GibbsOptions, on_event: OnEvent) -> Seed:
        if row.keywords:
            raise DataError("the row has keywords", hint="Gibbs sampling takes none")
        read = self.reader.read(row.text)
        reading = tokenized(read, self.tokenizer)
        ids = self.tokenizer.encode(reading.text)
        if ids and "length" in options.model_fields_set:
            raise DataError("a seed sentence has its own length", hint="leave out {@length}, or the sentence")
        if options.keep and not ids:
            raise DataError("{@keep} needs a sentence", hint="give the sentence that the words are part of")
        longest = len(ids) or options.length[1]
        if longest + FRAME > self.network.positions:
            raise (DataError if ids else UsageError)(
                "{tokens} tokens are more than the model reads",
                tokens=longest,
                hint="at most {most}",
                most=self.network.positions - FRAME,
            )
        kept = {place for span in kept_spans(reading, ids, options.keep, self.tokenizer) for place in span}
        free = [place for place in redrawable(ids, self.tokenizer.vocabulary) if place not in kept]
        if ids and not free:
            hint = "keep less of it" if options.keep else "give a sentence of ordinary text"
            raise DataError("nothing in the sentence can be resampled", hint=hint)
        notes = self.reader.text_notes(read.text, row.text)
        return Seed(row, longest + FRAME, len(ids), len(ids), reading, ids, free, notes=notes)

    def compute(
        self, batch: Sequence[Seed], options: GibbsOptions, seed: int, on_event: OnEvent
    ) -> list[Outcome]:
        rows = [self._chains(start, seed, options) for start in batch]
        chains = [chain for row in rows for chain in row]
        reports = StepReports(self.tokenizer.decode, on_event, frame=FRAME)
        reports.expect(sum(options.sweeps * chain.period for chain in chains))
        schedule = Schedule(*options.anneal) if options.method == "anneal" else Schedule()
        course = Course(options.sweeps, options.burnt, options.thin, schedule)
        for group in same_size_batches(chains, lambda c: _width(c.point.ids), lambda _: options.batch_size):
            kernel = self._kernel(group[0].point.ids, options)
            kernel.start(group)
            run(kernel, group, course, reports)
        return [self._texts(start, row, options) for start, row in zip(batch, rows, strict=True)]

    def _chains(self, start: Seed, seed: int, options: GibbsOptions) -> list[Chain[Point]]:
        key = row_key(seed, start.row.text, id=start.row.id)
        chains = []
        for number in range(options.parallel):
            ids, template = self._seeded(start) if start.ids else self._free(key, number, options)
            kernel = self._kernel(ids, options)
            chains.append(kernel.chain(key, number, ids, template, name=start.row.name))
        return chains

    def _seeded(self, start: Seed) -> tuple[list[int], Template]:
        """The ids and the template of a chain that starts from a sentence."""
        specials = self.tokenizer.specials
        body, free = start.ids, start.free
        spaces = any(i in self.tokenizer.vocabulary.spaced for i in body)
        allowed = self._drawable(spaces=spaces)
        # what is kept counts for the energy; bytes and line breaks, which may not be drawn, have none
        scored = [place + 1 for place in redrawable(body, self.tokenizer.vocabulary)]
        framed = [specials.cls, *body, specials.sep]
        return framed, Template([place + 1 for place in free], allowed, scored)

    def _free(self, key: bytes, number: int, options: GibbsOptions) -> tuple[list[int], Template]:
        """The same for a chain without a sentence, which draws the number of tokens of its texts.

        A token has a character or more, so the texts of so many tokens are as long as the least of the
        range; those that would be longer than the most are no states of the chain.
        """
        specials = self.tokenizer.specials
        least, most = options.length
        length = least + int(uniform(key, number, 0, LENGTH) * (most - least + 1))
        allowed = self._drawable(spaces=False)
        return [specials.cls, *[specials.mask] * length, specials.sep], Template(
            list(range(1, length + 1)),
            allowed,
            opening=allowed & (self._sizes == 1),
            possible=lambda ids: least <= text_length(self.tokenizer, ids) <= most,
        )

    def _drawable(self, *, spaces: bool) -> Tensor:
        return line_ids(self.tokenizer, self.network.vocab_size, spaces=spaces) & self._own

    @cached_property
    def _own(self) -> Tensor:
        return own_ids(self.tokenizer, self.network.vocab_size)

    @cached_property
    def _sizes(self) -> Tensor:
        return token_lengths(self.tokenizer.vocabulary, self.network.vocab_size)

    def _kernel(self, ids: Sequence[int], options: GibbsOptions) -> Gibbs:
        """The kernel of all chains over texts of the padded length of these ids."""
        return Gibbs(
            Conditionals(self.styled(options), self.tokenizer.specials.mask, _width(ids)),
            Scan(options.scan, options.block),
            ProposalDistribution(options.temperature, options.top_k),
            None if options.method == "gibbs" else ENERGIES[options.energy],
        )

    def _texts(self, start: Seed, chains: Sequence[Chain[Point]], options: GibbsOptions) -> Outcome:
        searched = options.method == "anneal"
        reports = Reports([chain.series for chain in chains], search=searched)
        found = []
        for number in range(options.num_candidates):
            back, at = divmod(number, len(chains))
            chain = chains[at]
            end = len(chain.kept) - back * options.states_each
            visits = chain.best[:1] if searched else chain.kept[end - options.states_each : end][::-1]
            drawn = [self._candidate(start, one, reports.of(chain, one), options) for one in visits]
            found.append(best(drawn, sound=True))
        if words := [word for candidate in found for word in missing(candidate.text, options.keep)]:
            return lost(words[0])
        return Found(found, reports.doubts("sweeps"))

    def _candidate(
        self, start: Seed, visit: Visit[Point], report: ChainReport, options: GibbsOptions
    ) -> Candidate:
        ids, free = visit.point.ids, visit.point.template.free
        score = self._kernel(ids, options).pseudo_logprob(visit.point) / len(free)
        text = self._text(start, ids)
        return Candidate(text, score, "mean_pseudo_logprob", None, len(ids) - FRAME, "stop", chain=report)

    def _text(self, start: Seed, ids: Sequence[int]) -> str:
        """The text of a state; where tokens were not drawn anew, that of the sentence: each has its place."""
        free, read = set(start.free), start.reading.text
        groups = groupby(range(len(start.ids)), lambda n: n not in free)
        runs = [list(places) for fixed, places in groups if fixed]
        spans = [range(run[0], run[-1] + 1) for run in runs]
        places = token_places(start.ids, self.tokenizer, read)
        texts = texts_of(read, places, spans)
        text, now = with_spans(ids[1:-1], spans, texts, self.tokenizer)
        before = [places[span.start].start for span in spans]
        found, _ = edited(start.reading, text, anchors(before, texts, now), self.tokenizer)
        return found


def _width(ids: Sequence[int]) -> int:
    return -(-len(ids) // UNIT) * UNIT
