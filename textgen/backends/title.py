"""Titles of articles, by a BERT under the UniLM mask with the copy prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from textgen.backends.base import Backend, Prepared, alike
from textgen.backends.scoring import scoring_for
from textgen.decoding import choose
from textgen.decoding.allowed import title_ids
from textgen.decoding.beam import BeamSearch, beam_search
from textgen.decoding.hypothesis import Length
from textgen.decoding.loop import Batch, Choose, write
from textgen.decoding.rank import best, distinct, score_kind
from textgen.decoding.scoring import Scoring
from textgen.decoding.stop import Stop
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent, Shortened
from textgen.models.attention import padded_length
from textgen.models.load import LoadedModel
from textgen.models.scoring import sequence_logprobs
from textgen.models.unilm import UniLM
from textgen.options import TitleOptions
from textgen.rng import chunk_key, row_key
from textgen.schema import Candidate, Row
from textgen.text.fit import Fitted, fit
from textgen.text.normalize import clean, split_headline

RESERVED = 50  # positions kept for the title
FRAME = 2  # <cls> and <sep>
ATTEMPTS = 4  # rounds of draws to find as many different titles as were asked for


@dataclass(frozen=True)
class Article(Prepared):
    """An article cut to size."""

    fitted: Fitted


@dataclass(frozen=True)
class _Found:
    """A title as ids in writing order, with what the search says of it."""

    ids: list[int]
    logprob: float | None
    score: float
    reason: str


class TitleBackend(Backend[TitleOptions, Article]):
    """Writes titles, left to right or right to left."""

    options = TitleOptions
    task = "title"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.network = cast(UniLM, model.network)
        self.allowed = title_ids(self.tokenizer, self.network.vocab_size)
        self.positions = self.network.network.config.max_position_embeddings

    def prepare(self, row: Row, options: TitleOptions, on_event: OnEvent) -> Article:
        text = row.text if options.keep_layout else clean(row.text)
        if options.skip_first_line:
            text = split_headline(text.strip())[1]
        if not text.strip():
            raise DataError("the text is empty", hint="a title needs an article")
        limit = self.positions - max(RESERVED, options.max_new_tokens + 1) - FRAME
        if limit < 1:
            raise UsageError(
                f"--max-new-tokens {options.max_new_tokens} leaves no room for the article",
                hint=f"the model has {self.positions} positions",
            )
        fitted = fit(text, self.tokenizer.encode, limit, options.long)
        if fitted.used < fitted.tokens:
            on_event(Shortened(row.name, fitted.used, fitted.tokens, options.long))
        return Article(row, len(fitted.judge) + FRAME, fitted.tokens, fitted.used, fitted)

    def compute(self, batch: Sequence[Article], options: TitleOptions, seed: int) -> list[list[Candidate]]:
        views = [
            (number, view, chunk_key(row_key(seed, article.row.text, id=article.row.id), chunk))
            for number, article in enumerate(batch)
            for chunk, view in enumerate(article.fitted.views)
        ]
        found: list[list[_Found]] = [[] for _ in batch]
        for part in alike(views, lambda item: padded_length(len(item[1]) + FRAME), options.batch_size):
            titles = self._titles([view for _, view, _ in part], [key for *_, key in part], options)
            for (number, *_), some in zip(part, titles, strict=True):
                found[number] += some
        return [
            self._candidates(article, titles, options) for article, titles in zip(batch, found, strict=True)
        ]

    def _titles(self, views: list[list[int]], keys: list[bytes], options: TitleOptions) -> list[list[_Found]]:
        """Titles of views that share one padded length, the best first where they are ranked."""
        specials = self.tokenizer.specials
        first = specials.l2r if options.direction == "l2r" else specials.r2l
        batch = Batch([self._source(view) for view in views], [first] * len(views), [[]] * len(views))
        scoring = scoring_for(options, self.tokenizer, self.allowed, given=0)
        if options.decode == "beam":
            search = BeamSearch(
                options.width, specials.eos, Length(options.max_new_tokens, options.length_penalty)
            )
            pools = beam_search(self.network, batch, scoring, search)
            return [[_Found(h.ids, h.logprob, h.score, h.reason) for h in pool] for pool in pools]
        return self._written(batch, scoring, keys, options)

    def _written(
        self, batch: Batch, scoring: Scoring, keys: list[bytes], options: TitleOptions
    ) -> list[list[_Found]]:
        """Greedy titles, or samples; those of a view that fell out alike are made up for by further draws."""
        if options.decode == "greedy":
            return self._drafted(batch, scoring, choose.greedy(), 1, options)
        copies = options.num_candidates
        found: list[list[_Found]] = [[] for _ in keys]
        for attempt in range(ATTEMPTS):
            short = [n for n, titles in enumerate(found) if len(titles) < copies]
            if not short:
                break
            pick = choose.sample(scoring, [keys[n] for n in short], copies, attempt * copies)
            for n, titles in zip(
                short, self._drafted(batch.part(short), scoring, pick, copies, options), strict=True
            ):
                found[n] = self._differing(found[n] + titles, options)
        return [titles[:copies] for titles in found]

    def _drafted(
        self, batch: Batch, scoring: Scoring, pick: Choose, copies: int, options: TitleOptions
    ) -> list[list[_Found]]:
        stop = Stop(self.tokenizer.specials.eos, options.max_new_tokens)
        *_, drafts = write(self.network, batch, scoring, pick, lambda _, ids: stop.reason(ids), copies=copies)
        found = [
            _Found(d.ids, sum(d.logprobs), sum(d.logprobs) / len(d.ids), d.reason or "length") for d in drafts
        ]
        return [found[at : at + copies] for at in range(0, len(found), copies)]

    def _candidates(self, article: Article, found: list[_Found], options: TitleOptions) -> list[Candidate]:
        judged = len(article.fitted.views) > 1
        if judged:
            found = self._judged(article, found, options)
        beam = options.decode == "beam"
        # only a beam ranks by what its filters left; judged candidates are scored without them
        penalized = beam and not judged and options.repetition_penalty != 1
        kind = score_kind(options.length_penalty if beam else 1.0, penalized=penalized)
        candidates = [
            Candidate(self._text(f.ids, options), f.score, kind, f.logprob, len(f.ids), f.reason)
            for f in found
        ]
        if options.decode == "sample":
            return best(candidates, options.num_candidates)
        return distinct(candidates, options.num_candidates)

    def _judged(self, article: Article, found: list[_Found], options: TitleOptions) -> list[_Found]:
        """Candidates of several views, re-scored on the view on which they compare, best first."""
        specials = self.tokenizer.specials
        first = specials.l2r if options.direction == "l2r" else specials.r2l
        source = self._source(article.fitted.judge)
        logprobs = sequence_logprobs(self.network, source, [[first, *f.ids] for f in found], self.allowed)
        power = options.length_penalty if options.decode == "beam" else 1.0
        judged = [
            replace(f, logprob=logprob, score=logprob / len(f.ids) ** power)
            for f, logprob in zip(found, logprobs.tolist(), strict=True)
        ]
        return sorted(judged, key=lambda f: (f.reason != "stop", -f.score))

    def _source(self, view: list[int]) -> list[int]:
        return [self.tokenizer.specials.cls, *view, self.tokenizer.specials.sep]

    def _text(self, ids: list[int], options: TitleOptions) -> str:
        written = [i for i in ids if i != self.tokenizer.specials.eos]
        return self.tokenizer.decode(written if options.direction == "l2r" else written[::-1]).strip()

    def _differing(self, titles: list[_Found], options: TitleOptions) -> list[_Found]:
        """The titles whose texts differ, in order."""
        found: dict[str, _Found] = {}
        for title in titles:
            found.setdefault(self._text(title.ids, options), title)
        return list(found.values())
