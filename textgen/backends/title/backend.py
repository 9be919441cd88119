"""Titles of articles, by a model that reads one and writes the other in either direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from textgen.backends.base import Backend, Found, Outcome, Prepared
from textgen.backends.keywords import keywords_of_row, with_keywords
from textgen.backends.search_rules import check_listed
from textgen.backends.title.checked import chosen, remarks
from textgen.backends.title.judges import PMI_KIND, TitleJudge, TitlePmi, TitleScores
from textgen.backends.title.lengths import length_notes, nearest_first
from textgen.backends.title.listed import listed_titles, scored_whole
from textgen.backends.title.search import BOTH, ROWS, Title, TitleSearch, View, interacts, merge
from textgen.choice.allowed import title_ids
from textgen.commands import LANGUAGE_MODEL
from textgen.decoding.hypothesis import Length
from textgen.decoding.rank import RANKINGS, Contender, score_kind
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent, Shortened
from textgen.metrics.copying import copied_share, support
from textgen.models.batching import same_size_batches
from textgen.models.layers.attention import padded_length
from textgen.models.shared_prefix import SharedPrefix
from textgen.models.views import FRAME, TitleModel, TwoWayModel
from textgen.options import TitleOptions
from textgen.options.title import Direction
from textgen.rng import chunk_key, row_key
from textgen.schema import Candidate, Row
from textgen.store.catalog import find_model, find_scorer
from textgen.store.load import LoadedModel
from textgen.text.blank import is_blank
from textgen.text.checks.editor import Editor
from textgen.text.model_input import Reading
from textgen.text.normalize import split_headline
from textgen.text.truncate import Fitted, fit

RESERVED = 50  # positions kept for the title


@dataclass(frozen=True)
class Article(Prepared):
    """An article cut to size.

    Attributes:
        reading: The article, without a headline that was left out.
        fitted: What of it is read at once.
        keywords: What its titles must contain, as the model writes it.
        typed: The same as it was typed.
        listed: The texts of which the title is one, as they were typed, by how the model writes them.
        editor: Checks its titles; None if they are not to be checked.
    """

    reading: Reading
    fitted: Fitted
    keywords: tuple[str, ...]
    typed: tuple[str, ...]
    listed: Mapping[str, str]
    editor: Editor | None

    def given_back(self, title: str) -> str:
        """A title in the article's characters, or as it is listed."""
        return self.reading.given_back(title, self.typed, self.listed)


