"""What backends that write token by token take."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from textgen.messages import OptionError, option
from textgen.options.base import Keywords, Options, StyledOptions, Texts, Words
from textgen.options.strategies import STRATEGIES, Strategy, takers

DEFAULT_BEAMS = 4
MAX_BEAMS = 256
MAX_KEYWORDS = 64
MAX_AVOIDED = 1000  # their automaton is a table of a few kilobytes a word
DRAWS = 4  # of each text, if the best of several is wanted
MAX_DRAWS = 256
MIN_TEMPERATURE = 1e-4  # less overflows float32 logits; greedy is the limit

DrawRank = Literal["none", "logprob", "blend"]


class DecodingOptions(Options):
    """What a backend that writes token by token takes.

    An option that belongs to some strategies is refused with another, never ignored.

    Attributes:
        batch_tokens: Most tokens computed together, padding included, if they are of several rows.
        decode: The strategy; see `textgen.options.strategies`.
        max_new_tokens: Most pieces to write, the end symbol included.
        min_new_tokens: Least pieces to write, the end symbol not included; a text is never empty.
        beams: Hypotheses kept by a beam, in each direction if there are two; None is 4 (titles with
            a `rank` other than `logprob`: 8), or `num_candidates` if that is more (`stochastic`: just that).
        length_penalty: Exponent a of a beam's score, log-probability / tokens^a.
        length_norm: `power` divides by tokens^a, `gnmt` by ((5 + tokens) / 6)^a.
        groups: Groups of a diverse beam; None is one hypothesis a group.
        diversity_penalty: What a piece costs a group for every earlier group that has just chosen it.
        penalty_alpha: Weight of the degeneration penalty of contrastive search.
        temperature: Divides the logits before sampling.
        top_k: Keep the k most probable pieces; 0 keeps all (contrastive search: 4).
        top_p: Keep the smallest set of mass p.
        min_p: Keep pieces at least this share as probable as the best.
        typical_p: Keep the smallest set of mass p nearest to the entropy (locally typical sampling).
        epsilon_cutoff: Keep pieces at least this probable; 0 keeps all.
        eta_cutoff: The same, lowered where the entropy is high.
        repetition_penalty: Divides (or multiplies, if negative) the logits of pieces already there.
        presence_penalty: Subtracted from the logits of pieces already there.
        frequency_penalty: Subtracted as often as a piece is already there.
        no_repeat_ngram: Forbid a second occurrence of any run of so many pieces; 0 forbids none. The end,
            punctuation and keywords are exempt.
        keyword: Words that every text must contain; a row's own come on top. A list is taken as it is, a
            string is split as a cell of a table is.
        ordered: The keywords must come in their order.
        avoid: Words that no text may contain.
        one_of: The texts to choose from; the output is one of them.
    """

    offered: ClassVar = tuple(name for name in STRATEGIES if name != "bidirectional")

    batch_tokens: int = Field(8192, ge=1)
    decode: Literal["greedy", "sample", "beam", "diverse", "stochastic", "contrastive"] = "sample"
    max_new_tokens: int = Field(120, ge=1)
    min_new_tokens: int = Field(0, ge=0)
    beams: int | None = Field(None, ge=1, le=MAX_BEAMS)
    length_penalty: float = Field(1.0, ge=-10, le=10)
    length_norm: Literal["power", "gnmt"] = "power"
    groups: int | None = Field(None, ge=1)
    diversity_penalty: float = Field(1.0, ge=0)
    penalty_alpha: float = Field(0.6, ge=0, le=1)
    temperature: float = Field(1.0, ge=MIN_TEMPERATURE)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    min_p: float = Field(0.0, ge=0, le=1)
    typical_p: float = Field(1.0, gt=0, le=1)
    epsilon_cutoff: float = Field(0.0, ge=0, lt=1)
    eta_cutoff: float = Field(0.0, ge=0, lt=1)
    repetition_penalty: float = Field(1.0, ge=0.01, le=100)
    presence_penalty: float = Field(0.0, ge=-10, le=10)
    frequency_penalty: float = Field(0.0, ge=-10, le=10)
    no_repeat_ngram: int = Field(0, ge=0)
    keyword: Keywords = Field((), max_length=MAX_KEYWORDS)
    ordered: bool = False
    avoid: Words = Field((), max_length=MAX_AVOIDED)
    one_of: Texts = ()

    @property
    def tokens_at_once(self) -> int:
        return self.batch_tokens

    @property
    def strategy(self) -> Strategy:
        """What is known of the strategy."""
        return STRATEGIES[self.strategy_name]

    @property
    def strategy_name(self) -> str:
        """The strategy that `decode` means."""
        return self.decode

    @property
    def draws(self) -> bool:
        return self.strategy.draws

    @property
    def width(self) -> int:
        """Hypotheses a beam keeps."""
        if self.strategy_name == "stochastic":  # every text is a draw, so there are as many as asked for
            return self.beams or self.num_candidates
        return self.beams or max(DEFAULT_BEAMS, self.num_candidates)

    @property
    def penalized(self) -> bool:
        """Whether a penalty moves the search scores."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0

    @model_validator(mode="after")
    def _combination(self) -> Self:
        name, strategy = self.strategy_name, self.strategy
        for taken in sorted(self.model_fields_set):
            known = [name for name in takers(taken) if name in self.offered]
            if name not in known:
                raise OptionError(f"{{@{taken}}} needs {{@decode}} {' or '.join(known)}, not {name}")
        if not strategy.several and self.num_candidates > 1:
            raise OptionError(
                f"{{@decode}} {name} finds one text: {{@num_candidates}} 1, or {{@decode}} beam or sample"
            )
        if "beams" in strategy.options:
            self._check_beams()
        if self.min_new_tokens >= self.max_new_tokens:
            raise OptionError(
                f"{{@min_new_tokens}} {self.min_new_tokens} and the end symbol are more than "
                f"{{@max_new_tokens}} {self.max_new_tokens}"
            )
        if clash := [word for word in self.avoid if any(word in keyword for keyword in self.keyword)]:
            raise ValueError(f"{clash[0]} is both wanted and to be avoided")
        if self.one_of:
            self._check_one_of()
        return self

    def _check_one_of(self) -> None:
        """A list of texts leaves nothing to be kept out of them."""
        for name in ("keyword", "avoid", "no_repeat_ngram", "min_new_tokens"):
            if getattr(self, name):
                raise OptionError("{@one_of} and {option} exclude each other", option=option(name))

    def _check_beams(self) -> None:
        if self.width > MAX_BEAMS:
            raise OptionError(
                f"{{@num_candidates}} {self.num_candidates} is more than a beam can give ({MAX_BEAMS})"
            )
        if self.num_candidates > self.width:
            raise OptionError(
                f"{{@num_candidates}} {self.num_candidates} is more than {{@beams}} {self.width} can give"
            )
        if self.groups and self.width % self.groups:
            raise OptionError(f"{{@groups}} {self.groups} does not divide {{@beams}} {self.width}")


