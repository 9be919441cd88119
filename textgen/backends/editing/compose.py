"""Sentences around given words (用词造句)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate

from textgen.backends.editing.base import CgmhBackend, Start
from textgen.backends.editing.beginnings import KEPT, Writer
from textgen.backends.editing.chain_texts import Found
from textgen.backends.editing.judge import Judge
from textgen.backends.editing.models import ChainModels, scores_behind
from textgen.backends.tokenized import token_places, with_spans
from textgen.errors import DataError
from textgen.events import OnEvent
from textgen.mcmc.cgmh.edits import FREE, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import ORDER
from textgen.mcmc.cgmh.target import Point, Term
from textgen.mcmc.chain import Chain
from textgen.models.guidance import with_style
from textgen.options import ComposeOptions
from textgen.rng import uniform
from textgen.schema import Row
from textgen.store.load import LoadedModel
from textgen.text.blank import is_blank
from textgen.text.diff import Change
from textgen.text.keywords import essential, keywords_of, missing
from textgen.text.line_ends import LINE_END
from textgen.text.words import words
from textgen.tokenizers.base import Tokenizer

CUT = 20.0  # cost of an end of a keyword inside a longer word, to a reader
WRITTEN = 5.0  # worth of a text as it was written: edits that gain less use what the judge does not see
SWAPS = 0.05  # share of the steps in which two keywords change places


class ComposeBackend(CgmhBackend[ComposeOptions]):
    """Writes around keywords, which are locked.

    A search begins at sentences that the language model writes with them, a sample at the keywords side by
    side. 苏剑林, 搜出来的文本（四）：通过增、删、改来用词造句, https://kexue.fm/archives/8194.
    """

    options = ComposeOptions
    by_target = False

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self._styled = cache(lambda style: model if style is None else self._in_style(style))
        self._writer = cache(lambda lines, style: Writer(self._styled(style), lines))
        self._primed = cache(
            lambda name, lines, style: ChainModels.of(
                self._styled(style),
                scores_behind(self._styled(style), self._writer(lines, style).before),
                self.loaded(name),
            )
        )

    def _in_style(self, style: str) -> LoadedModel:
        """The language model as it writes in a style. Raises UsageError: it does not know that."""
        network = with_style(self.network, style, name=self.model.files.name)
        return replace(self.model, network=network)

    def models(self, options: ComposeOptions) -> ChainModels:
        """The models, of which the language model has read sentences of the kind that is wanted."""
        found: ChainModels = self._primed(options.proposals, options.like, options.style)
        return found

    def terms(self, options: ComposeOptions) -> list[tuple[float, Term]]:
        return [(-options.whole_words, Merged(self.models(options).tokenizer))]

    def operations(self, options: ComposeOptions) -> Operations:
        return Operations(0.25, 0.45, 0.25, 0.0 if options.ordered else SWAPS)

    def prepare(self, row: Row, options: ComposeOptions, on_event: OnEvent) -> Start:
        if not is_blank(row.text):
            raise DataError("compose takes keywords, no text", hint="put them into the field of keywords")
        # a word of the row that the options ask for, too, is the same one
        own = Counter(keywords_of(row.keywords)) - Counter(options.keyword)
        keywords = (*options.keyword, *own.elements())
        if not keywords:
            raise DataError("there are no keywords", hint="put them into the field of keywords")
        if broken := [repr(word) for word in keywords if LINE_END.search(word)]:
            raise DataError("the keyword {word} has a line break", word=broken[0], hint="give two keywords")
        wanted = set(essential(keywords, ordered=options.ordered))
        locked = [self.reader.word(word) for word in keywords if word in wanted]
        tokenizer = self.models(options).tokenizer
        if lost := tokenizer.lost("".join(locked)):
            raise DataError(
                "the proposals have no token for {characters}",
                characters=repr("".join(lost)),
                hint="take other words, or other {@proposals}",
            )
        encoded = list(map(tokenizer.encode, locked))
        assert options.length is not None
        subject = Subject(length=options.length)
        state = State.of([(ids, label) for label, ids in enumerate(encoded, 1)], subject=subject)
        # the words are put in as they were typed
        reading = replace(self.reader.read("\n".join(keywords)), lossy=False)
        notes = self.reader.word_notes(reading.text)
        return self.start(row, reading, state, locked, options, keywords, notes=notes)

    def written(self, start: Start, state: State) -> tuple[str, list[Change]]:
        """The text with its keywords in the case that they were typed in."""
        spans = state.spans
        texts = [start.locked[state.labels[span.start] - 1] for span in spans]
        text, _ = with_spans(state.ids, spans, texts, start.models.tokenizer)
        return start.reading.given_back(text, start.keywords), []

    def first(self, start: Start, key: bytes, candidate: int, options: ComposeOptions) -> State:
        """The keywords side by side, in any order in one that the chain draws."""
        state = start.state
        spans = state.spans
        if not options.ordered:
            spans = sorted(spans, key=lambda span: uniform(key, candidate, span.start, ORDER))
        parts = [(state.ids[span.start : span.stop], state.labels[span.start]) for span in spans]
        return State.of(parts, subject=state.subject)

    def firsts(
        self, start: Start, numbers: Sequence[tuple[bytes, int]], options: ComposeOptions
    ) -> list[State]:
        """Those of a search are sentences that were written from left to right, if there are any."""
        states = super().firsts(start, numbers, options)
        if not (numbers and options.searching):
            return states
        found = self._sentences(start, numbers[0][0], options)
        return [*found[: len(states)], *states[len(found) :]]

    def _sentences(self, start: Start, key: bytes, options: ComposeOptions) -> list[State]:
        """First states, the best of each search before the second best of any."""
        writer, length = self._writer(options.like, options.style), start.state.subject.length
        searches = writer.sentences(start.locked, length, key, ordered=options.ordered)
        found: list[dict[State, float]] = []
        for search in searches:
            placed = [(self._placed(start, text, options), logprob) for text, logprob in search]
            found.append({state: logprob for state, logprob in placed if state})
        states = [state for search in found for state in search]
        scores = self._judged(
            start, states, [value for search in found for value in search.values()], options
        )
        by_score = [sorted(search, key=lambda state: -scores[state]) for search in found]
        ranks = [[search[rank] for search in by_score if rank < len(search)] for rank in range(KEPT)]
        ordered = [state for rank in ranks for state in sorted(rank, key=lambda state: -scores[state])]
        return list(dict.fromkeys(ordered))

    def _placed(self, start: Start, text: str, options: ComposeOptions) -> State | None:
        """A text with its keywords locked; None if it lacks one, or its tokens are not those of its parts."""
        tokenizer = start.models.tokenizer
        places = places_of(start.locked, text, ordered=options.ordered)
        if places is None:
            return None
        parts, at = [], 0
        for place, label in sorted((place, label) for label, place in enumerate(places, 1)):
            parts += [(text[at:place], FREE), (start.locked[label - 1], label)]
            at = place + len(start.locked[label - 1])
        parts.append((text[at:], FREE))
        state = State.of(
            [(tokenizer.encode(part), label) for part, label in parts if part], subject=start.state.subject
        )
        possible = all(start.models.allowed[i] for i in state.ids)
        return state if possible and tokenizer.decode(list(state.ids)) == text else None

    def _judged(
        self, start: Start, states: Sequence[State], logprobs: Sequence[float], options: ComposeOptions
    ) -> dict[State, float]:
        """What states are worth to a reader."""
        merged = Merged(start.models.tokenizer).values(states)
        scores = Judge(start.models).scores(states, logprobs)
        return {state: score - CUT * cut for state, score, cut in zip(states, scores, merged, strict=True)}

    def ranked(self, start: Start, chains: list[Chain[Point]], options: ComposeOptions) -> list[Found]:
        """All texts that the chains found and began at, as the judge ranks them."""
        decode = start.models.tokenizer.decode
        visits = [(chain, visit) for chain in chains for visit in (*chain.best, *chain.kept)]
        texts = {decode(list(visit.point.ids)): (chain, visit) for chain, visit in reversed(visits)}
        points = [visit.point for _, visit in texts.values()]
        states = [point.state for point in points]
        scores = self._judged(start, states, [point.scored.logprob for point in points], options)
        for state in {visit.point.state for chain in chains for visit in chain.kept} & {*scores}:
            scores[state] += WRITTEN
        return sorted(texts.values(), key=lambda pair: -scores[pair[1].point.state])

    def holds(self, start: Start, text: str, options: ComposeOptions) -> bool:
        counts = Counter(start.keywords)
        held = all(text.count(word) >= count for word, count in counts.items())
        return held and not missing(text, start.keywords, ordered=options.ordered)


def places_of(words: Sequence[str], text: str, *, ordered: bool) -> list[int] | None:
    """A place in a text for each word, none within another's; None if there is none for one.

    Args:
        words: The words; one that is given twice has two places.
        text: The text.
        ordered: Each stands behind the one before.
    """
    found = [-1] * len(words)
    taken: set[int] = set()
    end = 0
    for label in range(len(words)) if ordered else sorted(range(len(words)), key=lambda n: -len(words[n])):
        size = len(words[label])
        at = text.find(words[label], end)
        while at >= 0 and not taken.isdisjoint(range(at, at + size)):
            at = text.find(words[label], at + 1)
        if at < 0:
            return None
        found[label] = at
        taken |= {*range(at, at + size)}
        end = at + size if ordered else 0
    return found


class Merged:
    """A term: how many ends of locked spans lie inside a longer word, as those of 市民 in 城市民俗.

    Args:
        tokenizer: Writes the tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def values(self, states: Sequence[State]) -> list[float]:
        return [self._merged(state) for state in states]

    def _merged(self, state: State) -> float:
        places = token_places(state.ids, self.tokenizer)
        text = self.tokenizer.decode(list(state.ids))
        borders = {0, *accumulate(map(len, words(text)))}
        spans = state.spans
        edges = [edge for span in spans for edge in (places[span.start].start, places[span.stop - 1].stop)]
        return sum(edge not in borders for edge in edges)