class TitleBackend(Backend[TitleOptions, Article]):
    """Writes titles, left to right, right to left, or both ways."""

    options = TitleOptions
    task = "title"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.network: TitleModel = model.network
        self.allowed = title_ids(self.tokenizer, self.network.vocab_size)
        self._judges: dict[str, TitleJudge] = {}

    def check(self, options: TitleOptions) -> None:
        if options.strategy.view == "two-way" and not isinstance(self.network, TwoWayModel):
            raise UsageError(
                "{name} cannot write in both directions at once",
                name=self.model.files.name,
                hint="{@decode} agree writes in each, and ranks by both",
            )
        check_listed(self.reader.spelled(options), self.tokenizer, self.allowed)
        self._judge(options)

    def label(self, options: TitleOptions) -> str:
        label = super().label(options)
        judge = self._judge(options)
        return f"{label}+{judge.label}" if judge else label

    def notes(self, options: TitleOptions) -> list[str]:
        silent = options.strategy.view == "two-way" and options.interaction is None
        if not silent or interacts(self.network, options):
            return []
        return [
            "this model was not trained to write in both directions at once, so they do not see each "
            "other; {@interaction} lets them"
        ]

    def prepare(self, row: Row, options: TitleOptions, on_event: OnEvent) -> Article:
        reading = self.reader.read(row.text, keep_layout=options.keep_layout)
        if options.skip_first_line:
            reading = without_headline(reading)
        if is_blank(reading.text):
            raise DataError("the text is empty", hint="a title needs an article")
        limit = self.network.source_room(max(RESERVED, options.max_new_tokens + 1)) - FRAME
        if limit < 1:
            raise UsageError(
                "{@max_new_tokens} {most} leaves no room for the article",
                most=options.max_new_tokens,
                hint="the model has {positions} positions",
                positions=self.network.source_room(0),
            )
        typed = keywords_of_row(row, options, self.tokenizer, self.allowed, self.reader.word)
        keywords = tuple(dict.fromkeys(map(self.reader.word, typed)))
        fitted = fit(reading.text, self.tokenizer.encode, limit, options.long)
        if fitted.used < fitted.tokens:
            on_event(Shortened(row.name, fitted.used, fitted.tokens, options.long))
        # what the user asks for is right; and listed texts may be labels, no titles at all
        checked = options.checks and not options.one_of
        editor = Editor("\n".join([reading.text, *keywords])) if checked else None
        size = len(fitted.judge) + FRAME
        notes = self.reader.judged(reading.text, row.text)
        used, tokens = fitted.used, fitted.tokens
        listed = self.reader.listed(options)
        return Article(row, size, tokens, used, reading, fitted, keywords, typed, listed, editor, notes=notes)

    def compute(
        self, batch: Sequence[Article], options: TitleOptions, seed: int, on_event: OnEvent
    ) -> list[Outcome]:
        search = TitleSearch(self.network, self.tokenizer, self.allowed, self.reader.spelled(options))
        views = [
            (number, view) for number, article in enumerate(batch) for view in self._views(article, seed)
        ]
        found: list[list[Title]] = [[] for _ in batch]
        most = min(options.batch_size, max(1, ROWS // search.rows))
        for part in same_size_batches(views, lambda item: _size(item[1], options), lambda _: most):
            model = SharedPrefix(self.network, [view.source for _, view in part])
            if scored_whole(options):
                pools = [listed_titles(search, model, view.source, self.tokenizer) for _, view in part]
            else:
                pools = search.titles(model, [view for _, view in part])
            for (number, view), titles in zip(part, pools, strict=True):
                if len(batch[number].fitted.views) == 1:
                    titles = search.logprobs(model, view.source, titles, self._needed(options))
                found[number] += titles
        return [
            self._outcome(article, titles, options, search)
            for article, titles in zip(batch, found, strict=True)
        ]

    @staticmethod
    def _needed(options: TitleOptions) -> tuple[Direction, ...]:
        return BOTH if options.ranked_both_ways else ()

    def _views(self, article: Article, seed: int) -> list[View]:
        row = article.row
        key = row_key(seed, row.text, id=row.id, keywords=row.keywords)
        return [
            View(self._source(ids), chunk_key(key, chunk), article.keywords, article.editor)
            for chunk, ids in enumerate(article.fitted.views)
        ]

    def _outcome(
        self, article: Article, titles: list[Title], options: TitleOptions, search: TitleSearch
    ) -> Outcome:
        judged = len(article.fitted.views) > 1
        if judged:
            titles = self._judged(article, titles, options, search)
        if options.draws_alone and not judged:
            titles = titles[: options.num_candidates]  # those drawn first, not the best of many
        kind = self._score_kind(options, judged=judged)
        scored = self._ranked(article, titles, options)
        ranked = [self._candidate(title, score, kind) for title, score in scored]
        try:
            whole = with_keywords(ranked, article.typed, options, written=article.given_back)
        except DataError as error:
            return error
        whole, count = nearest_first(whole, options.length), options.num_candidates
        edited = whole[:count] if article.editor is None else chosen(whole, article.editor, count)
        notes = length_notes(edited, options.length) + remarks(edited)
        return Found([self._explained(article, one, options) for one in edited], notes)

    def _judged(
        self, article: Article, titles: list[Title], options: TitleOptions, search: TitleSearch
    ) -> list[Title]:
        """Titles of several views, re-scored on the view on which they compare."""
        length = Length(options.max_new_tokens, options.length_penalty, options.length_norm == "gnmt")
        source = self._source(article.fitted.judge)
        model = SharedPrefix(self.network, [source])
        blank = [replace(title, logprobs={}) for title in merge(titles)]
        needed = self._needed(options)
        if needed:
            return search.logprobs(model, source, blank, needed)
        found = []
        for direction in BOTH:
            own = [title for title in blank if title.scored == direction]
            found += search.logprobs(model, source, own, [direction])
        return [
            replace(title, score=length.score(title.logprobs[title.scored], title.tokens)) for title in found
        ]

    def _ranked(
        self, article: Article, titles: list[Title], options: TitleOptions
    ) -> list[tuple[Title, float]]:
        """Titles and scores, best first: the finished, then those cut at the limit."""
        if options.ranking == "logprob":
            scores = [title.score for title in titles]
        elif judge := self._judge(options):
            read = self.tokenizer.decode(article.fitted.judge)
            scores = judge.scores(read, [title.text for title in titles])
        else:
            rank, _ = RANKINGS[options.ranking]
            scores = rank([Contender(t.text, t.tokens, t.logprobs["l2r"], t.logprobs["r2l"]) for t in titles])
        ranked = zip(titles, scores, strict=True)
        return sorted(ranked, key=lambda pair: (pair[0].reason != "stop", -pair[1]))

    def _score_kind(self, options: TitleOptions, *, judged: bool) -> str:
        if options.ranking != "logprob":
            kinds = {"scorer": "scorer", "pmi": PMI_KIND}
            return kinds.get(options.ranking) or RANKINGS[options.ranking][1]
        beam = "beams" in options.strategy.options and "length_penalty" in options.strategy.options
        # only a beam ranks by what its filters left; judged candidates are scored without them
        name = score_kind(
            options.length_penalty if beam else 1.0,
            gnmt=beam and options.length_norm == "gnmt",
            penalized=beam and not judged and options.penalized,
        )
        mixed = options.strategy.view == "two-way" and not judged and interacts(self.network, options)
        return f"bidirectional_{name}" if mixed else name

    @staticmethod
    def _candidate(title: Title, score: float, kind: str) -> Candidate:
        return Candidate(
            title.text,
            score,
            kind,
            title.logprob,
            title.tokens,
            title.reason,
            direction="both" if len(title.directions) > 1 else title.directions[0],
        )

    @staticmethod
    def _explained(article: Article, candidate: Candidate, options: TitleOptions) -> Candidate:
        """The candidate in the article's characters, or as it is listed, with what it owes to the article."""
        text, reading = candidate.text, article.reading
        spans = support(text, reading.text) if options.explain else None
        return replace(
            candidate,
            text=article.given_back(text),
            copied=copied_share(text, reading.text),
            support=None if spans is None else [span.within(reading.span) for span in spans],
        )

    def _judge(self, options: TitleOptions) -> TitleJudge | None:
        """The model that ranks, if that is not the one that writes; loaded once."""
        name = options.scorer or (LANGUAGE_MODEL if options.ranking == "pmi" else None)
        if name is None:
            return None
        if name not in self._judges:
            scorer = options.scorer is not None
            self._judges[name] = (
                TitleScores(find_scorer(name)) if scorer else TitlePmi(find_model(LANGUAGE_MODEL))
            )
        return self._judges[name]

    def _source(self, view: list[int]) -> list[int]:
        return [self.tokenizer.specials.cls, *view, self.tokenizer.specials.sep]


def without_headline(reading: Reading) -> Reading:
    """The article behind its first line. Raises DataError: nothing follows."""
    text = reading.text.strip()
    _, rest = split_headline(text)
    begins = reading.text.index(text) + len(text) - len(rest)
    return reading.part(begins, begins + len(rest))


def _size(view: View, options: TitleOptions) -> tuple[int, tuple[str, ...]]:
    """What views must share to be searched together; keywords are exempt from n-gram bans."""
    return padded_length(len(view.source)), view.keywords if options.no_repeat_ngram else ()