class ContinueOptions(DecodingOptions, StyledOptions):
    """What continuing a prompt takes.

    Attributes:
        end_at: `sentence` ends the text at the end of a sentence; `any` wherever it stops. None is
            `sentence` for strategies that write token by token, else `any`.
        rank: Draw every text several times and give the best: by `logprob`, the mean log-probability of a
            piece, or by `blend`, which adds how much its sentences tell about each other; see
            `textgen.backends.best_of`. `none` gives what is drawn.
        best_of: How often each text is drawn for that; None is 4.
    """

    # chosen by `benchmarks/sampling_table.py`: nearest to real text
    temperature: float = Field(0.9, ge=MIN_TEMPERATURE)
    top_p: float = Field(0.95, gt=0, le=1)
    end_at: Literal["any", "sentence"] | None = None
    rank: DrawRank = "none"
    best_of: int | None = Field(None, ge=2, le=MAX_DRAWS)

    @property
    def ends_at(self) -> Literal["any", "sentence"]:
        """Where a text may end."""
        return self.end_at or ("sentence" if self.strategy.stepwise else "any")

    @property
    def draws_each(self) -> int:
        """How often each text is drawn."""
        return 1 if self.rank == "none" else self.best_of or DRAWS

    @model_validator(mode="after")
    def _ranked_draws(self) -> Self:
        if self.best_of and self.rank == "none":
            raise OptionError("{@best_of} needs {@rank}: it says which of the draws is the best")
        if self.rank != "none" and self.decode != "sample":
            raise OptionError(f"{{@rank}} needs {{@decode}} sample, not {self.decode}")
        return self

    @model_validator(mode="after")
    def _sentence_end(self) -> Self:
        if self.end_at == "sentence" and not self.strategy.stepwise:
            known = " or ".join(name for name, strategy in STRATEGIES.items() if strategy.stepwise)
            raise OptionError(f"{{@end_at}} sentence needs {{@decode}} {known}, not {self.decode}")
        return self

    @model_validator(mode="after")
    def _guidable(self) -> Self:
        if self.guidance and self.decode == "contrastive":
            raise OptionError("{@guidance} leaves {@decode} contrastive no hidden states to compare")
        return self
