"""The metrics of a report, in its order: our own, and those that other installed packages bring."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from textgen.errors import DataError
from textgen.metrics.copying import copied
from textgen.metrics.diversity import distinct, length_ratio, repetition
from textgen.metrics.metric import Evaluated, Metric
from textgen.metrics.overlap import Segment, rouge
from textgen.metrics.statistics import Statistics, mean, ratio
from textgen.metrics.translation import bleu, chrf, self_bleu
from textgen.plugins import with_installed
from textgen.text.checks.editor import flags
from textgen.text.words import words

GROUP = "textgen.metrics"
SEGMENTS: dict[str, Segment] = {"char": list, "jieba": words}


def _rouge(rows: Evaluated) -> list[Statistics]:
    scores = [
        rouge(*pair, segment=SEGMENTS[rows.segment], variant=rows.rouge_variant)
        for pair in zip(rows.texts, rows.references, strict=True)
    ]
    return [
        mean("rouge-1", [score.rouge1 for score in scores]),
        mean("rouge-2", [score.rouge2 for score in scores]),
        mean("rouge-l", [score.rougeL for score in scores]),
    ]


def _copied(rows: Evaluated) -> Statistics:
    pairs = zip(rows.texts, rows.sources, strict=True)
    return ratio("copied", [(0, 0) if source is None else copied(text, source) for text, source in pairs])


def _flagged(rows: Evaluated) -> Statistics:
    """Whether a text fails one of an editor's checks; a row does not count if there is nothing to check."""
    return mean(
        "flagged",
        [
            None if source is None or not text.strip() else float(bool(flags(text, source)))
            for text, source in zip(rows.texts, rows.sources, strict=True)
        ],
    )


def _keyword_coverage(rows: Evaluated) -> Statistics:
    pairs = zip(rows.texts, rows.keywords, strict=True)
    found = [(sum(word in text for word in keywords), len(keywords)) for text, keywords in pairs]
    return ratio("keyword-coverage", found)


OURS = (
    Metric("rouge", _rouge, "reference"),
    Metric("bleu", lambda rows: bleu(rows.texts, rows.references), "reference"),
    Metric("chrf", lambda rows: chrf(rows.texts, rows.references), "reference"),
    Metric("distinct-1", lambda rows: distinct(rows.texts, 1)),
    Metric("distinct-2", lambda rows: distinct(rows.texts, 2)),
    Metric("self-bleu", lambda rows: self_bleu(rows.texts)),
    Metric("repetition", lambda rows: repetition(rows.texts)),
    Metric("length-ratio", lambda rows: length_ratio(rows.texts, rows.references), "reference"),
    Metric("copied", _copied, "source"),
    Metric("flagged", _flagged, "source"),
    Metric("keyword-coverage", _keyword_coverage, "keywords"),
)


@cache
def metrics() -> dict[str, Metric]:
    """All metrics by name."""
    return with_installed(GROUP, {metric.name: metric for metric in OURS}, Metric)


def statistics_of(rows: Evaluated) -> list[Statistics]:
    """The statistics of all metrics that can be computed of the rows.

    Raises:
        DataError: A metric of another package fails, or gives what is no statistics of these rows.
    """
    found: list[Statistics] = []
    for metric in metrics().values():
        if metric.needs in rows.has:
            found += _of(metric, rows) if metric in OURS else _checked(metric, rows, found)
    return found


def _of(metric: Metric, rows: Evaluated) -> Sequence[Statistics]:
    found = metric.compute(rows)
    return found if isinstance(found, Sequence) else [found]


def _checked(metric: Metric, rows: Evaluated, others: Sequence[Statistics]) -> Sequence[Statistics]:
    """The statistics by a metric of another package."""
    taken = {one.name for one in others}
    try:
        found = _of(metric, rows)
        fit = all(len(one.counts) == len(rows.texts) and one.name not in taken for one in found)
        reason = None if fit else "it has not one count for each row, or a name in use"
    except Exception as error:  # whatever another package does
        reason = f"{type(error).__name__}: {error}"
    if reason is not None:
        raise DataError(
            "the metric {name} of another package: {reason}",
            name=metric.name,
            reason=reason,
            hint="uninstall it, or mend it",
        )
    return found
