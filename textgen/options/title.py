"""What title generation takes."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from textgen.messages import OptionError
from textgen.options.chains import Span
from textgen.options.decoding import DecodingOptions
from textgen.options.strategies import STRATEGIES

TitleDecode = Literal[
    "greedy", "sample", "beam", "diverse", "stochastic", "contrastive", "agree", "bidirectional"
]
Direction = Literal["l2r", "r2l"]
Rank = Literal["logprob", "agree", "mbr", "blend", "pmi", "scorer"]

RANKED_BEAMS = 8  # hypotheses a direction, where more than their own log-probability ranks them
LISTED = 64  # texts to choose from that are ranked; of a longer list, those that a beam of so many finds


class TitleOptions(DecodingOptions):
    """What title generation takes.

    Left alone, `decode` and `rank` mean beams in both directions whose titles are ranked by a blend of
    what speaks for them. `decode` alone ranks by log-probability, in one direction.

    Attributes:
        decode: A strategy; `agree`, beams in both directions ranked by the sum of both directions'
            log-probabilities; `bidirectional`, both directions at once; None, beams.
        rank: How the candidates compare; see `textgen.decoding.rank`. None is `blend` without `decode`
            (`pmi`, if the text is one of a list), `agree` with `agree`, else `logprob`.
        scorer: The model that ranks, with `rank="scorer"`: what `textgen train title-scorer` makes.
        direction: Write the title left to right, right to left, or both ways; None is both where several
            directions are ranked together, else left to right.
        interaction: Whether the streams of `bidirectional` see each other; None is whether the model
            was trained for it.
        length: Fewest and most characters of a title, white space left out; None is any. Where no title of
            that length is found, the nearest are reported, with a flag.
        long: What to feed in of an article longer than the model reads; see `textgen.text.truncate`.
        checks: Look for titles that pass the checks of `textgen.text.checks.editor`, put those that fail one
            last, and say which; titles from a list (`one_of`) are never checked.
        skip_first_line: The article begins with its headline: leave it out.
        keep_layout: Feed the text as it stands, without the default cleaning.
        explain: Tell which spans of the article each title is supported by.
    """

    offered: ClassVar = tuple(STRATEGIES)

    decode: TitleDecode | None = None  # type: ignore[assignment]
    rank: Rank | None = None
    scorer: str | None = Field(None, min_length=1)
    max_new_tokens: int = Field(46, ge=1)
    direction: Literal["l2r", "r2l", "both"] | None = None
    interaction: bool | None = None
    length: Span | None = None
    long: Literal["head", "head-tail", "lead", "chunk"] = "head"
    checks: bool = True
    skip_first_line: bool = False
    keep_layout: bool = False
    explain: bool = False

    @property
    def strategy_name(self) -> str:
        return "beam" if self.decode in (None, "agree") else str(self.decode)

    @property
    def ranking(self) -> Rank:
        """How the candidates compare."""
        if self.rank:
            return self.rank
        if self.decode is None and self.one_of:
            return "pmi"  # listed texts are no evidence for each other, and may be no titles
        return {None: "blend", "agree": "agree"}.get(self.decode, "logprob")  # type: ignore[return-value]

    @property
    def ranked_both_ways(self) -> bool:
        """Whether candidates compare by their log-probabilities in both directions."""
        return self.ranking not in ("logprob", "pmi")

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions to write in."""
        if self.direction in ("l2r", "r2l"):
            return (self.direction,)
        return ("l2r", "r2l") if self.direction == "both" or self.ranked_both_ways else ("l2r",)

    @property
    def draws_alone(self) -> bool:
        """Whether the titles are as many draws as were asked for, and not the best of more."""
        return self.strategy.draws and self.ranking == "logprob" and len(self.directions) == 1

    @property
    def width(self) -> int:
        if self.beams:
            return self.beams
        if self.one_of and self.ranking == "pmi":
            return max(LISTED, self.num_candidates)
        least = RANKED_BEAMS if self.ranking != "logprob" else super().width
        width = max(least, self.num_candidates)
        return width + width % 2 if self.decode == "bidirectional" else width

    @model_validator(mode="after")
    def _title_combination(self) -> Self:
        if (self.rank == "scorer") != (self.scorer is not None):
            raise OptionError(
                "{@scorer} needs {@rank} scorer"
                if self.scorer
                else "{@rank} scorer needs {@scorer}, a model that ranks"
            )
        if self.decode == "agree" and self.rank not in (None, "agree"):
            raise OptionError(f"{{@decode}} agree means {{@rank}} agree, not {self.rank}")
        if self.decode == "agree" and self.direction not in (None, "both"):
            raise OptionError("{@decode} agree writes in both directions: leave out {@direction}")
        if self.decode == "bidirectional":
            self._check_bidirectional()
        if self.length:
            self._check_length(*self.length)
        return self

    def _check_length(self, least: int, most: int) -> None:
        if not 1 <= least <= most:
            raise OptionError(f"{{@length}} {least}-{most} must go from 1 or more to as much or more")
        if self.one_of:
            raise OptionError("{@one_of} and {@length} exclude each other")
        if least >= self.max_new_tokens:
            raise OptionError(
                f"{{@length}} {least}-{most} has no room in {{@max_new_tokens}} {self.max_new_tokens}: "
                f"raise that above {least}"
            )

    def _check_bidirectional(self) -> None:
        if self.direction:
            raise OptionError("{@decode} bidirectional writes in both directions: leave out {@direction}")
        if self.width % 2:
            raise OptionError(
                f"{{@decode}} bidirectional shares {{@beams}} {self.width} between two directions"
            )
