"""Continuations of prompts, by a GPT-2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from textgen.backends.base import Backend, Outcome
from textgen.backends.best_of import best, blended
from textgen.backends.dialogue import dialogue_ids
from textgen.backends.keywords import KeywordRow, keywords_of_row, with_keywords
from textgen.backends.outcome import cut_notes
from textgen.backends.search_rules import (
    beam_score_kind,
    check_listed,
    check_view,
    drawn_outcome,
    nothing_found,
    plan_for,
    scoring_for,
    stop_for,
)
from textgen.choice.allowed import WholeCharacters, text_ids
from textgen.choice.filters import Filter
from textgen.choice.opening import Opening, closing_ids
from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import STUCK, Batch, Draft
from textgen.decoding.plan import Plan, search
from textgen.decoding.rank import distinct
from textgen.decoding.search.token_by_token import drafts
from textgen.decoding.stop import RUN_ON, SentenceStop, Stop, relabel
from textgen.errors import DataError, UsageError
from textgen.events import Note, OnEvent, Shortened, ignore
from textgen.messages import option
from textgen.models.views import LanguageModel
from textgen.options import ContinueOptions
from textgen.options.strategies.beams import MAX_BEAMS
from textgen.rng import row_key
from textgen.schema import Candidate, Row
from textgen.store.load import LoadedModel
from textgen.text.segment import last_sentence_end
from textgen.tokenizers.stream import written_behind

ROWS = 64  # texts written at once: so many, or one a prompt
WIDEST = 8  # beams a text that was asked for, where a narrower search found too few


@dataclass(frozen=True)
class Prompt(KeywordRow):
    """A prompt as a language model continues it.

    Attributes:
        ids: Its tokens, the start symbol first.
        behind: What stands between it and what is written, beside what that has itself.
    """

    ids: list[int]
    behind: str = ""


class Gpt2Backend(Backend[ContinueOptions, Prompt]):
    """Continues prompts, or writes freely from none."""

    options = ContinueOptions
    task = "sample"
    continues = True
    network: LanguageModel

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.allowed = text_ids(self.tokenizer, self.network.vocab_size)
        closing = closing_ids(self.tokenizer.vocabulary, self.network.vocab_size)
        self.opening = Opening(closing, self.tokenizer.specials.bos)

    def check(self, options: ContinueOptions) -> None:
        check_view(options, self.network, self.model.files.name)
        check_listed(self.reader.spelled(options), self.tokenizer, self.allowed)
        self.styled(options)

    def prompt(self, row: Row) -> str | None:
        return row.text or None

    def prepare(self, row: Row, options: ContinueOptions, on_event: OnEvent) -> Prompt:
        turns = self.model.turns
        # the turn that is written has a symbol of its own
        room = self.network.positions - self._stop(row, options).limit - bool(turns)
        if room < 1:
            raise UsageError(
                "{@max_new_tokens} {most} is more than the model can write",
                most=options.max_new_tokens,
                hint="it has {positions} positions, prompt included: {@max_new_tokens} {half}, say",
                positions=self.network.positions,
                half=self.network.positions // 2,
            )
        reading = self.reader.read(row.text, keep_layout=True, optional=True)
        if turns:
            read, used, count = dialogue_ids(reading.text, self.tokenizer, turns, room)
        else:
            ids = self.tokenizer.encode(reading.text)
            read = ids[max(0, len(ids) + 1 - room) :]
            used, count = len(read), len(ids)
        if used < count:
            on_event(Shortened(row.name, used, count, "tail"))
        typed = keywords_of_row(row, options, self.tokenizer, self.allowed, self.reader.word)
        return Prompt(
            row,
            len(read),
            count,
            used,
            reading,
            tuple(dict.fromkeys(map(self.reader.word, typed))),
            typed,
            self.reader.listed(options),
            [self.tokenizer.specials.bos, *read],
            "\n" if turns and count and not row.text.endswith("\n") else "",
            notes=self.reader.text_notes(reading.text, row.text),
        )

    def compute(
        self, batch: Sequence[Prompt], options: ContinueOptions, seed: int, on_event: OnEvent
    ) -> Sequence[Outcome]:
        if options.strategy.streamable:
            return self._written_out(batch, options, seed)
        most = max(1, ROWS // options.beam_width) if options.strategy.several else len(batch)
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
            *_, last = self._drafts(batch, options, seed, copies, first)
            for number, draft in enumerate(last):
                row, copy = divmod(number, copies)
                if draft.reason != STUCK:
                    drawn[row][(first + copy) // each].append(self._candidate(batch[row], draft, options))
        return [drawn_outcome([self._best(one, options) for one in row if one], options) for row in drawn]

    def _best(self, draws: list[Candidate], options: ContinueOptions) -> Candidate:
        """The best draw of a text. Each text has draws of its own: of more texts the first stay the same."""
        if options.rank == "blend":
            draws = blended(draws, self.styled(options), self.tokenizer, self.network.positions)
        return best(draws, sound=options.rank == "sound")

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
        if style := [name for name in ("width", "quotes") if getattr(options, name)]:
            raise UsageError(
                "{option} changes whole texts", option=option(style[0]), hint="leave out {@stream}"
            )
        if options.rank != "none":
            raise UsageError(
                "the best of several texts is known only when all are written", hint="leave out {@rank}"
            )

    def _parts(
        self, prepared: Prompt, options: ContinueOptions, seed: int, candidate: int, on_event: OnEvent
    ) -> Iterator[str]:
        row = prepared.row
        detokenizer = self.tokenizer.detokenizer()
        for token in self._before(prepared):
            detokenizer.push(token)
        written = shown = 0
        text = prepared.behind
        steps = self._drafts([prepared], options, seed, 1, candidate)
        while True:
            with torch.inference_mode():
                draft = next(steps, [None])[0]
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
            # an end that may yet be taken back, or be spelled another way, is not shown
            end = len(row.text + text) if options.ends_at == "any" else last_sentence_end(row.text + text)
            ready = min(end - len(row.text), prepared.reading.settled(text))
            if ready > shown:
                yield prepared.given_back(text)[shown:ready]
                shown = ready

    def _drafts(
        self, batch: Sequence[Prompt], options: ContinueOptions, seed: int, copies: int, first: int
    ) -> Iterator[list[Draft]]:
        """The texts after every token, `copies` a prompt, of which `first` is the number of the first."""
        plan = self._plan(batch, options, copies, first)
        return drafts(self.styled(options), self._batch(batch, seed), self._scoring(batch, options), plan)

    def _plan(self, batch: Sequence[Prompt], options: ContinueOptions, copies: int, first: int = 0) -> Plan:
        stops = [self._stop(prompt.row, options) for prompt in batch]
        return plan_for(
            options,
            self.tokenizer,
            lambda number, ids: stops[number // copies].reason(ids),
            [prompt.keywords for prompt in batch],
            copies=copies,
            first_candidate=first,
        )

    def _searched(self, batch: Sequence[Prompt], options: ContinueOptions, seed: int) -> list[Outcome]:
        """Outcomes of a search; where too few texts differ, a wider beam looks again."""
        outcomes = self._search(batch, options, seed)
        width = 2 * options.beam_width
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
        plan = self._plan(batch, options, options.num_candidates)
        pools = search(self.styled(options), self._batch(batch, seed), self._scoring(batch, options), plan)
        return [self._chosen(prompt, pool, options) for prompt, pool in zip(batch, pools, strict=True)]

    def _chosen(self, prompt: Prompt, pool: list[Hypothesis], options: ContinueOptions) -> Outcome:
        given, kind = prompt.row.text, beam_score_kind(options)
        exempt = stop_for(options, self.tokenizer).exempt
        candidates = [
            Candidate(
                given + prompt.given_back(self._written(prompt, h.ids)),
                h.score,
                kind,
                h.logprob,
                len(h.ids),
                relabel(h.reason, h.ids, exempt),
            )
            for h in pool
        ]
        whole = with_keywords(candidates, prompt.typed, options, skip=len(given))
        return whole if isinstance(whole, DataError) else distinct(whole, options.num_candidates)

    def _batch(self, batch: Sequence[Prompt], seed: int) -> Batch:
        ids, rows = [prompt.ids for prompt in batch], [prompt.row for prompt in batch]
        keys = [row_key(seed, row.text, id=row.id, keywords=row.keywords) for row in rows]
        return Batch([row[:-1] for row in ids], [row[-1] for row in ids], ids, keys)

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
        run_on = max(0, min(RUN_ON, (self.network.positions - options.max_new_tokens) // 2))
        return SentenceStop(**vars(plain), decode=self._decoded, prompt=row.text, run_on=run_on)

    def _candidate(self, prompt: Prompt, draft: Draft, options: ContinueOptions) -> Candidate:
        kept, reason = self._stop(prompt.row, options).cut(draft.ids, draft.reason or "length")
        logprob = sum(draft.logprobs[:kept])
        text = prompt.row.text + prompt.given_back(self._written(prompt, draft.ids[:kept]))
        score, kind = logprob / kept, "mean_logprob"
        if options.rank == "sound":
            score, kind = min(draft.logprobs[:kept]), "least_logprob"
        return Candidate(text, score, kind, logprob, kept, reason)

    def _written(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """What the ids write behind a prompt; between words of a lossy tokenizer there may be a space."""
        if self.tokenizer.lossless:
            return prompt.behind + self._decoded(ids)
        return prompt.behind + written_behind(self._before(prompt), ids, self.tokenizer)

    def _before(self, prompt: Prompt) -> Sequence[int]:
        """The ids that what is written goes on with: none where it is a turn of its own."""
        return () if self.model.turns else prompt.ids

    def _decoded(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids))
