"""Continuations of prompts, by a GPT-2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from textgen.backends.base import Backend, Outcome
from textgen.backends.best_of import best, blended
from textgen.backends.keywords import keywords_of_row, with_keywords
from textgen.backends.outcome import cut_notes
from textgen.backends.prompt import Prompt
from textgen.backends.search_rules import as_drawn, check_listed, nothing_found, scoring_for, stop_for
from textgen.choice.allowed import WholeCharacters, text_ids
from textgen.choice.filters import Filter
from textgen.choice.opening import Opening, closing_ids
from textgen.choice.scoring import Scoring
from textgen.decoding.constraint import constraint_of
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import STUCK, Batch, Draft, write
from textgen.decoding.plan import Plan, search
from textgen.decoding.rank import distinct, score_kind
from textgen.decoding.stop import RUN_ON, SentenceStop, Stop, relabel
from textgen.errors import DataError, UsageError
from textgen.events import Note, OnEvent, Shortened, ignore
from textgen.models.guidance import with_style
from textgen.models.views import LanguageModel, NextTokenModel
from textgen.options import ContinueOptions
from textgen.options.strategies.beams import MAX_BEAMS
from textgen.rng import Draws, row_key
from textgen.schema import Candidate, Row
from textgen.store.load import LoadedModel
from textgen.text.segment import last_sentence_end
from textgen.tokenizers.stream import IncrementalDetokenizer

ROWS = 64  # texts written at once: so many, or one a prompt
WIDEST = 8  # beams a text that was asked for, where a narrower search found too few


class Gpt2Backend(Backend[ContinueOptions, Prompt]):
    """Continues prompts, or writes freely from none."""

    options = ContinueOptions
    task = "sample"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.network: LanguageModel = model.network
        self.allowed = text_ids(self.tokenizer, self.network.vocab_size)
        self.positions = self.network.positions
        closing = closing_ids(self.tokenizer.vocabulary, self.network.vocab_size)
        self.opening = Opening(closing, self.tokenizer.specials.bos)

    def check(self, options: ContinueOptions) -> None:
        check_listed(self.reader.spelled(options), self.tokenizer, self.allowed)
        self._writer(options)

    def prompt(self, row: Row) -> str | None:
        return row.text or None

    def prepare(self, row: Row, options: ContinueOptions, on_event: OnEvent) -> Prompt:
        room = self.positions - self._stop(row, options).limit
        if room < 1:
            raise UsageError(
                "{@max_new_tokens} {most} is more than the model can write",
                most=options.max_new_tokens,
                hint="it has {positions} positions, prompt included: {@max_new_tokens} {half}, say",
                positions=self.positions,
                half=self.positions // 2,
            )
        reading = self.reader.read(row.text, keep_layout=True, optional=True)
        ids = self.tokenizer.encode(reading.text)
        read = ids[max(0, len(ids) + 1 - room) :]
        if len(read) < len(ids):
            on_event(Shortened(row.name, len(read), len(ids), "tail"))
        typed = keywords_of_row(row, options, self.tokenizer, self.allowed, self.reader.word)
        keywords = tuple(dict.fromkeys(map(self.reader.word, typed)))
        start = [self.tokenizer.specials.bos, *read]
        notes = self.reader.judged(reading.text, row.text)
        return Prompt(
            row,
            len(read),
            len(ids),
            len(read),
            reading,
            start,
            keywords,
            typed,
            self.reader.listed(options),
            notes=notes,
        )

    def compute(
        self, batch: Sequence[Prompt], options: ContinueOptions, seed: int, on_event: OnEvent
    ) -> Sequence[Outcome]:
        if options.strategy.streamable:
            return self._written_out(batch, options, seed)
        most = max(1, ROWS // options.width) if options.strategy.several else len(batch)
        # keywords are exempt from n-gram bans, so prompts with others are searched apart
        apart = 1 if options.no_repeat_ngram and any(p.keywords for p in batch) else most
        parts = [batch[at : at + apart] for at in range(0, len(batch), apart)]
        return [outcome for part in parts for outcome in self._searched(part, options, seed)]

    def _written_out(self, batch: Sequence[Prompt], options: ContinueOptions, seed: int) -> list[Outcome]:
        each = options.draws_each
        drawn: list[list[list[Candidate]]] = [[[] for _ in range(options.num_candidates)] for _ in batch]
        most = max(1, ROWS // len(batch))
        for first in range(0, options.num_candidates * each, most):
            copies = min(most, options.num_candidates * each - first)
            *_, drafts = self._drafts(batch, options, seed, copies, first)
            for number, draft in enumerate(drafts):
                row, copy = divmod(number, copies)
                if draft.reason != STUCK:
                    drawn[row][(first + copy) // each].append(self._candidate(batch[row], draft, options))
        return [as_drawn([self._best(one, options) for one in row if one], options) for row in drawn]

    def _best(self, draws: list[Candidate], options: ContinueOptions) -> Candidate:
        """The best draw of a text. Each text has draws of its own: of more texts the first stay the same."""
        if options.rank == "blend":
            draws = blended(draws, self._writer(options), self.tokenizer, self.positions)
        return best(draws)

    def stream_row(
        self, row: Row, options: ContinueOptions, seed: int, *, candidate: int = 0, on_event: OnEvent = ignore
    ) -> Iterator[str]:
        """Stream one candidate of a row; unless `end_at` is `any`, in whole sentences. See `stream`."""
        prepared = self.prepare(row, options, on_event)
        for note in prepared.notes:
            on_event(Note(note))
        return self._parts(prepared, options, seed, candidate, on_event)

    def check_streamable(self, options: ContinueOptions) -> None:
        if not options.strategy.streamable:
            raise UsageError(
                "{@decode} {name} knows its text only at the end",
                name=options.decode,
                hint="{@decode} sample or greedy",
            )
        if options.rank != "none":
            raise UsageError(
                "the best of several texts is known only when all are written", hint="leave out {@rank}"
            )

    def _parts(
        self, prepared: Prompt, options: ContinueOptions, seed: int, candidate: int, on_event: OnEvent
    ) -> Iterator[str]:
        row = prepared.row
        detokenizer = IncrementalDetokenizer(self.tokenizer.vocabulary)
        written = shown = 0
        text = ""
        drafts = self._drafts([prepared], options, seed, 1, candidate)
        while True:
            with torch.inference_mode():
                draft = next(drafts, [None])[0]
            if draft is None:
                return
            if draft.reason == STUCK:
                raise nothing_found(options)
            if draft.reason is not None:
                whole = self._candidate(prepared, draft, options)
                yield whole.text[len(row.text) + shown :]
                for note in cut_notes([whole], options):
                    on_event(Note(note))
                return
            for token in draft.ids[written:]:
                text += detokenizer.push(token)
            written = len(draft.ids)
            ready = min(self._ready(row, text, options), prepared.reading.settled(text))
            if ready > shown:
                yield prepared.given_back(text)[shown:ready]
                shown = ready

    def _ready(self, row: Row, text: str, options: ContinueOptions) -> int:
        """How much of the text so far cannot be taken back."""
        if options.ends_at == "any":
            return len(text)
        return max(0, last_sentence_end(row.text + text) - len(row.text))

    def _drafts(
        self,
        batch: Sequence[Prompt],
        options: ContinueOptions,
        seed: int,
        copies: int,
        first_candidate: int = 0,
    ) -> Iterator[list[Draft]]:
        scoring = self._scoring(batch, options)
        stops = [self._stop(prompt.row, options) for prompt in batch]
        draws = Draws(self._keys(batch, seed), copies, first_candidate)
        choose = options.strategy.chooser()(scoring, draws, options)
        return write(
            self._writer(options),
            self._batch(batch, seed),
            scoring,
            choose,
            lambda number, ids: stops[number // copies].reason(ids),
            copies=copies,
            pad=self.tokenizer.specials.pad,
        )

    def _searched(self, batch: Sequence[Prompt], options: ContinueOptions, seed: int) -> list[Outcome]:
        """Outcomes of a search; where too few texts differ, a wider beam looks again."""
        outcomes = self._search(batch, options, seed)
        width = 2 * options.width
        if not options.strategy.several or width > min(MAX_BEAMS, WIDEST * options.num_candidates):
            return outcomes
        wider = options.model_copy(update={"beams": width})
        return [
            self._searched([prompt], wider, seed)[0]
            if isinstance(outcome, list) and len(outcome) < options.num_candidates
            else outcome
            for prompt, outcome in zip(batch, outcomes, strict=True)
        ]

    def _search(self, batch: Sequence[Prompt], options: ContinueOptions, seed: int) -> list[Outcome]:
        constraints = [
            constraint_of(prompt.keywords, self.tokenizer, ordered=options.ordered) for prompt in batch
        ]
        stops = [self._stop(prompt.row, options) for prompt in batch]
        plan = Plan(
            options,
            self.tokenizer.specials.eos,
            self.tokenizer.specials.pad,
            lambda number, ids: stops[number].reason(ids),
            copies=options.num_candidates,
            constraints=constraints if any(prompt.keywords for prompt in batch) else (),
        )
        pools = search(self._writer(options), self._batch(batch, seed), self._scoring(batch, options), plan)
        return [self._chosen(prompt, pool, options) for prompt, pool in zip(batch, pools, strict=True)]

    def _chosen(self, prompt: Prompt, pool: list[Hypothesis], options: ContinueOptions) -> Outcome:
        given = prompt.row.text
        kind = self._score_kind(options)
        exempt = stop_for(options, self.tokenizer).exempt
        candidates = [
            Candidate(
                given + prompt.given_back(self._written(h.ids)),
                h.score,
                kind,
                h.logprob,
                len(h.ids),
                relabel(h.reason, h.ids, exempt),
            )
            for h in pool
        ]
        try:
            whole = with_keywords(candidates, prompt.typed, options, skip=len(given))
        except DataError as error:
            return error
        return distinct(whole, options.num_candidates)

    @staticmethod
    def _score_kind(options: ContinueOptions) -> str:
        if "length_penalty" not in options.strategy.options:
            return score_kind(1.0)
        gnmt = options.length_norm == "gnmt"
        return score_kind(options.length_penalty, gnmt=gnmt, penalized=options.penalized)

    @staticmethod
    def _keys(batch: Sequence[Prompt], seed: int) -> list[bytes]:
        rows = [prompt.row for prompt in batch]
        return [row_key(seed, row.text, id=row.id, keywords=row.keywords) for row in rows]

    def _writer(self, options: ContinueOptions) -> NextTokenModel:
        """The network in the style that was asked for. Raises UsageError: it does not know that."""
        name = self.model.files.name
        writer: NextTokenModel = with_style(self.network, options.style, options.guidance, name=name)
        return writer

    def _batch(self, batch: Sequence[Prompt], seed: int) -> Batch:
        ids = [prompt.ids for prompt in batch]
        return Batch([row[:-1] for row in ids], [row[-1] for row in ids], ids, self._keys(batch, seed))

    def _scoring(self, batch: Sequence[Prompt], options: ContinueOptions) -> Scoring:
        given = max(len(prompt.ids) for prompt in batch)
        whole = WholeCharacters(self.tokenizer.vocabulary, given + self._stop(batch[0].row, options).limit)
        own: list[Filter] = [whole] if options.one_of else [whole, self.opening]
        keywords = batch[0].keywords
        options = self.reader.spelled(options)
        return scoring_for(options, self.tokenizer, self.allowed, given=given, task=own, keywords=keywords)

    def _stop(self, row: Row, options: ContinueOptions) -> Stop:
        plain = stop_for(options, self.tokenizer)
        if options.ends_at == "any":
            return plain
        # a short model keeps half of what is left for the prompt
        run_on = max(0, min(RUN_ON, (self.positions - options.max_new_tokens) // 2))
        return SentenceStop(**vars(plain), decode=self._written, prompt=row.text, run_on=run_on)

    def _candidate(self, prompt: Prompt, draft: Draft, options: ContinueOptions) -> Candidate:
        kept, reason = self._stop(prompt.row, options).cut(draft.ids, draft.reason or "length")
        logprob = sum(draft.logprobs[:kept])
        text = prompt.row.text + prompt.given_back(self._written(draft.ids[:kept]))
        return Candidate(text, logprob / kept, "mean_logprob", logprob, kept, reason)

    def _written(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids))
