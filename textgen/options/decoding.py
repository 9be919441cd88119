"""The options of models that write token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BeforeValidator, PlainValidator, WrapValidator, field_validator, model_validator

from textgen.messages import Message, OptionError, option
from textgen.options.base import Keywords, Options, StyledOptions, Texts, Words, needs
from textgen.options.fields import CONTENT, DECODING, RUN, Count, OptionGroup, Penalty, Whole, changed, field
from textgen.options.strategies import GROUP, OURS
from textgen.options.strategies.beams import MAX_BEAMS, BeamOptions, LengthOptions
from textgen.options.strategies.contrastive import ContrastiveOptions
from textgen.options.strategies.diverse import DiverseOptions
from textgen.options.strategies.sampling import SamplingOptions
from textgen.options.strategies.strategy import Strategy
from textgen.plugins import with_installed
from textgen.text.keywords import clash

MAX_KEYWORDS = 64
MAX_AVOIDED = 1000  # their automaton is a table of a few kilobytes a word
MAX_LINES = 4000  # of a file of them
DRAWS = 4  # of each text, if the best of several is wanted
MAX_DRAWS = 256


# parameters of commands, and what titles call beams both ways
RESERVED = {"agree", "as_json", "config", "debug", "input", "inputs", "json", "model", "output", "plot"}
RESERVED |= {"prompt", "quiet", "stream", "trace", "watch"}


@cache
def strategies() -> dict[str, Strategy]:
    """All strategies, ours and those of other packages, in the order in which they are shown."""
    return with_installed(GROUP, {one.name: one for one in OURS}, Strategy, _unfit)


def _unfit(strategy: Strategy, known: Mapping[str, Strategy]) -> str | None:
    """The reason not to take a strategy beside those that are known; None if there is none."""
    ours = {group for one in OURS for group in one.groups}
    brought = [group for group in strategy.groups if group not in ours]
    if strategy.name in RESERVED:
        return "the name is taken"
    if strange := [group for group in brought if not issubclass(group, OptionGroup)]:
        return f"{strange[0].__name__} is no OptionGroup"
    kinds: list[type[DecodingOptions]] = [DecodingOptions, *DecodingOptions.__subclasses__()]
    taken = RESERVED.union(*map(dir, kinds), *(kind.model_fields for kind in kinds))
    taken |= {name for one in known.values() for group in one.groups for name in group.model_fields}
    for name, info in ((name, info) for group in brought for name, info in group.model_fields.items()):
        if name in taken:
            return f"the option {name} is taken"
        if not info.description:
            return f"the option {name} has no description"
        if not _readable(info.annotation, info.metadata):
            return f"the option {name} needs a BeforeValidator that reads its type from text"
    return None


def _readable(kind: Any, metadata: Sequence[Any] = ()) -> bool:
    """Tell whether flags and files can give a value of a type, by themselves or for a validator."""
    if get_origin(kind) is Annotated:
        return _readable(kind.__origin__, kind.__metadata__)
    if any(isinstance(one, BeforeValidator | PlainValidator | WrapValidator) for one in metadata):
        return True
    if get_origin(kind) in (Union, UnionType):
        parts = [part for part in get_args(kind) if part is not NoneType]
        return str in parts or (len(parts) == 1 and _readable(parts[0]))
    if get_origin(kind) is Literal:
        return all(isinstance(choice, str) for choice in get_args(kind))
    return kind in (bool, int, float, str)


class DecodingOptions(
    SamplingOptions, ContrastiveOptions, DiverseOptions, LengthOptions, BeamOptions, Options
):
    """The options of models that write token by token.

    An option that belongs to some strategies is refused with another, never ignored. The options of
    strategies that are not among the bases here are added by `textgen.options.composed`.
    """

    views: ClassVar[frozenset[str]] = frozenset({"next-token", "hidden"})

    decode: str = field("sample", "How to search.", DECODING)
    max_new_tokens: Count = field(
        120, "Maximum number of tokens to write, including the end symbol.", DECODING
    )
    min_new_tokens: Whole = field(
        0, "Minimum number of tokens to write, not counting the end symbol.", DECODING
    )
    repetition_penalty: float = field(
        1.0,
        "Divides the logits of tokens that already occur (or multiplies, if negative).",
        DECODING,
        ge=0.01,
        le=100,
    )
    presence_penalty: Penalty = field(
        0.0, "Subtracted from the logits of tokens that already occur.", DECODING
    )
    frequency_penalty: Penalty = field(0.0, "Subtracted from them once per occurrence.", DECODING)
    no_repeat_ngram: Whole = field(
        0,
        "Forbid n-grams of this length to occur twice; 0 allows all. The end, "
        "punctuation and keywords are exempt.",
        DECODING,
    )
    keyword: Keywords = field(
        (),
        "Words that every text must contain, separated by commas; added to the row's own.",
        CONTENT,
        max_length=MAX_KEYWORDS,
    )
    ordered: bool = field(False, "Keywords come in their order.", CONTENT)
    avoid: Words = field((), "Word that no text may contain.", CONTENT, max_length=MAX_AVOIDED)
    avoid_file: Texts = field(
        (),
        "Keep the lines of this file out of every text, too.",
        CONTENT,
        metavar="FILE",
        max_length=MAX_LINES,
    )
    one_of: Texts = field((), "Choose every text from the lines of this file.", CONTENT, metavar="FILE")
    batch_tokens: Count = field(8192, "Maximum number of tokens per batch; does not change the texts.", RUN)

    @classmethod
    def offered(cls) -> dict[str, Strategy]:
        """The strategies that a model of this kind can run."""
        return {name: one for name, one in strategies().items() if one.view in cls.views}

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        """The values that a field has whose type does not list them."""
        return tuple(cls.offered()) if name == "decode" else ()

    @property
    def tokens_at_once(self) -> int:
        return self.batch_tokens

    @property
    def strategy_name(self) -> str:
        """The strategy that `decode` means."""
        return self.decode

    @property
    def strategy(self) -> Strategy:
        """Its record."""
        return strategies()[self.strategy_name]

    @property
    def draws(self) -> bool:
        return self.strategy.draws

    @property
    def avoided(self) -> tuple[str, ...]:
        """All words that no text may contain."""
        return tuple(dict.fromkeys([*self.avoid, *self.avoid_file]))

    @property
    def beam_width(self) -> int:
        """Hypotheses that a beam keeps."""
        return self.beams or max(self.strategy.width or 1, self.num_candidates)

    @property
    def penalized(self) -> bool:
        """True if a penalty moves the search scores."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0

    @field_validator("decode")
    @classmethod
    def _offered(cls, name: str | None) -> str | None:
        if name is not None and name not in (known := cls.choices("decode")):
            raise OptionError("should be one of {known}", known=known)
        return name

    @model_validator(mode="after")
    def _decoding(self) -> Self:
        self._check_taken()
        if not self.strategy.several and self.num_candidates > 1:
            raise OptionError(
                "{@decode} {name} finds one text: {@num_candidates} 1, or {@decode} beam or sample",
                name=self.decode,
            )
        if "beams" in self.strategy.options:
            self._check_beams()
        if self.min_new_tokens >= self.max_new_tokens:
            raise OptionError(
                "{@min_new_tokens} {min_new_tokens} and the end symbol are more than "
                "{@max_new_tokens} {max_new_tokens}",
                **vars(self),
            )
        if wrong := clash(self.keyword, self.avoided):
            raise OptionError(wrong)
        for name in ("keyword", "avoid", "avoid_file", "no_repeat_ngram", "min_new_tokens"):
            if self.one_of and getattr(self, name):  # a list of texts leaves nothing to be kept out of them
                raise OptionError("{@one_of} and {option} exclude each other", option=option(name))
        return self

    def _check_taken(self) -> None:
        """Refuse options that belong to other strategies."""
        belong = frozenset[str]().union(*(one.options for one in strategies().values()))
        for name in sorted((self.model_fields_set & belong) - self.strategy.options):
            known = [one.name for one in self.offered().values() if name in one.options]
            raise needs(name, self, "decode", known, self.strategy_name)

    def _check_beams(self) -> None:
        if self.beam_width > MAX_BEAMS:
            raise OptionError(
                "{@num_candidates} {count} is more than a beam can give ({most})",
                count=self.num_candidates,
                most=MAX_BEAMS,
            )
        if self.num_candidates > self.beam_width:
            raise OptionError(
                "{@num_candidates} {count} is more than {@beams} {width} can give",
                count=self.num_candidates,
                width=self.beam_width,
            )
        if self.groups and self.beam_width % self.groups:
            wrong = "{@groups} {groups} does not divide {@beams} {width}"
            raise OptionError(wrong, groups=self.groups, width=self.beam_width)


