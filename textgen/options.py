"""The options model: flags, TOML files and keyword arguments are views of it.

One class a backend; what a backend cannot use is not among its fields and is refused, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from textgen.errors import UsageError

SAMPLING_ONLY = ("temperature", "top_k", "top_p", "min_p", "typical_p")
BEAM_ONLY = ("beams", "length_penalty")
DEFAULT_BEAMS = 4
MAX_BEAMS = 256
MIN_TEMPERATURE = 1e-4  # less overflows float32 logits; greedy is the limit


def _span(value: object) -> object:
    """Read `12-24`, `16` or a pair as (least, most)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, str):
        least, dash, most = value.partition("-")
        if not least.strip().isdecimal() or (dash and not most.strip().isdecimal()):
            raise ValueError("must be a length such as 16 or a range such as 12-24")
        return int(least), int(most) if dash else int(least)
    return tuple(value) if isinstance(value, list) else value


Span = Annotated[tuple[int, int], BeforeValidator(_span)]


class Options(BaseModel):
    """What every backend takes.

    Attributes:
        num_candidates: How many texts a row.
        seed: Seed of all random numbers; None draws a fresh one where any are drawn.
        batch_size: Rows computed together; it changes the speed, not the texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    num_candidates: int = Field(1, ge=1, le=10_000)
    seed: int | None = Field(None, ge=0, lt=2**63)
    batch_size: int = Field(16, ge=1, le=4096)

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn."""
        return True


class DecodingOptions(Options):
    """What a backend that writes token by token takes.

    Attributes:
        decode: `greedy`, `sample` or `beam`.
        max_new_tokens: Most pieces to write, the end symbol included.
        beams: Hypotheses kept by the beam; None is 4, or `num_candidates` if that is more.
        length_penalty: Exponent a of the beam's score, log-probability / tokens^a.
        temperature: Divides the logits before sampling.
        top_k: Keep the k most probable pieces; 0 keeps all.
        top_p: Keep the smallest set of mass p.
        min_p: Keep pieces at least this share as probable as the best.
        typical_p: Keep the smallest set of mass p nearest to the entropy (locally typical sampling).
        repetition_penalty: Divides (or multiplies, if negative) the logits of pieces already there.
        no_repeat_ngram: Forbid a second occurrence of any run of so many pieces; 0 forbids none.
    """

    decode: Literal["greedy", "sample", "beam"] = "sample"
    max_new_tokens: int = Field(120, ge=1)
    beams: int | None = Field(None, ge=1, le=MAX_BEAMS)
    length_penalty: float = Field(1.0, ge=-10, le=10)
    temperature: float = Field(1.0, ge=MIN_TEMPERATURE)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    min_p: float = Field(0.0, ge=0, le=1)
    typical_p: float = Field(1.0, gt=0, le=1)
    repetition_penalty: float = Field(1.0, ge=0.01, le=100)
    no_repeat_ngram: int = Field(0, ge=0)

    @property
    def draws(self) -> bool:
        return self.decode == "sample"

    @property
    def width(self) -> int:
        """Hypotheses the beam keeps."""
        return self.beams or max(DEFAULT_BEAMS, self.num_candidates)

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if self.decode != "sample":
            self._refuse(SAMPLING_ONLY, "sample")
        if self.decode != "beam":
            self._refuse(BEAM_ONLY, "beam")
        if self.decode == "greedy" and self.num_candidates > 1:
            raise ValueError("--decode greedy finds one text: -n 1, or --decode beam or sample")
        if self.decode == "beam" and self.width > MAX_BEAMS:
            raise ValueError(f"-n {self.num_candidates} is more than a beam can give ({MAX_BEAMS})")
        if self.decode == "beam" and self.num_candidates > self.width:
            raise ValueError(f"-n {self.num_candidates} is more than --beams {self.width} can give")
        return self

    def _refuse(self, names: tuple[str, ...], decode: str) -> None:
        for name in names:
            if name in self.model_fields_set:
                raise ValueError(f"{flag(name)} needs --decode {decode}, not {self.decode}")


class TitleOptions(DecodingOptions):
    """What title generation takes.

    Attributes:
        direction: Write the title left to right or right to left.
        long: What to feed in of an article longer than the model reads; see `textgen.text.fit`.
        skip_first_line: The article begins with its headline: leave it out.
        keep_layout: Feed the text as it stands, without the default cleaning.
    """

    decode: Literal["greedy", "sample", "beam"] = "beam"
    max_new_tokens: int = Field(46, ge=1)
    direction: Literal["l2r", "r2l"] = "l2r"
    long: Literal["head", "head-tail", "lead", "chunk"] = "head"
    skip_first_line: bool = False
    keep_layout: bool = False


class ContinueOptions(DecodingOptions):
    """What continuing a prompt takes.

    Attributes:
        end_at: `sentence` ends the text at the end of a sentence; `any` wherever it stops.
    """

    top_p: float = Field(0.95, gt=0, le=1)
    end_at: Literal["any", "sentence"] = "any"

    @model_validator(mode="after")
    def _beam_end(self) -> Self:
        if self.decode == "beam" and self.end_at == "sentence":
            raise ValueError("--end-at sentence needs --decode sample or greedy, not beam")
        return self


class GibbsOptions(Options):
    """What sampling from a masked model takes.

    Attributes:
        length: Pieces of a free sample, least and most; each chain draws its own.
        sweeps: Sweeps of a chain; one sweep is as many updates as there are free places.
        burn_in: Sweeps left out at the start; None is a third of the sweeps.
        thin: Keep every so many sweeps after that.
    """

    length: Span = (12, 24)
    sweeps: int = Field(20, ge=1)
    burn_in: int | None = Field(None, ge=0)
    thin: int = Field(1, ge=1)

    @property
    def burnt(self) -> int:
        """Sweeps left out at the start of a chain."""
        return self.sweeps // 3 if self.burn_in is None else self.burn_in

    @model_validator(mode="after")
    def _combination(self) -> Self:
        if not 1 <= self.length[0] <= self.length[1]:
            raise ValueError(f"--length {self.length[0]}-{self.length[1]} is not a range of lengths")
        if self.burnt + self.thin > self.sweeps:
            raise ValueError(
                f"--burn-in {self.burnt} and --thin {self.thin} leave nothing of --sweeps {self.sweeps}"
            )
        return self


O = TypeVar("O", bound=Options)  # noqa: E741
FLAGS = {"num_candidates": "-n", "length": "--length"}


def flag(name: str) -> str:
    """How the command line spells an option."""
    return FLAGS.get(name, "--" + name.replace("_", "-"))


def parse(kind: type[O], given: dict[str, Any], *, user: str = "this model") -> O:
    """Validate options.

    Args:
        kind: The backend's options class.
        given: What the user set, by field name.
        user: Who would use them, for the message about one that does not apply.

    Raises:
        UsageError: An unknown option, a value out of range, or options that exclude each other; one
            line that names the flag.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _usage_error(error, kind, user) from None


def _usage_error(error: ValidationError, kind: type[Options], user: str) -> UsageError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        known = ", ".join(flag(field) for field in kind.model_fields)
        return UsageError(f"{flag(name)} does not apply to {user}", hint=f"it takes {known}")
    reason = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if not name:
        return UsageError(reason, hint="see --help for what goes together")
    value = " ".join(str(first["input"]).split())  # a value from a file may have several lines
    return UsageError(f"{flag(name)} {value}: {reason}", hint=f"see --help for {flag(name)}")
