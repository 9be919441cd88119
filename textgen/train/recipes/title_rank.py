"""Titles whose probabilities order the model's own candidates as ROUGE does.

Liu et al. 2022, BRIO, https://arxiv.org/abs/2203.16804: a model that has learned titles word by word knows
nothing of how its mistakes compare. So it writes candidates for every article, both ways, by beams and by
samples; they are ordered by character ROUGE-L against the title; and a margin loss asks that their
length-normalised log-probabilities keep that order, beside the cross entropy of the title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from textgen.backends.title.backend import TitleBackend
from textgen.events import OnEvent
from textgen.models.families import ROFORMER_TITLE, UNILM
from textgen.models.padding import padded
from textgen.options.train_titles import TitleRankTrainOptions
from textgen.store.load import load_model
from textgen.train.data.arrays import Arrays
from textgen.train.data.candidates import CandidateWriter, ordering_loss, split
from textgen.train.objectives.loss import NO_TARGET, Prediction
from textgen.train.recipes.pairs import Pairs
from textgen.train.recipes.title import UniLMRecipe

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
    starts: ClassVar = (UNILM, ROFORMER_TITLE)

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        writing = CandidateWriter(TitleBackend(load_model(self.files)), self.tokenizer, self.options)
        return writing.add_to(arrays, directory, "ranks", stopped, on_event)

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> Ranked:
        gold = super().batch(arrays, examples, epoch)
        ranks = [arrays.ids("ranks", example) for example in examples]
        most = max(map(len, ranks))
        inputs, targets = list[list[int]](), list[list[int]]()
        for row, example in enumerate(examples):
            inputs += gold.inputs[row].tolist()
            targets += gold.targets[row].tolist()
            texts = split(arrays.ids("candidates", example), self.tokenizer.specials.eos)
            for text in [*texts, *[None] * (most - len(texts))]:
                for way, first in enumerate((self.tokenizer.specials.l2r, self.tokenizer.specials.r2l)):
                    target = [] if text is None else self.target(text, backwards=bool(way))
                    inputs.append([first, *target[:-1]])
                    targets.append(target)
        lines = self.padded(gold.sources, inputs, targets)
        return Ranked(*lines, ranks=padded(ranks, most, filler=NO_TARGET))

    def places(self, batch: Ranked) -> int:  # type: ignore[override]
        return len(batch.sources)

    def loss(  # type: ignore[override]
        self, network: Any, batch: Ranked, smoothing: float = 0.0
    ) -> tuple[Tensor, Prediction]:
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
        misorder = ordering_loss(by_way, batch.ranks[:, None], self.options.margin).mean(1)
        if smoothing:
            uniform = -prediction.logits.log_softmax(-1).mean(-1)
            rows = titles.nonzero()[:, 0]
            smooth = torch.zeros_like(entropy).index_add(0, rows, uniform) / lengths[:, :WAYS].sum(1)
            entropy = (1 - smoothing) * entropy + smoothing * smooth
        return (entropy + self.options.margin_weight * misorder).sum(), prediction
