"""A BERT that ranks the titles which a title model writes.

A model that ranks need not be the one that writes: Liu & Liu 2021, SimCLS, https://arxiv.org/abs/2106.01890;
with article and title read together, as here: Ravaut et al. 2022, SummaReranker,
https://arxiv.org/abs/2203.06569. The title model, whose vocabulary may be another, writes candidates for
every article in the directions that it has, by beams and by samples; they are ordered by character ROUGE-L
against the title; and the scores are to keep that order: by a margin for each place in it, or as a
distribution (ListNet; Cao et al. 2007, https://doi.org/10.1145/1273496.1273513).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from textgen.backends.registry import task_of
from textgen.backends.title.backend import TitleBackend
from textgen.errors import UsageError
from textgen.events import OnEvent
from textgen.messages import with_article
from textgen.models.adapters.masked import MaskedAdapter
from textgen.models.families import BERT, TITLE_SCORER, UNILM
from textgen.models.families.bert import Bert
from textgen.models.families.pretrained import MASKED
from textgen.models.families.title_scorer import TitleScorer, joint_input, padded_inputs
from textgen.models.families.unilm import UniLM
from textgen.models.padding import padded
from textgen.models.views import FRAME
from textgen.options.train_titles import TitleScorerTrainOptions
from textgen.store.catalog import ModelFiles, find_model
from textgen.store.load import load_model, tokenizer_of
from textgen.train.data.arrays import Arrays
from textgen.train.data.candidates import NO_PLACE, UNIT, CandidateWriter, before, ordering_loss, ranks, split
from textgen.train.objectives.loss import Prediction
from textgen.train.recipes.initial_model import check_length, find_initial_model
from textgen.train.recipes.masked_start import as_bert, check_held, unheld
from textgen.train.recipes.pairs import TitledRecipe
from textgen.train.recipes.title import rows_of, source_length_beside, with_token_types


@dataclass(frozen=True)
class CandidateBatch:
    """A batch of articles, each with candidates that compete.

    Attributes:
        read: What `TitleScorer` takes, a row for every candidate: those of the first article, then on.
        places: `(articles, candidates)`, places in the order, 0 the best, equal where ROUGE is; -1 for none.
        rouge: `(articles, candidates)`, 0 to 1.
    """

    read: tuple[Tensor, Tensor, Tensor]
    places: Tensor
    rouge: Tensor


class TitleScorerRecipe(TitledRecipe[TitleScorerTrainOptions, CandidateBatch]):
    """The model that ranks titles with `rank` scorer."""

    name: ClassVar = TITLE_SCORER.name
    starts: ClassVar = (BERT, UNILM, MASKED)
    figures: ClassVar = ("loss", "accuracy", "rouge-l")
    still_trained: ClassVar = ("head", "token_type_embeddings")

    @classmethod
    def takes(cls, files: ModelFiles) -> bool:
        return super().takes(files) and (files.family is not MASKED or unheld(files, UNILM) is None)

    def __init__(self, options: TitleScorerTrainOptions) -> None:
        super().__init__(options)
        self.files: ModelFiles = find_initial_model(options.start, *self.initial_families())
        self.writer = find_model(options.writer)
        if task_of(self.writer.kind) != "title":
            writer, kind, hint = options.writer, with_article(self.writer.kind), "a title model writes titles"
            raise UsageError("{@writer} {writer} is {kind} model", writer=writer, kind=kind, hint=hint)
        if self.foreign:
            check_held(self.files, UNILM, hint="of other makes a scorer starts from a BERT or ERNIE")
        self.tokenizer = tokenizer_of(self.files)
        check_length("source_length", options.source_length or 0, self.source_length)

    @property
    def source_length(self) -> int:
        """The tokens that the writer is given: more than the scorer reads, if that is to read less."""
        return source_length_beside(self.options.title_length, self.files)

    def complete(
        self, arrays: Arrays, directory: Path, stopped: Callable[[], bool], on_event: OnEvent
    ) -> Arrays | None:
        writing = CandidateWriter(TitleBackend(load_model(self.writer)), self.tokenizer, self.options)
        return writing.add_to(arrays, directory, "rouge", stopped, on_event)

    def build(self, arrays: Arrays) -> TitleScorer:
        network = load_model(self.files).network
        if isinstance(network, MaskedAdapter):
            network = as_bert(network, self.tokenizer.specials)
        types = (
            [0, network.target_types[self.tokenizer.specials.l2r]] if isinstance(network, UniLM) else [0, 0]
        )
        bert = with_token_types(network.network if isinstance(network, UniLM) else cast(Bert, network), types)
        # no more places than are read
        table = bert.bert.embeddings.position_embeddings
        bert.bert.embeddings.position_embeddings = rows_of(table, range(self._positions))
        return TitleScorer(bert.bert, replace(bert.config, max_position_embeddings=self._positions))

    def config(self, network: TitleScorer) -> dict[str, Any]:
        return {"model_type": self.name, **asdict(network.config)}

    def batch(self, arrays: Arrays, examples: Sequence[int], epoch: int | None) -> CandidateBatch:
        specials = self.tokenizer.specials
        blank = joint_input([specials.cls, specials.sep], [], self._positions)
        pairs, scores = [], []
        for example in examples:
            source = [specials.cls, *arrays.ids("source", example), specials.sep]
            texts = split(arrays.ids("candidates", example), specials.eos)
            pairs += [joint_input(source, text, self._positions) for text in texts]
            scores.append(arrays.ids("rouge", example))
        most = max(1, *map(len, scores))  # a batch without any is a tensor, too
        return CandidateBatch(
            padded_inputs(pairs or [blank]),
            padded([ranks(row) for row in scores], most, filler=NO_PLACE),
            padded(scores, most) / UNIT,
        )

    def places(self, batch: CandidateBatch) -> int:
        return len(batch.places)

    def predict(self, network: TitleScorer, batch: CandidateBatch) -> Prediction:
        return _first(self._scores(network, batch), batch)

    def loss(
        self, network: TitleScorer, batch: CandidateBatch, smoothing: float = 0.0
    ) -> tuple[Tensor, Prediction]:
        scores = self._scores(network, batch)
        return self._loss(scores, batch), _first(scores, batch)

    def dev_sums(self, network: TitleScorer, batch: CandidateBatch) -> Tensor:
        scores = self._scores(network, batch)
        some = (batch.places >= 0).any(1)
        sums = [
            (self._loss(scores, batch), self.places(batch)),
            pairs_in_order(scores, batch.places),
            (100 * first_rouge(_first(scores, batch).logits, batch.rouge)[some].sum(), some.sum()),
        ]
        return torch.stack([torch.stack([torch.as_tensor(part).double() for part in both]) for both in sums])

    def _scores(self, network: TitleScorer, batch: CandidateBatch) -> Tensor:
        """`(articles, candidates)`."""
        there = batch.places >= 0
        return torch.zeros(there.shape).masked_scatter(there, network(*batch.read).float())

    def _loss(self, scores: Tensor, batch: CandidateBatch) -> Tensor:
        """Sum over the articles; every one counts the same, so the parts of a step add up."""
        if self.options.objective == "margin":
            return ordering_loss(scores, batch.places, self.options.margin).sum()
        return listwise_loss(scores, batch.rouge * self.options.sharpness, batch.places >= 0).sum()

    @property
    def _positions(self) -> int:
        """Most tokens that are read of an article with a title."""
        read = self.options.source_length or self.source_length
        return read + self.options.title_length + 1 + FRAME


def _first(scores: Tensor, batch: CandidateBatch) -> Prediction:
    """The ranking as a prediction; the first candidate is the best."""
    found = scores.masked_fill(batch.places < 0, -torch.inf)
    return Prediction(found, torch.zeros(len(found), dtype=torch.long))


def listwise_loss(scores: Tensor, wanted: Tensor, there: Tensor) -> Tensor:
    """The divergence of two distributions over candidates: KL(softmax of `wanted` || softmax of `scores`).

    Args:
        scores: `(articles, candidates)`.
        wanted: Of the same shape.
        there: Whether there is a candidate.

    Returns:
        `(articles,)`; 0 where there is no candidate, or one.
    """
    lacking = ~there & there.any(1, keepdim=True)  # of no candidates there is no distribution
    wanted_logs, logs = (
        x.masked_fill(lacking, -torch.inf).log_softmax(-1).masked_fill(~there, 0.0) for x in (wanted, scores)
    )
    return (there * wanted_logs.exp() * (wanted_logs - logs)).sum(-1)


def pairs_in_order(scores: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of pairs of candidates in order, and of all pairs; equal scores are half in order."""
    pairs = before(places)
    lead = torch.where(pairs, scores[..., :, None] - scores[..., None, :], 0.0)
    return (pairs * (1 + lead.sign()) / 2).sum(), pairs.sum()


def first_rouge(scores: Tensor, rouge: Tensor) -> Tensor:
    """ROUGE-L of what is ranked first, `(articles,)`: the mean of those that share the place."""
    first = scores == scores.amax(-1, keepdim=True)
    return (first * rouge).sum(-1) / first.sum(-1)
