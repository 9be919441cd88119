"""Blanks of unknown length, filled so that the whole reads well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise, zip_longest

import torch

from textgen.backends.base import Found, Outcome
from textgen.backends.chain_reports import lost
from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.blank_ranking import KIND, KIND_OF_SEARCH, ranked, shares
from textgen.backends.editing.blank_search import BlankSearch
from textgen.backends.editing.locks import anchors
from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.passages import Fills, Judge, Passage, nearby
from textgen.backends.tokenized import edited, tokenized, with_spans
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import FREE, Ids, State, Subject
from textgen.messages import Message
from textgen.options import FillOptions
from textgen.options.cgmh import SEARCH
from textgen.schema import Candidate, Row
from textgen.store.load import LoadedModel
from textgen.text.blank import is_blank
from textgen.text.cloze import Blank, blanks_of
from textgen.text.diff import Change
from textgen.text.forms import HAN
from textgen.text.model_input import Reading
from textgen.tokenizers.base import Tokenizer

_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class BlankStart(Start):
    """A row with blanks.

    Attributes:
        blanks: Of what is read of it.
        passage: What is looked at around them.
        choices: What its one blank may be filled with; none where that is free.
    """

    blanks: Sequence[Blank] = ()
    passage: Passage = field(default_factory=lambda: Passage((), ()))
    choices: tuple[str, ...] = ()


class FillBackend(CgmhBackend[FillOptions]):
    """Locks the text that is given; a blank is never empty, and nothing is written elsewhere."""

    options = FillOptions
    blanks = True
    unfound = "no text with {least}-{most} characters in each blank was found"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self._searches = cache(self._search)

    def prepare(self, row: Row, options: FillOptions, on_event: OnEvent) -> Start:
        read = self.reader.read(row.text)
        blanks = blanks_of(read.text)
        edges = [0, *(edge for blank in blanks for edge in (blank.start, blank.end)), len(read.text)]
        texts = [read.text[start:end] for start, end in list(pairwise(edges))[::2]]
        choices = tuple(dict.fromkeys(row.choices or options.choices))
        _check(row, texts, choices)
        self._check_read(choices, self.models(options))
        assert options.length is not None
        ranges = tuple((blank.size, blank.size) if blank.size else options.length for blank in blanks)
        tokenizer = self.models(options).tokenizer
        reading, kept = self._tokenized(read, edges, tokenizer)
        if unread := [part for part, text in zip(texts, kept, strict=True) if part and not text]:
            raise DataError("nothing of {part} is read", part=repr(unread[0]), hint="take it out of the text")
        encoded = [tokenizer.encode(part) for part in kept]
        given = [(ids, label) for label, ids in enumerate(filter(None, encoded), 1)]
        subject = Subject(length=options.length, blanks=ranges)
        state = State.of(given, open_left=not encoded[0], open_right=not encoded[-1], subject=subject)
        notes = self.reader.text_notes("".join(texts), row.text, tokenizer)
        start = self.start(row, reading, state, list(filter(None, kept)), options, notes=notes)
        passage = Passage(tuple(tuple(tokenizer.encode(part)) for part in nearby(kept)), ranges)
        more = {"blanks": blanks_of(reading.text), "passage": passage, "choices": choices}
        return BlankStart(**{**vars(start), **more})

    def _check_read(self, choices: Sequence[str], models: ChainModels) -> None:
        """Refuse choices of which a model does not read everything. Raises DataError."""
        spelled = "".join(self.reader.word(choice) for choice in choices)
        if unknown := models.tokenizer.lost(spelled):
            shown = repr("".join(unknown))
            hint = "take other choices, or other {@proposals}"
            raise DataError("the proposals have no token for {characters}", characters=shown, hint=hint)
        models.check_read(spelled)

    def _tokenized(
        self, read: Reading, edges: Sequence[int], tokenizer: Tokenizer
    ) -> tuple[Reading, list[str]]:
        """What the tokenizer keeps of the parts between the blanks, which stay; and of each part."""
        pieces = [read.part(*edge) for edge in pairwise(edges)]
        pieces[::2] = [tokenized(piece, tokenizer) for piece in pieces[::2]]
        text, places = "".join(piece.text for piece in pieces), [n for piece in pieces for n in piece.places]
        return replace(pieces[0], text=text, places=places), [piece.text for piece in pieces[::2]]

    def compute(
        self, batch: Sequence[Start], options: FillOptions, seed: int, on_event: OnEvent
    ) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        chains = []
        for n, start in enumerate(batch):
            assert isinstance(start, BlankStart)
            if start.choices:
                found[n] = self._chosen(start, options)
            elif options.method == SEARCH:
                found[n] = self._searched(start, options)
            else:
                chains.append(n)
        if chains:
            outcomes = super().compute([batch[n] for n in chains], options, seed, on_event)
            found |= dict(zip(chains, outcomes, strict=True))
        return [found[n] for n in range(len(batch))]

    def _search(self, proposals: str, *, spaces: bool, chinese: bool) -> BlankSearch:
        models = self._models(proposals)
        allowed = models.drawable(spaces=spaces)
        allowed[sorted(models.marks)] = False
        if chinese:
            pieces = models.tokenizer.vocabulary.pieces
            han = torch.tensor([bool(_HAN.search(piece.decode("utf-8", "ignore"))) for piece in pieces])
            allowed[: len(han)] &= han
        return BlankSearch(Judge(models), allowed, models.longest)

    def _searched(self, start: BlankStart, options: FillOptions) -> Outcome:
        """The best texts of all that may stand in the blanks."""
        chinese = _HAN.search(start.reading.text) is not None
        search = self._searches(options.proposals, spaces=start.spaces, chinese=chinese)
        ways = search.candidates(start.passage)
        best = ranked(search.judge, start.passage, ways, options.num_candidates) if ways else []
        if not best:
            least, most = start.state.subject.length
            return DataError(
                "{unfound}",
                unfound=Message(self.unfound, least=least, most=most),
                hint="widen {@length}, or try {@method} mh",
            )
        candidates = []
        for fills, score in best:
            state = self._filled(start, fills)
            text, _ = self.written(start, state)
            candidates.append(self._ranked(start, state, text, score, KIND_OF_SEARCH))
        if not all(self.holds(start, candidate.text, options) for candidate in candidates):
            return lost("what must be there")
        if len(best) == options.num_candidates:
            return Found(candidates)
        note = Message("{count} of {wanted} texts were found", count=len(best), wanted=options.num_candidates)
        return Found(candidates, (note,))

    def _chosen(self, start: BlankStart, options: FillOptions) -> Outcome:
        """All choices, the best first; or so many as are asked for."""
        models = start.models
        spelled = [self.reader.word(choice) for choice in start.choices]
        ways: list[Fills] = [(tuple(models.tokenizer.encode(choice)),) for choice in spelled]
        judge = Judge(models)
        fluent, support = judge.fluency(start.passage, ways), judge.support(start.passage, ways)
        scores = [one + other for one, other in zip(fluent, support, strict=True)]
        probabilities = shares(scores)
        [blank] = start.blanks
        first, last = start.reading.span(blank.start, blank.end)
        source = start.row.text
        order = sorted(range(len(ways)), key=lambda n: -scores[n])
        found = []
        for n in order[: options.num_candidates if "num_candidates" in options.model_fields_set else None]:
            text = source[:first] + start.choices[n] + source[last:]
            candidate = self._ranked(start, self._filled(start, ways[n]), text, scores[n], KIND)
            found.append(replace(candidate, choice=start.choices[n], probability=probabilities[n]))
        return found

    def _filled(self, start: BlankStart, fills: Fills) -> State:
        """The state of the text with its blanks filled."""
        state = start.state
        spans = [(state.ids[span.start : span.stop], state.labels[span.start]) for span in state.spans]
        written: list[tuple[Ids, int]] = [(fill, FREE) for fill in fills]
        first, second = (written, spans) if state.open_left else (spans, written)
        parts = [part for pair in zip_longest(first, second) for part in pair if part is not None]
        return State.of(parts, open_left=state.open_left, open_right=state.open_right, subject=state.subject)

    def _ranked(self, start: Start, state: State, text: str, score: float, kind: str) -> Candidate:
        [scored] = Judge(start.models).scored([state.ids])
        return Candidate(text, score, kind, scored.logprob, len(state.ids) + 1, "stop")

    def possible(self, state: State, options: FillOptions) -> bool:
        return all(state.blanks)

    def holds(self, start: Start, text: str, options: FillOptions) -> bool:
        assert isinstance(start, BlankStart)
        source, reading = start.row.text, start.reading
        blanks = [reading.span(blank.start, blank.end) for blank in start.blanks]
        edges = [0, *(edge for blank in blanks for edge in blank), len(source)]
        given = [source[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
        return re.fullmatch(".+".join(map(re.escape, given)), text, re.DOTALL) is not None

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        assert isinstance(start, BlankStart)
        tokenizer, read = start.models.tokenizer, start.reading.text
        begins = [0, *(blank.end for blank in start.blanks)]
        ends = [*(blank.start for blank in start.blanks), len(read)]
        before = [begin for begin, end in zip(begins, ends, strict=True) if begin < end]
        text, now = with_spans(state.ids, state.spans, start.locked, tokenizer)
        return edited(start.reading, text, anchors(before, start.locked, now), tokenizer)


def _check(row: Row, texts: Sequence[str], choices: Sequence[str]) -> None:
    """Refuse a row whose blanks cannot be filled.

    Args:
        row: The row.
        texts: What stands between the blanks.
        choices: What may fill the one blank, if that is not free.
    """
    if row.keywords:
        raise DataError("the row has keywords", hint="compose takes keywords")
    if len(texts) == 1:
        raise DataError("there is no blank in the text", hint="write ___ where something is missing")
    if all(map(is_blank, texts)):
        raise DataError("there is nothing but blanks", hint="give a text with ___ in it")
    if not all(texts[1:-1]):
        raise DataError("two blanks stand side by side", hint="write one for both")
    if choices and len(texts) > 2:
        raise DataError("choices need one blank, and there are {count}", count=len(texts) - 1)
    if len(choices) == 1:
        raise DataError("there is nothing to choose from", hint="give at least two choices")
