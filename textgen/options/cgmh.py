"""The options of the commands that write by editing: compose, rewrite, correct, fill."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, field_validator, model_validator

from textgen.commands import SIMILARITY
from textgen.messages import OptionError, option
from textgen.options.base import Keywords, StyleOptions, Texts, Words, needs, words_of
from textgen.options.chains import ChainOptions, Fall, Span
from textgen.options.decoding import MAX_KEYWORDS, DecodingOptions
from textgen.options.fields import (
    BAR,
    CHAIN,
    CONTENT,
    TARGET,
    Count,
    Fraction,
    NonNegative,
    Positive,
    Share,
    Whole,
    changed,
    field,
    shown,
)
from textgen.text.facts.fact import KINDS, Kind

ALL = "all"
Free = Annotated[tuple[str, ...], BeforeValidator(words_of)]
SEARCHERS = 4  # chains of a search


class CgmhOptions(ChainOptions):
    """The options of chains of edits; their target is a sum of terms, see `textgen.mcmc.cgmh.target`."""

    method: Literal["mh", "anneal"] = field(
        "anneal",
        "mh samples the distribution: a text is the last state of its chain. anneal searches for its "
        "maximum: a text is the best state that a chain visited.",
        CHAIN,
    )
    steps: Count = field(200, "Edits per chain.", CHAIN)
    chains: int | None = changed(
        ChainOptions,
        "chains",
        None,
        f"Chains a row. anneal takes the best texts of all (default {SEARCHERS}, or one for each text if "
        "that is more). Under mh (default one for each text) the first give the texts, and all tell how "
        f"well they agree; where the last state of one lies outside {{@length}}, others take its place, up "
        "to four times as many.",
    )
    anneal: Fall = changed(ChainOptions, "anneal", (0.5, 0.1, "linear"))
    length: Span | None = field(
        None,
        "Number of characters of a text, such as 16 or 10-24; white space does not count.",
        TARGET,
        metavar="MIN-MAX",
    )
    proposals: str = field(
        "bert",
        "Model that proposes tokens: bert (from both sides), title (from the left "
        "and the right), gpt2 (from the left), or a directory.",
        CHAIN,
        metavar="MODEL",
        min_length=1,
    )
    candidates: Whole = field(
        0,
        "Weight this many of the best proposals by the language model; 0: draw one without weighting.",
        CHAIN,
    )
    temperature: float = changed(ChainOptions, "temperature", 0.7)
    epsilon: Fraction = field(
        0.01,
        "Probability of proposing from the unigram distribution, which makes every text reachable.",
        CHAIN,
    )
    power: NonNegative = field(1.0, "Exponent of the language model's probability.", TARGET)
    length_reward: float = field(0.0, "Added to log pi for every token.", TARGET)
    length_weight: Positive = field(
        5.0, "Cost of each character outside {@length}, subtracted from log pi.", TARGET
    )
    repetition: float = field(
        3.0,
        "Cost of each pair of neighbouring tokens that occurred before or consists of two punctuation marks.",
        TARGET,
    )

    @property
    def parallel(self) -> int:
        """Chains of a row."""
        return self.chains or max(self.num_candidates, SEARCHERS if self.searching else 1)

    @property
    def searching(self) -> bool:
        """True if texts are the best states visited instead of the last."""
        return self.method == "anneal"

    @model_validator(mode="after")
    def _chain(self) -> Self:
        if self.parallel < self.num_candidates:
            raise OptionError(
                "{@chains} {chains} is below {@num_candidates} {num_candidates}: each text needs a chain",
                **vars(self),
            )
        if "anneal" in self.model_fields_set and not self.searching:
            raise needs("anneal", self, "method", ["anneal"], self.method)
        for name in ("temperature", "top_k"):
            if self.candidates and name in self.model_fields_set:
                raise OptionError(
                    "{option} and {@candidates} exclude each other: the best are weighed as they are",
                    option=option(name),
                )
        return self

    @property
    def models(self) -> dict[str, str]:
        """The model that proposes tokens, and that which compares texts."""
        return {"proposals": self.proposals, "similarity": SIMILARITY}


# read before every text of `compose`, so that it writes such: a model alone begins answers and lists
PLAIN = (
    "小明每天早上七点半去上学。",
    "外面很冷，你多穿一件衣服再走吧。",
    "爷爷坐在门口，笑着给我们讲故事。",
    "他病了，所以没有参加昨天的考试。",
    "这个房间又小又暗，但是房租不贵。",
    "吃完晚饭以后，他们一起去河边散步。",
    "妹妹把杯子打破了，心里很害怕。",
    "那家饭馆的菜很好吃，价钱也公道。",
    "我从来没有见过这么大的西瓜。",
    "飞机晚点了，旅客们只好在机场等着。",
    "这个问题很复杂，一时说不清楚。",
    "奶奶的耳朵不好，你说话大声一点儿。",
    "工人们正在修路，汽车过不去。",
    "只要坚持练习，你的汉字就会写得漂亮。",
    "船慢慢地离开了码头，越走越远。",
    "公司今年招了十几个年轻人。",
    "叔叔在银行工作，每天都很忙。",
    "要是明天有风，我们就去山上放风筝。",
)


class ComposeOptions(CgmhOptions, StyleOptions):
    """The options of `compose`: sentences around given words."""

    length: Span | None = changed(CgmhOptions, "length", (6, 24))
    steps: Count = changed(CgmhOptions, "steps", 100)
    # a search begins at sentences, and is not to leave them for the stock phrases of its model
    anneal: Fall = changed(ChainOptions, "anneal", (0.3, 0.1, "linear"))
    like: Texts = field(
        PLAIN,
        "Sentence of the kind that is wanted, which the language model reads before each text (default: a "
        "few plain ones). May be given several times.",
        TARGET,
        max_length=32,
    )
    keyword: Keywords = changed(DecodingOptions, "keyword", ())
    ordered: bool = field(
        False, "Words come in their order; otherwise others are tried, too, and chains swap words.", CONTENT
    )
    whole_words: float = field(
        2.0, "Cost of each end of a keyword that lies inside a longer word (by jieba).", TARGET
    )
    length_reward: float = changed(CgmhOptions, "length_reward", 2.0)


DRAWING = ("temperature", "top_k", "epsilon", "candidates")  # how tokens are drawn


class SourceOptions(CgmhOptions):
    """The options of editing a given text."""

    facts: ClassVar[tuple[Kind, ...]] = KINDS  # the kinds that are locked unless they are freed
    flawed: ClassVar[bool] = False  # whether the text may have errors

    keep: Words = field(
        (), "Part of the text that may not change, wherever it occurs.", CONTENT, max_length=MAX_KEYWORDS
    )
    keep_file: Texts = field(
        (), "Lock the lines of this file, too, wherever they occur in a text.", CONTENT, metavar="FILE"
    )
    free: Free = field(
        (), "Unlock a kind of facts; they are locked otherwise. May be given several times.", CONTENT
    )
    explain: bool = field(False, "Show what of the text is locked, and why.")
    similarity: float = field(0.0, "Weight of the cosine similarity of the texts' embeddings.", TARGET)
    distance: float = field(0.0, "Cost of each edit between the two texts.", TARGET)

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        """The values that an option can have, where help lists them."""
        return (*cls.facts, ALL) if name == "free" else ()

    @property
    def locked(self) -> tuple[Kind, ...]:
        """The kinds of facts that may not change."""
        return () if ALL in self.free else tuple(kind for kind in self.facts if kind not in self.free)

    @field_validator("free")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if not set(kinds) <= set(cls.choices("free")):
            raise OptionError(
                "should be one of {known}",
                known=", ".join(cls.choices("free")),
            )
        return kinds


class RewriteOptions(SourceOptions):
    """The options of `rewrite`: other words for the same thing."""

    length: Span | None = changed(
        CgmhOptions,
        "length",
        None,
        "Characters of the text, white space not counted (default three to five quarters of the sentence's).",
    )
    # it starts at a text that is hard to leave
    anneal: Fall = changed(CgmhOptions, "anneal", (1.0, 0.1, "linear"))
    steps: Count = changed(CgmhOptions, "steps", 100)
    length_reward: float = changed(CgmhOptions, "length_reward", 2.0)
    similarity: float = changed(SourceOptions, "similarity", 60.0)
    paraphrase: Share = field(
        1.0,
        "Probability that a step is a paraphrase: a word exchanged for one that means the same, or another "
        "form of the sentence. The other steps edit tokens.",
        CHAIN,
    )
    changes: Share = field(0.2, "Share of the tokens that should be edited.", TARGET)
    change_weight: float = field(6.0, "Cost of each edit short of {@changes}.", TARGET)
    content: float = field(0.0, "Cost of each content word that is lost.", TARGET)
    shared: float = field(
        0.0,
        "Weight of the share of tokens in common with the sentence; negative values ask for other words.",
        TARGET,
    )
    least_similarity: Share = field(
        0.85, "Leave out texts whose embedding has a lower cosine with the sentence's.", BAR
    )
    fluency_loss: NonNegative = field(
        0.5, "Leave out texts whose mean log-probability is lower than the sentence's by more than this.", BAR
    )
    checks: bool = field(
        True,
        "Leave out texts with facts that the sentence lacks, or that fail an editor's check that it passes.",
        BAR,
    )
    or_source: bool = field(False, "If no text is good enough, give the sentence as it is, with a note.", BAR)

    @model_validator(mode="after")
    def _draws_tokens(self) -> Self:
        if self.paraphrase == 1 and (unused := [name for name in DRAWING if name in self.model_fields_set]):
            template = "{option} needs {@paraphrase} below 1: no token is drawn in a paraphrase"
            raise OptionError(template, option=option(unused[0]))
        return self


SEARCH = "search"


class FillOptions(CgmhOptions):
    """The options of `fill`: blanks of unknown length."""

    method: Literal["search", "mh", "anneal"] = field(  # type: ignore[assignment]
        SEARCH,
        "search ranks what may stand in the blanks by the whole text. mh and anneal run chains, as of "
        "compose: mh samples the distribution, anneal looks for its maximum (default search; anneal where an "
        "option of chains is set).",
        CHAIN,
    )
    choices: Keywords = field(
        (), "Rank these texts for the one blank, such as 虽然,因为,如果.", CONTENT, max_length=MAX_KEYWORDS
    )
    length: Span | None = changed(
        CgmhOptions, "length", (1, 8), "Characters of each blank, white space not counted; each □ is one."
    )
    length_reward: float = changed(CgmhOptions, "length_reward", 2.0)

    @property
    def parallel(self) -> int:
        return super().parallel if self.method != SEARCH else self.num_candidates

    @property
    def draws(self) -> bool:
        return self.method != SEARCH and not self.choices

    @model_validator(mode="before")
    @classmethod
    def _chains_if_asked_for(cls, given: Any) -> Any:
        settled = not isinstance(given, dict) or "method" in given or "choices" in given
        return (
            given if settled or not any(name in given for name in OF_CHAINS) else given | {"method": "anneal"}
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set
        if self.choices:
            if len(set(self.choices)) < 2:
                raise OptionError("there is nothing to choose from: give at least two")
            if unused := [name for name in ("method", "length", *OF_CHAINS) if name in given]:
                raise OptionError("{@choices} and {option} exclude each other", option=option(unused[0]))
        if self.method == SEARCH and (chains := [name for name in OF_CHAINS if name in given]):
            raise needs(chains[0], self, "method", ["mh", "anneal"], self.method)
        return self


# what only chains know
OF_CHAINS = tuple(
    name
    for name, info in CgmhOptions.model_fields.items()
    if shown(info, "panel") in (CHAIN, TARGET) and name not in ("method", "length", "proposals")
)
