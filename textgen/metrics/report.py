"""All figures of a set of texts, with their intervals and the comparison with another set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textgen.errors import UsageError
from textgen.metrics.metric import Evaluated
from textgen.metrics.registry import statistics_of
from textgen.metrics.resampling import DECIMALS, Comparison, Interval, compare, intervals
from textgen.metrics.statistics import Statistics
from textgen.metrics.tables import Prediction, Reference
from textgen.metrics.translation import sampled_rows
from textgen.options import EvalOptions

FEW_ROWS = 20  # of fewer the intervals are too narrow

Judge = Callable[[Sequence[str]], Statistics]  # a metric of texts alone, each row's counts its own


@dataclass(frozen=True)
class Report:
    """The figures of an evaluation.

    Attributes:
        rows: Texts that count: all rows of the reference, or of the predictions where there is none.
        missing: Rows of the reference without a prediction; they count as empty texts.
        errors: Predictions that are error records; they too.
        metrics: Values by name, shares in percent; only those that are defined.
        intervals: 95 % bootstrap intervals by name; empty for a single row.
        notes: What else holds, by name: the ROUGE variant, the size of a sample.
        compared: Rows that both systems predicted, where there was another.
        against: The difference from it, by name.
    """

    rows: int
    missing: int
    errors: int
    metrics: dict[str, float]
    intervals: dict[str, Interval]
    notes: dict[str, str | int] = field(default_factory=dict)
    compared: int | None = None
    against: dict[str, Comparison] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; intervals of the metrics come last."""
        out: dict[str, Any] = {"rows": self.rows, "missing": self.missing, "errors": self.errors}
        out |= {name: round(value, DECIMALS) for name, value in self.metrics.items()}
        out |= self.notes
        if self.compared is not None:
            out["compared"] = self.compared
            out["against"] = {name: found.to_dict() for name, found in self.against.items()}
        out["ci"] = {name: found.rounded() for name, found in self.intervals.items()}
        return out


def evaluate(
    predictions: Mapping[str, Prediction],
    references: Mapping[str, Reference] | None = None,
    *,
    against: Mapping[str, Prediction] | None = None,
    options: EvalOptions | None = None,
    judges: Sequence[Judge] = (),
) -> Report:
    """Evaluate predictions.

    Args:
        predictions: By name.
        references: By name, one for every prediction at least; without them only what needs none is told.
        against: Predictions of another system, compared on the rows that both have.
        options: How.
        judges: Metrics that take a model; see `fluency`.

    Raises:
        UsageError: The two systems have no row in common.
    """
    options = options or EvalOptions()
    names = list(predictions if references is None else references)
    common = None if against is None else [one for one in names if one in predictions and one in against]
    if common == []:
        hint = "both need the ids of the same rows"
        raise UsageError("the two predictions have no id in common", hint=hint)
    texts = _texts(names, predictions)
    judged = [judge(texts) for judge in judges]
    found = [*statistics_of(_evaluated(names, texts, references, options)), *judged]
    compared: dict[str, Comparison] = {}
    if against is not None and common is not None:
        ours, theirs = _texts(common, predictions), _texts(common, against)
        places = {name: place for place, name in enumerate(names)}
        again = [one.at([places[name] for name in common]) for one in judged]
        left = [*statistics_of(_evaluated(common, ours, references, options)), *again]
        right = statistics_of(_evaluated(common, theirs, references, options))
        right += [judge(theirs) for judge in judges]
        compared = compare(left, right, seed=options.seed)
    return Report(
        rows=len(names),
        missing=sum(name not in predictions for name in names),
        errors=sum(prediction.failed for prediction in predictions.values()),
        metrics={one.name: one.value for one in found if one.value is not None},
        intervals=intervals(found, seed=options.seed) if len(names) > 1 else {},
        notes=_notes(texts, options, references is not None, len(names if common is None else common)),
        compared=None if common is None else len(common),
        against=compared,
    )


def _texts(names: Sequence[str], predictions: Mapping[str, Prediction]) -> list[str]:
    return [predictions[name].text if name in predictions else "" for name in names]


def _evaluated(
    names: Sequence[str],
    texts: Sequence[str],
    references: Mapping[str, Reference] | None,
    options: EvalOptions,
) -> Evaluated:
    rows = [] if references is None else [references[name] for name in names]
    return Evaluated(
        texts,
        [row.text for row in rows],
        [row.source for row in rows],
        [row.keywords for row in rows],
        options.rouge_variant,
        options.segment,
    )


def _notes(
    texts: Sequence[str], options: EvalOptions, has_reference: bool, compared: int
) -> dict[str, str | int]:
    notes: dict[str, str | int] = {}
    if has_reference:
        notes |= {"rouge-variant": options.rouge_variant, "segment": options.segment}
    sampled = len(sampled_rows(texts))
    if sampled < sum(bool(text.strip()) for text in texts):
        notes["self-bleu-rows"] = sampled
    if 1 < compared < FEW_ROWS:
        notes["few-rows"] = f"fewer than {FEW_ROWS} rows: the intervals are too narrow"
    return notes
