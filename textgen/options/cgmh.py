"""What the commands take that write by editing: compose, rewrite, correct, fill."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from textgen.messages import OptionError, option
from textgen.options.base import Keywords, Words
from textgen.options.chains import ChainOptions, Fall, Span
from textgen.options.decoding import MAX_KEYWORDS, MIN_TEMPERATURE

Weight = float
SEARCHERS = 4  # chains of a search


class CgmhOptions(ChainOptions):
    """What a chain of edits takes; its law is a sum of weighted terms, see `textgen.mcmc.cgmh.target`.

    Attributes:
        method: `mh` samples the law: a text is the last state of its chain. `anneal` searches for its
            maximum under falling temperatures: a text is the best state that a chain visited.
        steps: Edits of a chain.
        chains: Chains of a row, at least as many as texts. `anneal` takes the best texts of all (None is
            four, or one for each text if that is more); under `mh` (None is one for each text) the first
            give the texts, and all tell how well they agree. There, a chain whose last state may not be
            shown, as it lies outside the length, gives no text; others take its place, up to four times
            as many chains.
        anneal: Temperatures of `anneal`, such as `0.5:0.1` or `0.5:0.1:geometric`.
        length: Characters of a text, least and most, keywords included and white space not counted; None
            is the command's own rule.
        proposals: The model that proposes pieces: `bert` (from both sides), `title` (left and right, two
            directions), `gpt2` (from the left), or a directory of such a model.
        candidates: Weigh so many of the best proposals by the language model; 0 draws from the proposals.
        temperature: Divides the logits of the proposals.
        top_k: Draw only among so many proposals; 0 is all.
        epsilon: How often a piece is drawn without regard to its place, so that every text can be reached.
        power: Exponent of the language model's probability.
        length_reward: Added to log pi for every piece.
        length_weight: Taken from log pi for every character outside the length.
        repetition: Taken from log pi for every pair of neighbouring pieces that the text had before, or that
            are two marks.
    """

    method: Literal["mh", "anneal"] = "anneal"
    steps: int = Field(200, ge=1)
    anneal: Fall = (0.5, 0.1, "linear")
    length: Span | None = None
    proposals: str = Field("bert", min_length=1)
    candidates: int = Field(0, ge=0)
    temperature: float = Field(0.7, ge=MIN_TEMPERATURE)
    epsilon: float = Field(0.01, ge=0, lt=1)
    power: float = Field(1.0, ge=0)
    length_reward: float = 0.0
    length_weight: float = Field(5.0, gt=0)
    repetition: Weight = 3.0

    @property
    def parallel(self) -> int:
        """How many chains a row has."""
        return self.chains or max(self.num_candidates, SEARCHERS if self.searching else 1)

    @property
    def searching(self) -> bool:
        """Whether texts are the best states visited instead of the last."""
        return self.method == "anneal"

    @model_validator(mode="after")
    def _chain(self) -> Self:
        if self.length is not None:
            self._check_length(self.length)
        if self.parallel < self.num_candidates:
            raise OptionError(
                f"{{@chains}} {self.chains} is fewer than {{@num_candidates}} "
                f"{self.num_candidates}: a text needs its own chain"
            )
        if "anneal" in self.model_fields_set and not self.searching:
            raise OptionError(f"{{@anneal}} needs {{@method}} anneal, not {self.method}")
        self._check_fall()
        for name in ("temperature", "top_k"):
            if self.candidates and name in self.model_fields_set:
                raise OptionError(
                    "{option} and {@candidates} exclude each other: the best are weighed as they are",
                    option=option(name),
                )
        return self


class ComposeOptions(CgmhOptions):
    """Sentences around given words.

    Attributes:
        keyword: Words that every text must contain; a row's own come on top. A list is taken as it is, a
            string is split as a cell of a table is.
        ordered: They come in their order; else each chain draws an order, and swaps them.
        whole_words: Taken from log pi for every end of a keyword that lies inside a longer word (by jieba).
    """

    length: Span | None = (10, 24)
    keyword: Keywords = Field((), max_length=MAX_KEYWORDS)
    ordered: bool = False
    whole_words: Weight = 2.0
    length_reward: float = 2.0


class NearOptions(CgmhOptions):
    """Texts like a given one.

    Attributes:
        keep: Parts of the given text that may not change, wherever they occur in it.
        similarity: Weight of the cosine of both texts' embeddings.
        distance: Taken from log pi for every edit that lies between both texts.
    """

    keep: Words = Field((), max_length=MAX_KEYWORDS)
    similarity: Weight = 0.0
    distance: Weight = 0.0


class RewriteOptions(NearOptions):
    """Other words for the same thing.

    Attributes:
        length: None is three to five quarters of the sentence's.
        changes: Share of the sentence's pieces that should be edited.
        change_weight: Taken from log pi for every edit that is missing to that.
        content: Taken from log pi for every content word of the sentence that the text lacks.
        shared: Weight of the share of pieces that the text has in common with the sentence; below 0 other
            words are wanted.
    """

    anneal: Fall = (1.0, 0.1, "linear")  # it starts at a text that is hard to leave
    length_reward: float = 2.0
    similarity: Weight = 100.0
    changes: float = Field(0.3, ge=0, le=1)
    change_weight: Weight = 4.0
    content: Weight = 2.0
    shared: Weight = 0.0


class CorrectOptions(NearOptions):
    """The sentence as it was meant.

    Attributes:
        length: None leaves it free.
    """

    length_reward: float = 3.0  # what a piece costs the language model: leaving one out gains nothing
    repetition: Weight = 0.0
    distance: Weight = 6.0
    similarity: Weight = 40.0


class FillOptions(CgmhOptions):
    """Blanks of unknown length.

    Attributes:
        length: Characters of each blank, least and most.
    """

    length: Span | None = (1, 8)
    length_reward: float = 2.0
