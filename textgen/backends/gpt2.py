"""Continuations of prompts, by a GPT-2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch

from textgen.backends.base import Backend, Prepared
from textgen.backends.scoring import scoring_for
from textgen.decoding import choose
from textgen.decoding.allowed import WholeCharacters, text_ids
from textgen.decoding.beam import BeamSearch, beam_search
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch, Choose, Draft, write
from textgen.decoding.rank import distinct, score_kind
from textgen.decoding.scoring import Scoring
from textgen.decoding.stop import SentenceStop, Stop
from textgen.errors import UsageError
from textgen.events import OnEvent, Shortened, ignore
from textgen.models.gpt2 import Gpt2
from textgen.models.load import LoadedModel
from textgen.options import ContinueOptions, parse
from textgen.rng import row_key
from textgen.schema import Candidate, Row
from textgen.text.segment import last_sentence_end
from textgen.tokenizers.stream import IncrementalDetokenizer

ROWS = 64  # texts written at once: so many, or one a prompt


@dataclass(frozen=True)
class Prompt(Prepared):
    """A prompt as ids, the start symbol first."""

    ids: list[int]


class Gpt2Backend(Backend[ContinueOptions, Prompt]):
    """Continues prompts, or writes freely from none."""

    options = ContinueOptions
    task = "sample"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.network = cast(Gpt2, model.network)
        self.allowed = text_ids(self.tokenizer, self.network.vocab_size)
        self.positions = self.network.config.n_positions

    def prompt(self, row: Row) -> str | None:
        return row.text or None

    def prepare(self, row: Row, options: ContinueOptions, on_event: OnEvent) -> Prompt:
        room = self.positions - self._stop(row, options).limit
        if room < 1:
            raise UsageError(
                f"--max-new-tokens {options.max_new_tokens} is more than the model can write",
                hint=f"the model has {self.positions} positions, its prompt included",
            )
        ids = self.tokenizer.encode(row.text)
        read = ids[max(0, len(ids) + 1 - room) :]
        if len(read) < len(ids):
            on_event(Shortened(row.name, len(read), len(ids), "tail"))
        return Prompt(row, len(read), len(ids), len(read), [self.tokenizer.specials.bos, *read])

    def compute(self, batch: Sequence[Prompt], options: ContinueOptions, seed: int) -> list[list[Candidate]]:
        if options.decode == "beam":
            return self._searched(batch, options)
        found: list[list[Candidate]] = [[] for _ in batch]
        most = max(1, ROWS // len(batch)) if options.decode == "sample" else 1
        for first in range(0, options.num_candidates, most):
            copies = min(most, options.num_candidates - first)
            *_, drafts = self._drafts(batch, options, seed, copies, first)
            for number, draft in enumerate(drafts):
                row = number // copies
                found[row].append(self._candidate(batch[row].row, draft, options))
        return found

    def stream(self, text: str = "", *, on_event: OnEvent = ignore, **options: Any) -> Iterator[str]:
        """Write a continuation piece by piece.

        Args:
            text: The prompt.
            on_event: Told if the prompt was shortened.
            **options: Fields of `ContinueOptions`; `decode` greedy or sample, one candidate.

        Yields:
            Parts of the continuation, without the prompt; joined they are what `generate` writes after
            it. With `end_at="sentence"` they are whole sentences.

        Raises:
            UsageError: An option is unknown, out of range, or cannot be streamed.
            DataError: The prompt cannot be encoded.
        """
        parsed = parse(ContinueOptions, options, user=self.model.files.name)
        if parsed.num_candidates > 1:
            raise UsageError("one text can be streamed, not several", hint="-n 1")
        return self.stream_row(Row(text), parsed, self.seeded(parsed), on_event=on_event)

    def stream_row(
        self, row: Row, options: ContinueOptions, seed: int, *, candidate: int = 0, on_event: OnEvent = ignore
    ) -> Iterator[str]:
        """Stream one candidate of a row, with validated options; see `stream`."""
        if options.decode == "beam":
            raise UsageError("a beam knows its text only at the end", hint="--decode sample or greedy")
        return self._parts(self.prepare(row, options, on_event), options, seed, candidate)

    def _parts(self, prepared: Prompt, options: ContinueOptions, seed: int, candidate: int) -> Iterator[str]:
        row = prepared.row
        detokenizer = IncrementalDetokenizer(self.tokenizer.vocabulary)
        stop = self._stop(row, options)
        written = shown = 0
        text = ""
        drafts = self._drafts([prepared], options, seed, 1, candidate)
        while True:
            with torch.inference_mode():
                draft = next(drafts, [None])[0]
            if draft is None:
                return
            if draft.reason is not None:
                kept, _ = stop.cut(draft.ids, draft.reason)
                yield self._written(draft.ids[:kept])[shown:]
                return
            for token in draft.ids[written:]:
                text += detokenizer.push(token)
            written = len(draft.ids)
            ready = self._ready(row, text, options)
            if ready > shown:
                yield text[shown:ready]
                shown = ready

    def _ready(self, row: Row, text: str, options: ContinueOptions) -> int:
        """How much of the text so far cannot be taken back."""
        if options.end_at == "any":
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
        pick: Choose = choose.greedy()
        if options.decode == "sample":
            keys = [row_key(seed, prompt.row.text, id=prompt.row.id) for prompt in batch]
            pick = choose.sample(scoring, keys, copies, first_candidate)
        return write(
            self.network,
            self._batch(batch),
            scoring,
            pick,
            lambda number, ids: stops[number // copies].reason(ids),
            copies=copies,
            pad=self.tokenizer.specials.pad,
        )

    def _searched(self, batch: Sequence[Prompt], options: ContinueOptions) -> list[list[Candidate]]:
        eos = self.tokenizer.specials.eos
        search = BeamSearch(options.width, eos, Length(options.max_new_tokens, options.length_penalty))
        scoring = self._scoring(batch, options)
        pools = beam_search(
            self.network, self._batch(batch), scoring, search, pad=self.tokenizer.specials.pad
        )
        kind = score_kind(options.length_penalty, penalized=options.repetition_penalty != 1)
        return [
            distinct(
                (
                    Candidate(
                        prompt.row.text + self._written(h.ids), h.score, kind, h.logprob, len(h.ids), h.reason
                    )
                    for h in pool
                ),
                options.num_candidates,
            )
            for prompt, pool in zip(batch, pools, strict=True)
        ]

    @staticmethod
    def _batch(batch: Sequence[Prompt]) -> Batch:
        ids = [prompt.ids for prompt in batch]
        return Batch([row[:-1] for row in ids], [row[-1] for row in ids], ids)

    def _scoring(self, batch: Sequence[Prompt], options: ContinueOptions) -> Scoring:
        given = max(len(prompt.ids) for prompt in batch)
        whole = WholeCharacters(self.tokenizer.vocabulary, given + self._stop(batch[0].row, options).limit)
        return scoring_for(options, self.tokenizer, self.allowed, given=given, law=[whole])

    def _stop(self, row: Row, options: ContinueOptions) -> Stop:
        eos = self.tokenizer.specials.eos
        if options.end_at == "any":
            return Stop(eos, options.max_new_tokens)
        return SentenceStop(eos, options.max_new_tokens, self._written, row.text)

    def _candidate(self, row: Row, draft: Draft, options: ContinueOptions) -> Candidate:
        kept, reason = self._stop(row, options).cut(draft.ids, draft.reason or "length")
        logprob = sum(draft.logprobs[:kept])
        text = row.text + self._written(draft.ids[:kept])
        return Candidate(text, logprob / kept, "mean_logprob", logprob, kept, reason)

    def _written(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids))
