"""The record of a search strategy: all that is known of it outside its own module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from textgen.options.fields import OptionGroup
from textgen.plugins import resolved


@dataclass(frozen=True)
class Strategy:
    """A search strategy.

    Attributes:
        name: What `decode` calls it.
        description: A line of help.
        search: `module:function` of `search(model, batch, scoring, plan) -> list[list[Hypothesis]]`: for
            every source its texts, best first where they compare, else in the order drawn; see
            `textgen.decoding.plan`.
        choose: `module:function` of `choose(scoring, draws, options) -> Choose`, which picks the next token
            of every row; see `textgen.decoding.loop`, and `textgen.rng.Draws` for random numbers. Strategies
            that have it write token by token for good: their texts can be streamed and end at a sentence.
            They need no `search`.
        constrained: `module:function` of the search of texts with keywords, if it can do that.
        groups: Models of the options that it takes and not every strategy does.
        takes: Further options that not every strategy takes.
        view: What it needs of a model: next-token logits, hidden states with them, or both directions at
            once.
        width: Hypotheses of its beam by default, if it has one; there are never fewer than texts.
        draws: Whether it draws random numbers.
        several: Whether it finds several texts for a source.
        side_by_side: Whether its search can write in two directions at once, without their seeing each other:
            the batch then has two first tokens a source, the model two rows, and a text's `lane` says in
            which direction it was written.
    """

    name: str
    description: str
    search: str = "textgen.decoding.search.token_by_token:search"
    choose: str | None = None
    constrained: str | None = None
    groups: tuple[type[OptionGroup], ...] = ()
    takes: frozenset[str] = frozenset()
    view: Literal["next-token", "hidden", "two-way"] = "next-token"
    width: int | None = None
    draws: bool = False
    several: bool = True
    side_by_side: bool = False

    @cached_property
    def options(self) -> frozenset[str]:
        """The options that it takes and not every strategy does."""
        of_keywords = ("keyword", "keyword_file", "ordered") if self.constrained else ()
        return self.takes.union(of_keywords, *(group.model_fields for group in self.groups))

    @property
    def streamable(self) -> bool:
        """True if it writes token by token for good."""
        return self.choose is not None

    def searcher(self, *, constrained: bool = False) -> Any:
        """Its search, or that of texts with keywords; the module is imported now.

        Raises:
            ValueError: It takes no keywords.
        """
        target = self.constrained if constrained else self.search
        if target is None:
            raise ValueError(f"{self.name} takes no keywords")
        return resolved(target)

    def chooser(self) -> Any:
        """Its `choose`. Raises ValueError if it has none."""
        if self.choose is None:
            raise ValueError(f"{self.name} does not write token by token")
        return resolved(self.choose)
