"""The options of `correct`."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from textgen.messages import OptionError, option
from textgen.options.cgmh import DRAWING, CgmhOptions, SourceOptions
from textgen.options.fields import TARGET, NonNegative, Whole, changed, field


class CorrectOptions(SourceOptions):
    """The options of `correct`: the sentence as it was meant."""

    flawed: ClassVar[bool] = True

    steps: Whole = changed(
        CgmhOptions,
        "steps",
        0,
        "Edits per chain, from the best text that a few likely errors make of the sentence; 0: that text.",
    )
    repetition: float = changed(CgmhOptions, "repetition", 0.0)
    errors: NonNegative = field(
        1.0,
        "Weight of what the changes cost as errors: words that are often written wrong the least, then "
        "doubled and swapped characters, those of the same sound or a similar shape, missing ones.",
        TARGET,
    )
    evidence: NonNegative = field(
        1.0,
        "Weight of what {@proposals} makes of the changed places: log-probabilities of their tokens, less "
        "those of the sentence's.",
        TARGET,
    )
    explain: bool = changed(
        SourceOptions,
        "explain",
        False,
        "Show the kind of every error, and what is locked, and why.",
    )

    @model_validator(mode="after")
    def _sampled(self) -> Self:
        if not self.searching and not self.steps:
            raise OptionError("{@method} mh needs {@steps}: without any nothing is drawn")
        for name in ("chains", "anneal", *DRAWING):
            if not self.steps and name in self.model_fields_set:
                raise OptionError(
                    "{option} needs {@steps}: without any nothing is drawn", option=option(name)
                )
        return self

    @property
    def draws(self) -> bool:
        return self.steps > 0

    @property
    def parallel(self) -> int:
        # without steps, chains are nothing but the texts where they begin
        return super().parallel if self.steps else self.num_candidates