class ContinueOptions(DecodingOptions, StyledOptions):
    """The options of continuing a prompt."""

    # chosen by `benchmarks/sampling_table.py`: nearest to real text
    temperature: float = changed(DecodingOptions, "temperature", 0.9)
    top_p: float = changed(DecodingOptions, "top_p", 0.95)
    max_new_tokens: Count = changed(
        DecodingOptions,
        "max_new_tokens",
        120,
        "Maximum number of tokens to write, including the end symbol; beyond it a text may go on to the end "
        "of its sentence, see {@end_at}.",
    )
    end_at: Literal["any", "sentence"] | None = field(
        None,
        "Where a text may end: at the end of a sentence, for which it is continued "
        "by up to 128 tokens, or anywhere (default: sentence if {@decode} writes token by token, else any).",
        DECODING,
    )
    rank: Literal["none", "logprob", "blend", "sound"] = field(
        "none",
        "Draw each text several times and keep the best: by log-probability, by log-probability and "
        "coherence (blend), or by its least probable token, if it says nothing twice (sound).",
        DECODING,
    )
    best_of: int | None = field(
        None, f"How often every text is drawn for {{@rank}} (default {DRAWS}).", DECODING, ge=2, le=MAX_DRAWS
    )

    @property
    def ends_at(self) -> Literal["any", "sentence"]:
        """The place where a text may end."""
        return self.end_at or ("sentence" if self.strategy.streamable else "any")

    @property
    def draws_each(self) -> int:
        """Draws of each text."""
        return 1 if self.rank == "none" else self.best_of or DRAWS

    @model_validator(mode="after")
    def _continuing(self) -> Self:
        if self.best_of and self.rank == "none":
            raise OptionError("{@best_of} needs {@rank}: it says which of the draws is the best")
        streamable = [name for name, one in self.offered().items() if one.streamable]
        drawn = [name for name in streamable if self.offered()[name].draws]
        for name, value, known in (("rank", self.rank, drawn), ("end_at", self.end_at, streamable)):
            if value not in (None, "none", "any") and self.decode not in known:
                given = Message("{option} {value}", option=option(name), value=value)
                raise needs(given, self, "decode", known, self.decode)
        if self.guidance and self.strategy.view == "hidden":
            raise OptionError(
                "{@guidance} leaves {@decode} {decode} no hidden states to compare", decode=self.decode
            )
        return self
