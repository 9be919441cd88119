"""Finding titles: every direction's search over one reading of the article, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from textgen.backends.search_rules import plan_for, scoring_for, stop_for
from textgen.choice.allowed import WholeCharacters
from textgen.choice.filters import Filter
from textgen.choice.scoring import LaneScoring, Score, Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.plan import Plan, search
from textgen.decoding.stop import relabel
from textgen.models.families.two_streams import TwoStreams
from textgen.models.scoring import sequence_logprobs
from textgen.models.shared_prefix import SharedPrefix
from textgen.models.views import NextTokenModel, TitleModel, TwoWayModel
from textgen.options import TitleOptions
from textgen.options.strategies.beams import MAX_BEAMS
from textgen.options.title import Direction
from textgen.text.checks.editor import Editor
from textgen.text.keywords import missing
from textgen.text.length import deviation
from textgen.tokenizers.base import Tokenizer

ATTEMPTS = 4  # rounds of search to find as many different titles as were asked for
ROWS = 128  # titles written at once
DRAWN = 16  # titles drawn in each direction, if they are to be ranked against each other
BOTH: tuple[Direction, ...] = ("l2r", "r2l")


@dataclass(frozen=True)
class View:
    """A part of an article that is read at once.

    Attributes:
        source: Its ids with `<cls>` and `<sep>`.
        key: Of its random numbers.
        keywords: What its titles must contain.
        editor: Checks its titles, of which one must be sound if there is any; None checks none.
    """

    source: list[int]
    key: bytes
    keywords: tuple[str, ...] = ()
    editor: Editor | None = None

    def has_sound(self, titles: Iterable[Title]) -> bool:
        """Whether an editor would print one of the titles."""
        return self.editor is None or any(not self.editor.flags(title.text) for title in titles)


@dataclass(frozen=True)
class Title:
    """A title that was found.

    Attributes:
        text: The title.
        ids: Its ids from left to right, without the end symbol.
        directions: In which it was found.
        tokens: How many tokens were written, the end symbol included if it was.
        reason: Why it ended.
        score: The search's own, comparable within one search.
        logprobs: Log-probability by direction, as far as it is known.
        scored: The direction that the score is of.
    """

    text: str
    ids: tuple[int, ...]
    directions: tuple[Direction, ...]
    tokens: int
    reason: str
    score: float
    logprobs: dict[Direction, float]
    scored: Direction

    @property
    def logprob(self) -> float | None:
        """Its log-probability in the direction of its score, if there is one."""
        return self.logprobs.get(self.scored)

    @property
    def direction(self) -> str:
        """The direction in which it was found, or `both`."""
        return "both" if len(self.directions) > 1 else self.directions[0]

    def merged(self, other: Title) -> Title:
        """The better of two with the same text, with what is known of both."""
        better = max(self, other, key=lambda title: (title.reason == "stop", title.score))
        if self.ids != other.ids:
            return better
        directions = tuple(d for d in BOTH if d in self.directions + other.directions)
        return replace(better, directions=directions, logprobs=other.logprobs | self.logprobs)


class TitleSearch:
    """Searches titles as the options say.

    Args:
        network: The model.
        tokenizer: Its tokenizer.
        allowed: `(vocab,)`, true for what a title may hold.
        options: Validated.
    """

    def __init__(
        self, network: TitleModel, tokenizer: Tokenizer, allowed: Tensor, options: TitleOptions
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.allowed, self.options = allowed, options
        drawn = options.strategy.streamable and options.strategy.draws
        ranked = options.ranking != "logprob" and drawn
        self.stop = stop_for(options, tokenizer)
        parts = sorted(tokenizer.vocabulary.byte_ids)
        whole = WholeCharacters(tokenizer.vocabulary, options.max_new_tokens)
        self._task: list[Filter] = [whole] if bool(allowed[parts].any()) else []
        self.copies = max(options.num_candidates, DRAWN) if ranked else options.num_candidates

    @property
    def rows(self) -> int:
        """Titles written at once for one view, in one direction."""
        wide = "beams" in self.options.strategy.options
        return self.options.beam_width if wide else min(self.copies, ROWS)

    def titles(self, model: SharedPrefix, views: Sequence[View]) -> list[list[Title]]:
        """Different titles of every view, in no order.

        Where too few differ or none is sound, more are drawn, or a wider beam looks again. Titles that are
        draws alone need not be sound: what is drawn is what the model writes.

        Args:
            model: The network, which has read the sources of the views.
            views: Of one padded length; and with the same keywords, if n-grams may not repeat.
        """
        options, strategy = self.options, self.options.strategy
        found: list[list[Title]] = [[] for _ in views]
        short = list(range(len(views)))
        for attempt in range(ATTEMPTS if strategy.several else 1):
            before = list(map(len, found))
            for n, titles in zip(short, self._round(model, [views[n] for n in short], attempt), strict=True):
                found[n] = merge([*found[n], *(title for title in titles if self._fits(title, views[n]))])
            short = [
                n
                for n in short
                # a wider beam that finds nothing new has seen all there is
                if not (
                    len(found[n]) >= options.num_candidates
                    and (options.draws_alone or views[n].has_sound(found[n]))
                )
                and (strategy.draws or len(found[n]) > before[n] or (options.length and not found[n]))
            ]
            if not short:
                break
        return self._filled_up(model, views, found) if self.options.length else found

    def _fits(self, title: Title, view: View) -> bool:
        """Whether a title holds the keywords, and ended with the length that was asked for."""
        length = self.options.length
        if missing(title.text, view.keywords, ordered=self.options.ordered):
            return False
        return length is None or (title.reason == "stop" and not deviation(title.text, *length))

    def _filled_up(
        self, model: SharedPrefix, views: Sequence[View], found: list[list[Title]]
    ) -> list[list[Title]]:
        """The titles of the length that was asked for; where these are too few, others with them."""
        short = [n for n, titles in enumerate(found) if len(titles) < self.options.num_candidates]
        if not short:
            return found
        options = self.options.model_copy(update={"length": None})
        freely = TitleSearch(self.network, self.tokenizer, self.allowed, options)
        for n, titles in zip(short, freely.titles(model, [views[n] for n in short]), strict=True):
            found[n] = merge([*found[n], *titles])
        return found

    def logprobs(
        self, model: NextTokenModel, source: list[int], titles: list[Title], directions: Iterable[Direction]
    ) -> list[Title]:
        """The titles with their log-probabilities in these directions behind a source."""
        for direction in directions:
            unknown = [title for title in titles if direction not in title.logprobs]
            if unknown:
                targets = [self._target(title, direction) for title in unknown]
                found = iter(sequence_logprobs(model, source, targets, self.allowed).tolist())
                titles = [
                    title
                    if direction in title.logprobs
                    else replace(title, logprobs=title.logprobs | {direction: next(found)})
                    for title in titles
                ]
        return titles

    def _round(self, model: SharedPrefix, views: Sequence[View], attempt: int) -> list[list[Title]]:
        options = self._widened(attempt)
        if options.strategy.view == "two-way" or self._side_by_side(views, options):
            return self._both_at_once(model, views, options)
        found: list[list[Title]] = [[] for _ in views]
        for direction in options.directions:
            batch = self._batch(views, direction)
            scoring = self._scoring(views, options, direction)
            for plan in self._plans(views, options, direction, attempt):
                pools = search(model, batch, scoring, plan)
                for titles, pool in zip(found, pools, strict=True):
                    titles += [self._title(hypothesis, direction) for hypothesis in pool]
        return found

    def _both_at_once(
        self, model: SharedPrefix, views: Sequence[View], options: TitleOptions
    ) -> list[list[Title]]:
        """Both directions in one search, which see each other if the strategy is bidirectional."""
        two_way = options.strategy.view == "two-way"
        interaction = two_way and interacts(self.network, options)
        first = self._first("l2r"), self._first("r2l")
        assert isinstance(self.network, TwoWayModel)  # the backend has checked it
        streams = TwoStreams(self.network, first, interaction=interaction, start=model.start)
        scorings = [self._scoring(views, options, direction) for direction in BOTH]
        scoring: Score = scorings[0]
        if two_way or options.avoided:  # what else there is, is the same in either direction
            scoring = LaneScoring(scorings, options.beam_width // 2 if two_way else options.beam_width)
        batch, (plan,) = self._batch(views, *BOTH), self._plans(views, options, "l2r", 0)
        pools = search(streams, batch, scoring, plan)
        return [[self._title(one, BOTH[one.lane], known=not interaction) for one in pool] for pool in pools]

    def _side_by_side(self, views: Sequence[View], options: TitleOptions) -> bool:
        """Whether one search can write in both directions that are asked for, over one reading."""
        # a direction that is done goes on writing, which a list or keywords cannot follow
        free = not options.one_of and not any(view.keywords for view in views)
        able = options.strategy.side_by_side and isinstance(self.network, TwoWayModel)
        return able and free and options.directions == BOTH

    def _widened(self, attempt: int) -> TitleOptions:
        """The options with the beam of a later attempt, a multiple of the first."""
        if not attempt or "beams" not in self.options.strategy.options:
            return self.options
        width = self.options.beam_width
        times = max(1, min(1 << attempt, MAX_BEAMS // width))
        return self.options.model_copy(update={"beams": width * times})

    def _batch(self, views: Sequence[View], *directions: Direction) -> Batch:
        sources, keys = [view.source for view in views], [view.key for view in views]
        first = [self._first(direction) for direction in directions]
        return Batch(sources, first * len(views), [[]] * len(views), keys)

    def _scoring(self, views: Sequence[View], options: TitleOptions, direction: Direction) -> Scoring:
        return scoring_for(
            options,
            self.tokenizer,
            self.allowed,
            given=0,
            task=self._task,
            keywords=views[0].keywords,
            reverse=direction == "r2l",
            length=options.length,
        )

    def _plans(
        self, views: Sequence[View], options: TitleOptions, direction: Direction, attempt: int
    ) -> Iterator[Plan]:
        """One search; or several, if more texts are to be drawn than can be written at once."""
        keywords = [view.keywords for view in views]
        most = max(1, ROWS // len(views)) if options.strategy.streamable else self.copies
        for first in range(0, self.copies, most):
            yield plan_for(
                options,
                self.tokenizer,
                lambda _, ids: self.stop.reason(ids),
                keywords,
                copies=min(most, self.copies - first),
                first_candidate=attempt * self.copies + first,
                reverse=direction == "r2l",
            )

    def _title(self, found: Hypothesis, direction: Direction, *, known: bool = True) -> Title:
        written = [i for i in found.ids if i != self.tokenizer.specials.eos]
        ids = written if direction == "l2r" else written[::-1]
        logprobs = {direction: found.logprob} if known and found.logprob is not None else {}
        return Title(
            self.tokenizer.decode(ids).strip(),
            tuple(ids),
            (direction,),
            len(found.ids),
            relabel(found.reason, written, self.stop.exempt),
            found.score,
            logprobs,
            direction,
        )

    def _first(self, direction: Direction) -> int:
        """The first token of titles in a direction, `<l2r>` or `<r2l>`."""
        return int(getattr(self.tokenizer.specials, direction))

    def _target(self, title: Title, direction: Direction) -> list[int]:
        ids = title.ids if direction == "l2r" else title.ids[::-1]
        end = [self.tokenizer.specials.eos] if title.reason == "stop" else []
        return [self._first(direction), *ids, *end]


def merge(titles: Iterable[Title]) -> list[Title]:
    """Titles of different texts, none of them blank, in the order found."""
    found: dict[str, Title] = {}
    for title in titles:
        if title.text:
            found[title.text] = found[title.text].merged(title) if title.text in found else title
    return list(found.values())


def interacts(network: TitleModel, options: TitleOptions) -> bool:
    """Whether the streams of bidirectional decoding see each other.

    Unless the options say it: where the model was trained for both at once. Others write nonsense if their
    streams mix.
    """
    return network.two_way if options.interaction is None else options.interaction
