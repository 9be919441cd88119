"""The record of a metric, and what a metric is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from textgen.metrics.statistics import Statistics


@dataclass(frozen=True)
class Evaluated:
    """Texts and what they are held against; all sequences have one entry a row.

    Attributes:
        texts: The texts; empty where a row has no prediction.
        references: What they should have been; empty where there is no reference.
        sources: What they were written from; None where that is not known.
        keywords: What they should contain.
        rouge_variant: Whose ROUGE is asked for; see `textgen.metrics.overlap`.
        segment: What splits texts into the units of ROUGE: `char` or `jieba`.
    """

    texts: Sequence[str]
    references: Sequence[str] = ()
    sources: Sequence[str | None] = ()
    keywords: Sequence[tuple[str, ...]] = ()
    rouge_variant: Literal["google", "set"] = "google"
    segment: str = "char"

    @property
    def has(self) -> frozenset[str]:
        """The kinds of values there are; see `Metric.needs`."""
        known = {
            "texts": True,
            "reference": bool(self.references),
            "source": any(source is not None for source in self.sources),
            "keywords": any(self.keywords),
        }
        return frozenset(name for name, there in known.items() if there)


@dataclass(frozen=True)
class Metric:
    """A metric, or several that are computed together.

    Attributes:
        name: What reports call it.
        compute: Its statistics of every row, from which values and intervals follow.
        needs: What it is held against; it is left out where no row has that.
    """

    name: str
    compute: Callable[[Evaluated], Statistics | Sequence[Statistics]]
    needs: Literal["texts", "reference", "source", "keywords"] = "texts"
