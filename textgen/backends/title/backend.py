"""Titles of articles, by a model that reads one and writes the other in either direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from textgen.backends.base import Backend, Found, Outcome
from textgen.backends.keywords import KeywordRow, keywords_of_row, with_keywords
from textgen.backends.search_rules import beam_score_kind, check_listed, check_view
from textgen.backends.title.chosen import check_notes, chosen, length_notes, nearest_first
from textgen.backends.title.judges import PMI_KIND, TitleJudge, TitlePmi, TitleScores
from textgen.backends.title.room import article_room
from textgen.backends.title.search import BOTH, ROWS, Title, TitleSearch, View, interacts, merge
from textgen.choice.allowed import title_ids
from textgen.commands import LANGUAGE_MODEL
from textgen.decoding.hypothesis import Length
from textgen.decoding.rank import RANKINGS, Contender
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent, Shortened
from textgen.messages import option
from textgen.metrics.copying import copied_share, support
from textgen.models.batching import same_size_batches
from textgen.models.layers.attention import padded_length
from textgen.models.precision import FP32
from textgen.models.shared_prefix import SharedPrefix
from textgen.models.views import TitleModel
from textgen.options import TitleOptions
from textgen.options.title import AGREE, LISTED, Direction
from textgen.rng import chunk_key, row_key
from textgen.schema import Candidate, Row
from textgen.store.catalog import find_model, find_scorer
from textgen.store.load import LoadedModel
from textgen.text.blank import is_blank
from textgen.text.checks.editor import Editor
from textgen.text.model_input import Reading
from textgen.text.normalize import split_headline
from textgen.text.truncate import Truncated, truncate
from textgen.tokenizers.base import ABSENT


@dataclass(frozen=True)
class Article(KeywordRow):
    """An article cut to size; what is read of it is without a headline that was left out.

    Attributes:
        truncated: What of it is read at once.
        editor: Checks its titles; None if they are not to be checked.
    """

    truncated: Truncated
    editor: Editor | None


class TitleBackend(Backend[TitleOptions, Article]):
    """Writes titles, left to right, right to left, or both ways."""

    options = TitleOptions
    task = "title"
    network: TitleModel

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.allowed = title_ids(self.tokenizer, self.network.vocab_size)
        cls, sep = self.tokenizer.specials.cls, self.tokenizer.specials.sep
        self.around: tuple[Sequence[int], Sequence[int]] = [cls], [sep]  # what a source has around an article
        precision = model.files.precision
        # each loaded once; small differences of large sums are lost in the rounding of int8
        self._scorer = cache(lambda name: TitleScores(find_scorer(name, precision)))
        self._pmi = cache(lambda: TitlePmi(find_model(LANGUAGE_MODEL, FP32)))

    @property
    def one_way(self) -> bool:
        """Whether the model writes from left to right only."""
        return self.tokenizer.specials.r2l == ABSENT

    @property
    def _frame(self) -> int:
        """Tokens around an article."""
        return sum(map(len, self.around))

    def suited(self, options: TitleOptions) -> TitleOptions:
        """The options as this model can follow them: of two directions those that it has.

        Raises:
            UsageError: They ask for the other one.
        """
        if not self.one_way:
            return options
        for name, wanted in (
            ("direction", ("r2l", "both")),
            ("rank", ("agree", "blend")),
            ("decode", (AGREE,)),
        ):
            if (given := getattr(options, name)) in wanted:
                raise UsageError(
                    "{option} {given}: {model} writes from left to right only",
                    option=option(name),
                    given=given,
                    model=self.model.files.name,
                    hint="{@rank} mbr ranks what it writes by itself",
                )
        # candidates speak for each other where no other direction speaks for them
        rank = "mbr" if options.ranking == "blend" else options.rank
        return options.model_copy(update={"direction": "l2r", "rank": rank})

    def check(self, options: TitleOptions) -> None:
        options = self.suited(options)
        check_view(options, self.network, self.model.files.name)
        article_room(self.network, options.max_new_tokens, self._frame)
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
        limit = article_room(self.network, options.max_new_tokens, self._frame)
        named = self.reader.most_named(options.keyword_file, reading.text)
        typed = keywords_of_row(row, options, self.tokenizer, self.allowed, self.reader.word, named)
        keywords = tuple(dict.fromkeys(map(self.reader.word, typed)))
        truncated = truncate(reading.text, self.tokenizer.encode, limit, options.long)
        if truncated.used < truncated.tokens:
            on_event(Shortened(row.name, truncated.used, truncated.tokens, options.long))
        # what the user asks for is right; and listed texts may be labels, no titles at all
        checked = options.checks and not options.one_of
        editor = Editor("\n".join([reading.text, *keywords])) if checked else None
        return Article(
            row,
            len(truncated.judge) + self._frame,
            truncated.tokens,
            truncated.used,
            reading,
            keywords,
            typed,
            self.reader.listed(options),
            truncated,
            editor,
            notes=self.reader.text_notes(reading.text, row.text, needed=True),
        )

    def compute(
        self, batch: Sequence[Article], options: TitleOptions, seed: int, on_event: OnEvent
    ) -> list[Outcome]:
        options = self.suited(options)
        compared = self._compared(options)
        search = TitleSearch(self.network, self.tokenizer, self.allowed, self.reader.spelled(options))
        views = [
            (number, view) for number, article in enumerate(batch) for view in self._views(article, seed)
        ]
        found: list[list[Title]] = [[] for _ in batch]
        most = min(options.batch_size, max(1, ROWS // search.rows))
        for part in same_size_batches(views, lambda item: _size(item[1], options), lambda _: most):
            model = SharedPrefix(self.network, [view.source for _, view in part])
            # a short list is scored whole; of a long one a search finds those that are to be ranked
            if options.ranking == "pmi" and options.decode is None and 0 < len(options.one_of) <= LISTED:
                pools = [listed_titles(search, model, view.source) for _, view in part]
            else:
                pools = search.titles(model, [view for _, view in part])
            for (number, view), titles in zip(part, pools, strict=True):
                if len(batch[number].truncated.views) == 1:
                    titles = search.logprobs(model, view.source, titles, compared)
                found[number] += titles
        return [
            self._outcome(article, titles, options, search)
            for article, titles in zip(batch, found, strict=True)
        ]

    def _views(self, article: Article, seed: int) -> list[View]:
        row = article.row
        key = row_key(seed, row.text, id=row.id, keywords=row.keywords)
        return [
            View(self._source(ids), chunk_key(key, chunk), article.keywords, article.editor)
            for chunk, ids in enumerate(article.truncated.views)
        ]

    def _outcome(
        self, article: Article, titles: list[Title], options: TitleOptions, search: TitleSearch
    ) -> Outcome:
        judged = len(article.truncated.views) > 1
        if judged:
            titles = self._judged(article, titles, options, search)
        if options.draws_alone and not judged:
            titles = titles[: options.num_candidates]  # those drawn first, not the best of many
        kind = self._score_kind(options, judged=judged)
        scored = self._ranked(article, titles, options)
        ranked = [
            Candidate(t.text, score, kind, t.logprob, t.tokens, t.reason, direction=t.direction)
            for t, score in scored
        ]
        whole = with_keywords(ranked, article.typed, options, written=article.given_back)
        if isinstance(whole, DataError):
            return whole
        whole, count = nearest_first(whole, options.length), options.num_candidates
        edited = whole[:count] if article.editor is None else chosen(whole, article.editor, count)
        notes = length_notes(edited, options.length) + check_notes(edited)
        return Found([self._explained(article, one, options) for one in edited], notes)

    def _judged(
        self, article: Article, titles: list[Title], options: TitleOptions, search: TitleSearch
    ) -> list[Title]:
        """Titles of several views, re-scored on the view on which they compare."""
        length = Length(options.max_new_tokens, options.length_penalty, options.length_norm == "gnmt")
        model = SharedPrefix(self.network, [source := self._source(article.truncated.judge)])
        blank = [replace(title, logprobs={}) for title in merge(titles)]
        if compared := self._compared(options):
            return search.logprobs(model, source, blank, compared)
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
            read = self.tokenizer.decode(article.truncated.judge)
            scores = judge.scores(read, [title.text for title in titles])
        else:
            rank, _ = RANKINGS[options.ranking]
            # where there is one direction, it stands for both
            compared = self._compared(options)
            one, other = compared[0], compared[-1]
            scores = rank([Contender(t.text, t.tokens, t.logprobs[one], t.logprobs[other]) for t in titles])
        ranked = zip(titles, scores, strict=True)
        return sorted(ranked, key=lambda pair: (pair[0].reason != "stop", -pair[1]))

    def _compared(self, options: TitleOptions) -> tuple[Direction, ...]:
        """The directions whose log-probabilities rank the titles; none where nothing of the kind does."""
        if not options.ranked_both_ways:
            return ()
        return BOTH[:1] if self.one_way else BOTH

    def _score_kind(self, options: TitleOptions, *, judged: bool) -> str:
        if options.ranking != "logprob":
            kinds = {"scorer": "scorer", "pmi": PMI_KIND}
            return kinds.get(options.ranking) or RANKINGS[options.ranking][1]
        # only a beam ranks by what its filters left; judged candidates are scored without them
        name = beam_score_kind(options, judged=judged)
        mixed = options.strategy.view == "two-way" and not judged and interacts(self.network, options)
        return f"bidirectional_{name}" if mixed else name

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
        """The model that ranks, if that is not the one that writes."""
        if options.scorer:
            return self._scorer(options.scorer)
        return self._pmi() if options.ranking == "pmi" else None

    def _source(self, view: list[int]) -> list[int]:
        return [*self.around[0], *view, *self.around[1]]


def listed_titles(search: TitleSearch, model: SharedPrefix, source: list[int]) -> list[Title]:
    """All texts of the list as titles of what was read, each with its log-probability.

    Args:
        search: Scores titles; its options have the list.
        model: The network, which has read the source.
        source: The article's ids with `<cls>` and `<sep>`.
    """
    direction = search.options.directions[0]
    titles = []
    for text in dict.fromkeys(search.options.one_of):
        ids = tuple(search.tokenizer.encode(text))
        titles.append(Title(text, ids, (direction,), len(ids) + 1, "stop", 0.0, {}, direction))
    return search.logprobs(model, source, titles, [direction])


def without_headline(reading: Reading) -> Reading:
    """The article behind its first line. Raises DataError: nothing follows."""
    text = reading.text.strip()
    _, rest = split_headline(text)
    begins = reading.text.index(text) + len(text) - len(rest)
    return reading.part(begins, begins + len(rest))


def _size(view: View, options: TitleOptions) -> tuple[int, tuple[str, ...]]:
    """The key of views that may be searched together; keywords are exempt from n-gram bans."""
    return padded_length(len(view.source)), view.keywords if options.no_repeat_ngram else ()
