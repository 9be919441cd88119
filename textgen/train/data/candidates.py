"""Candidates: what a title model writes for articles, ordered by character ROUGE-L against their titles.

They are learned from in two ways: by the model itself (`title-rank`), and by one that ranks (`title-scorer`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import Tensor
from torch.nn import functional

from textgen.backends.title.backend import TitleBackend
from textgen.backends.title.search import BOTH
from textgen.events import OnEvent
from textgen.metrics.overlap import rouge_l
from textgen.options.train_titles import CandidateTrainOptions
from textgen.schema import Row
from textgen.tokenizers.base import Tokenizer
from textgen.train.data.arrays import Arrays
from textgen.train.data.generated import with_generated

TOP_P = 0.95  # of the samples
DIGITS = 6  # of ROUGE-L: beyond them it is the same
UNIT = 10**DIGITS  # what an example keeps of it is counted in 1 / UNIT
NO_PLACE = -1  # in an order, of what is not there

Kept = Literal["ranks", "rouge"]


@dataclass(frozen=True)
class CandidateWriter:
    """The writer of candidates for articles.

    Args:
        backend: Writes them; its vocabulary may be another.
        tokenizer: Of the articles and titles, and of the candidates that are kept.
        options: How many, and of what kind.
    """

    backend: TitleBackend
    tokenizer: Tokenizer
    options: CandidateTrainOptions

    def add_to(
        self, arrays: Arrays, directory: Path, kept: Kept, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        """Examples of articles and titles with candidates.

        Args:
            arrays: Those without.
            directory: Where those with candidates are kept, and taken from.
            kept: What is kept of their order: `ranks`, places from 0 for the best, equal where ROUGE-L is;
                or `rouge`, in 1 / UNIT.
            stopped: Asked now and then.
            on_event: Told of progress.

        Returns:
            None where it was stopped before the end.
        """
        write = partial(self.columns, arrays, kept=kept)
        return with_generated(arrays, directory, ("candidates", kept), write, stopped, on_event)

    def columns(self, arrays: Arrays, numbers: Sequence[int], kept: Kept) -> list[dict[str, list[int]]]:
        """The candidates of examples, the best first, and their order; of too many, some from all over it."""
        articles = [self.tokenizer.decode(arrays.ids("source", number)) for number in numbers]
        found = []
        for number, texts in zip(numbers, self._candidates(numbers, articles), strict=True):
            title = self.tokenizer.decode(arrays.ids("target", number))
            # what another vocabulary has no token for is not compared, either
            texts = [*dict.fromkeys(self.tokenizer.decode(self.tokenizer.encode(text)) for text in texts)]
            scored = in_order(texts, title, self.options.candidates)
            rouge = [score for score, _ in scored]
            eos = self.tokenizer.specials.eos
            ids = [i for _, text in scored for i in (*self.tokenizer.encode(text), eos)]
            order = ranks(rouge) if kept == "ranks" else [round(score * UNIT) for score in rouge]
            found.append({"candidates": ids, kept: order})
        return found

    def _candidates(self, numbers: Sequence[int], articles: Sequence[str]) -> list[list[str]]:
        """Different titles that the model writes for articles."""
        options, found = self.options, [list[str]() for _ in articles]
        rows = [
            Row(text, name=str(number), id=str(number))
            for text, number in zip(articles, numbers, strict=True)
        ]
        common: dict[str, Any] = {"rank": "logprob", "keep_layout": True, "checks": False}
        common["max_new_tokens"] = options.title_length + 1
        searches: list[dict[str, Any]] = [
            {"decode": "beam", "num_candidates": options.beams, "beams": options.beams},
            {"decode": "sample", "num_candidates": options.samples, "top_p": TOP_P, "seed": options.seed},
        ]
        ways = BOTH[:1] if self.backend.one_way else BOTH
        for search in (search | {"direction": way} for search in searches for way in ways):
            if search["num_candidates"]:
                for texts, record in zip(found, self.backend.generate(rows, **common, **search), strict=True):
                    texts += [c.text for c in record.candidates if c.text not in texts]
        return found


def in_order(texts: Sequence[str], title: str, most: int) -> list[tuple[float, str]]:
    """Texts with their ROUGE-L, the best first; of too many, some from all over the order."""
    scored = sorted(((round(rouge_l(text, title), DIGITS), text) for text in texts), reverse=True)
    if len(scored) > most:
        scored = [scored[place * (len(scored) - 1) // (most - 1)] for place in range(most)]
    return scored


def ranks(scores: Sequence[float]) -> list[int]:
    """Places of scores in their order: 0 for the highest, equal for equal ones."""
    order = sorted(set(scores), reverse=True)
    return [order.index(score) for score in scores]


def split(ids: Sequence[int], end: int) -> list[list[int]]:
    """Texts that stand end to end, each with an end symbol."""
    found: list[list[int]] = [[]]
    for i in ids:
        if i == end:
            found.append([])
        else:
            found[-1].append(i)
    return found[:-1]


def before(places: Tensor) -> Tensor:
    """The pairs of an order, better before worse: `(…, texts, texts)` of places `(…, texts)`.

    True where the text of the row has a place before that of the column; a place of -1 is no text.
    """
    there = places >= 0
    return (places[..., :, None] < places[..., None, :]) & there[..., :, None] & there[..., None, :]


def ordering_loss(scores: Tensor, places: Tensor, margin: float) -> Tensor:
    """The distance of scores from an order: the mean over pairs of what the better lacks.

    The better of two should lead by `margin` for every place between them.

    Args:
        scores: `(…, texts)`.
        places: `(…, texts)`, 0 the best; -1 where there is no text.
        margin: Of two neighbours in the order.

    Returns:
        `(…)`; 0 where there is no pair.
    """
    pairs = before(places)
    gap = places[..., None, :] - places[..., :, None]
    lead = scores[..., :, None] - scores[..., None, :]
    lacking = functional.relu(margin * gap - lead).masked_fill(~pairs, 0.0)
    return lacking.sum((-2, -1)) / pairs.sum((-2, -1)).clamp(min=1)
