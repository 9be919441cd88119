"""The options of title generation."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from textgen.commands import LANGUAGE_MODEL
from textgen.messages import OptionError
from textgen.options.base import Texts
from textgen.options.chains import Span
from textgen.options.decoding import MAX_LINES, DecodingOptions
from textgen.options.fields import CONTENT, DECODING, changed, field
from textgen.options.strategies.beams import RANKED_BEAMS
from textgen.options.strategies.bidirectional import BidirectionalOptions
from textgen.text.keywords import clash

Direction = Literal["l2r", "r2l"]
Rank = Literal["logprob", "agree", "mbr", "blend", "pmi", "scorer"]

AGREE = "agree"  # no strategy of its own: beams both ways
LISTED = 64  # texts to choose from that are ranked; of a longer list, those that a beam of so many finds


class TitleOptions(DecodingOptions, BidirectionalOptions):
    """The options of title generation.

    Left alone, `decode` and `rank` mean beams in both directions whose titles are ranked by a blend of
    what speaks for them. `decode` alone ranks by log-probability, in one direction.
    """

    views: ClassVar[frozenset[str]] = DecodingOptions.views | {"two-way"}

    decode: str | None = field(  # type: ignore[assignment]
        None,
        "How to search (default: beams in both directions); agree means such beams, ranked by the sum of "
        "both directions' log-probabilities.",
        DECODING,
    )
    direction: Literal["l2r", "r2l", "both"] | None = field(
        None,
        "Write left to right, right to left, or both ways (default: both if "
        "candidates of both are ranked together, else l2r).",
        DECODING,
    )
    rank: Rank | None = field(
        None,
        "How candidates are ranked (default: blend; pmi with {@one_of}; logprob with {@decode}).",
        DECODING,
    )
    scorer: str | None = field(
        None,
        "Model that ranks, with {@rank} scorer; made by the recipe title-scorer.",
        DECODING,
        metavar="MODEL",
        min_length=1,
    )
    max_new_tokens: int = changed(DecodingOptions, "max_new_tokens", 46)
    early_stopping: bool = changed(DecodingOptions, "early_stopping", True)
    checks: bool = field(
        True,
        "Rank titles that fail an editor's checks last, and search on until one passes.",
        DECODING,
    )
    keyword_file: Texts = field(
        (),
        "Of the lines of this file the one that the article names most often must be in its titles; none is "
        "asked for where it names none.",
        CONTENT,
        metavar="FILE",
        max_length=MAX_LINES,
    )
    length: Span | None = field(
        None,
        "Number of characters of a title, such as 8-15; white space does not count. "
        "If none fits, the nearest are reported with a flag.",
        CONTENT,
        metavar="MIN-MAX",
    )
    long: Literal["head", "head-tail", "lead", "chunk"] = field(
        "head", "Which part of an article to read if it is longer than the model reads."
    )
    skip_first_line: bool = field(False, "Skip the first line of each article, which is its headline.")
    keep_layout: bool = field(False, "Read articles as they stand, without the default cleaning.")
    explain: bool = field(False, "Show the passages of the article that support each title.")

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        return (*super().choices(name), AGREE) if name == "decode" else ()

    @property
    def strategy_name(self) -> str:
        return "beam" if self.decode in (None, AGREE) else self.decode

    @property
    def ranking(self) -> Rank:
        """The ranking of candidates."""
        if self.rank:
            return self.rank
        if self.decode is None and self.one_of:
            return "pmi"  # listed texts are no evidence for each other, and may be no titles
        return {None: "blend", AGREE: "agree"}.get(self.decode, "logprob")  # type: ignore[return-value]

    @property
    def models(self) -> dict[str, str]:
        """The models that rank candidates."""
        scorer = {"scorer": self.scorer} if self.scorer else {}
        return scorer | ({"ranker": LANGUAGE_MODEL} if self.ranking == "pmi" else {})

    @property
    def ranked_both_ways(self) -> bool:
        """True if candidates compare by their log-probabilities in both directions."""
        return self.ranking not in ("logprob", "pmi")

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions to write in."""
        if self.direction in ("l2r", "r2l"):
            return (self.direction,)
        return ("l2r", "r2l") if self.direction == "both" or self.ranked_both_ways else ("l2r",)

    @property
    def draws_alone(self) -> bool:
        """True if the titles are as many draws as were asked for, and not the best of more."""
        return self.strategy.draws and self.ranking == "logprob" and len(self.directions) == 1

    @property
    def beam_width(self) -> int:
        if self.beams:
            return self.beams
        if self.one_of and self.ranking == "pmi":
            return max(LISTED, self.num_candidates)
        least = RANKED_BEAMS if self.ranking != "logprob" else super().beam_width
        width = max(least, self.num_candidates)
        return width + width % 2 if self.strategy.view == "two-way" else width

    @model_validator(mode="after")
    def _title_combination(self) -> Self:
        if (self.rank == "scorer") != (self.scorer is not None):
            raise OptionError(
                "{@scorer} needs {@rank} scorer"
                if self.scorer
                else "{@rank} scorer needs {@scorer}, a model that ranks"
            )
        if self.one_of and self.keyword_file:
            raise OptionError("{@one_of} and {@keyword_file} exclude each other")
        if wrong := clash(self.keyword_file, self.avoided):
            raise OptionError(wrong)
        if self.decode == AGREE and self.rank not in (None, "agree"):
            raise OptionError("{@decode} agree means {@rank} agree, not {rank}", rank=self.rank)
        if self.decode == AGREE and self.direction not in (None, "both"):
            raise OptionError("{@decode} agree writes in both directions: leave out {@direction}")
        if self.strategy.view == "two-way" and self.direction:
            raise OptionError("{@decode} bidirectional writes in both directions: leave out {@direction}")
        if self.strategy.view == "two-way" and self.beam_width % 2:
            raise OptionError(
                "{@decode} bidirectional shares {@beams} {width} between two directions",
                width=self.beam_width,
            )
        if self.length and self.one_of:
            raise OptionError("{@one_of} and {@length} exclude each other")
        if self.length and self.length[0] >= self.max_new_tokens:
            raise OptionError(
                "{@length} {least}-{most} has no room in {@max_new_tokens} {limit}: raise that above {least}",
                least=self.length[0],
                most=self.length[1],
                limit=self.max_new_tokens,
            )
        return self
