"""Titles whose probabilities order the model's own candidates as ROUGE does.

Liu et al. 2022, BRIO, https://arxiv.org/abs/2203.16804: a model that has learned titles word by word knows
nothing of how its mistakes compare. So it writes candidates for every article, both ways, by beams and by
samples; they are ordered by character ROUGE-L against the title; and a margin loss asks that their
length-normalised log-probabilities keep that order, beside the cross entropy of the title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from textgen.backends.title import TitleBackend
from textgen.events import OnEvent
from textgen.metrics.overlap import rouge_l
from textgen.models.load import load_model
from textgen.options.train import TitleRankTrainOptions
from textgen.schema import Row
from textgen.train.arrays import Arrays, Example
from textgen.train.generated import with_generated
from textgen.train.objective import Prediction
from textgen.train.pairs import NO_TARGET, Pairs
from textgen.train.recipes.title import UniLMRecipe

TOP_P = 0.95  # of the samples
WAYS = 2


@dataclass(frozen=True)
class Ranked(Pairs):
    """A batch of articles with titles and candidates: lines of `inputs` and `targets` are ways of texts.

    The first two lines of an article are its title left to right and right to left, then follow those of
    its candidates; articles with fewer have empty lines.

    Attributes:
        ranks: `(rows, candidates)`, places in the order, 0 the best, equal where ROUGE is; -1 for none.
    """

    ranks: Tensor


class TitleRankRecipe(UniLMRecipe[TitleRankTrainOptions]):
    """A stage after `title`."""

    name: ClassVar = "title-rank"
    options_class: ClassVar = TitleRankTrainOptions
    starts: ClassVar = ("title",)

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        backend = TitleBackend(load_model(self.files))

        def write(examples: Sequence[int]) -> list[Example]:
            articles = [self.tokenizer.decode(arrays.ids("source", example)) for example in examples]
            titles = [self.tokenizer.decode(arrays.ids("target", example)) for example in examples]
            found = self._candidates(backend, examples, articles)
            return [
                self._ranked(arrays, example, title, texts)
                for example, title, texts in zip(examples, titles, found, strict=True)
            ]

        columns = ("source", "target", "candidates", "ranks")
        return with_generated(
            arrays, directory, columns, ("source",), write, stopped=stopped, on_event=on_event
        )

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Ranked:
        gold = super().batch(arrays, examples, epoch)
        ranks = [arrays.ids("ranks", example) for example in examples]
        most = max(map(len, ranks))
        inputs, targets = list[list[int]](), list[list[int]]()
        for row, example in enumerate(examples):
            inputs += gold.inputs[row].tolist()
            targets += gold.targets[row].tolist()
            texts = _split(arrays.ids("candidates", example), self.tokenizer.specials.eos)
            for text in [*texts, *[None] * (most - len(texts))]:
                for way, first in enumerate((self.tokenizer.specials.l2r, self.tokenizer.specials.r2l)):
                    told = [] if text is None else self.told(text, backwards=bool(way))
                    inputs.append([first, *told[:-1]])
                    targets.append(told)
        padded = torch.tensor([[*row, *[NO_TARGET] * (most - len(row))] for row in ranks])
        return Ranked(*self.padded(gold.sources, inputs, targets), ranks=padded)

    def places(self, batch: Ranked) -> int:  # type: ignore[override]
        return len(batch.sources)

    def loss(self, network: Any, batch: Ranked) -> tuple[Tensor, Prediction]:  # type: ignore[override]
        logits = self.logits(network, batch).float()
        known = batch.targets != NO_TARGET
        logprobs = logits.log_softmax(-1).gather(-1, batch.targets.clamp(min=0)[..., None])[..., 0]
        logprobs = logprobs.masked_fill(~known, 0.0)
        lengths = known.sum(-1).clamp(min=1)
        titles = known[:, :WAYS]
        prediction = Prediction(logits[:, :WAYS][titles], batch.targets[:, :WAYS][titles])
        # every article counts the same, so the parts of a step add up
        entropy = -(logprobs[:, :WAYS].sum((1, 2)) / lengths[:, :WAYS].sum(1))
        scores = logprobs[:, WAYS:].sum(-1) / lengths[:, WAYS:] ** self.options.length_exponent
        by_way = scores.view(len(scores), -1, WAYS).transpose(1, 2)
        misorder = out_of_order(by_way, batch.ranks[:, None], self.options.margin).mean(1)
        if self.options.label_smoothing:
            uniform = -prediction.logits.log_softmax(-1).mean(-1)
            rows = titles.nonzero()[:, 0]
            smooth = torch.zeros_like(entropy).index_add(0, rows, uniform) / lengths[:, :WAYS].sum(1)
            entropy = (1 - self.options.label_smoothing) * entropy + self.options.label_smoothing * smooth
        return (entropy + self.options.margin_weight * misorder).sum(), prediction

    def plain_loss(self, network: Any, batch: Ranked) -> Tensor:  # type: ignore[override]
        return self.loss(network, batch)[0]

    def _candidates(
        self, backend: TitleBackend, examples: Sequence[int], articles: Sequence[str]
    ) -> list[list[str]]:
        """Different titles that the model writes for articles."""
        options, found = self.options, [list[str]() for _ in articles]
        rows = [
            Row(text, name=str(example), id=str(example))
            for text, example in zip(articles, examples, strict=True)
        ]
        common: dict[str, Any] = {"rank": "logprob", "keep_layout": True}
        common["max_new_tokens"] = options.title_length + 1
        searches: list[dict[str, Any]] = [
            {"decode": "beam", "num_candidates": options.beams, "beams": options.beams},
            {"decode": "sample", "num_candidates": options.samples, "top_p": TOP_P, "seed": options.seed},
        ]
        for search in (search | {"direction": way} for search in searches for way in ("l2r", "r2l")):
            if search["num_candidates"]:
                for texts, record in zip(found, backend.generate(rows, **common, **search), strict=True):
                    texts += [c.text for c in record.candidates if c.text not in texts]
        return found

    def _ranked(self, arrays: Arrays, example: int, title: str, texts: list[str]) -> Example:
        """An example with its candidates in order; of too many, some from all over it."""
        scored = sorted(((round(rouge_l(text, title), 6), text) for text in texts), reverse=True)
        most = self.options.candidates
        if len(scored) > most:
            scored = [scored[place * (len(scored) - 1) // (most - 1)] for place in range(most)]
        ids, ranks = list[int](), list[int]()
        for rank, (_, same) in enumerate(groupby(scored, key=lambda item: item[0])):
            for _, text in same:
                ids += [*self.tokenizer.encode(text), self.tokenizer.specials.eos]
                ranks.append(rank)
        columns = {name: arrays.ids(name, example) for name in ("source", "target")}
        number = {"source": arrays.number("source", example)}
        return Example(columns | {"candidates": ids, "ranks": ranks}, number)


def out_of_order(scores: Tensor, ranks: Tensor, margin: float) -> Tensor:
    """How far scores are from keeping an order: the mean over pairs of what the better lacks.

    The better of two should lead by `margin` for every place between them.

    Args:
        scores: `(…, texts)`.
        ranks: `(…, texts)`, 0 the best; -1 where there is no text.
        margin: Of two neighbours in the order.

    Returns:
        `(…)`; 0 where there is no pair.
    """
    gap = ranks[..., None, :] - ranks[..., :, None]
    pairs = (gap > 0) & (ranks[..., None, :] >= 0) & (ranks[..., :, None] >= 0)
    lead = scores[..., :, None] - scores[..., None, :]
    lacking = functional.relu(margin * gap - lead).masked_fill(~pairs, 0.0)
    return lacking.sum((-2, -1)) / pairs.sum((-2, -1)).clamp(min=1)


def _split(ids: Sequence[int], end: int) -> list[list[int]]:
    """Texts that stand end to end, each with an end symbol."""
    found: list[list[int]] = [[]]
    for i in ids:
        if i == end:
            found.append([])
        else:
            found[-1].append(i)
    return found[:-1]
