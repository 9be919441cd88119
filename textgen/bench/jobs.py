"""The jobs that are measured, on texts of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textgen.errors import TextgenError
from textgen.resources import data_dir
from textgen.schema import Record, Row

ARTICLES = ("news", "sport", "finance", "headline")  # of some 400 characters, at data/samples/articles
TOKENS = 8  # a text of size 1
SENTENCE = "春天来了，公园里的花都开了，大家很高兴。"
LENGTH, FREE = 20, 4  # tokens of the sentence, and how many of them are drawn: a sweep of all takes long
GIBBS_CHAINS, CGMH_CHAINS = 32, 16
WORDS = ("春天", "公园")


@dataclass(frozen=True)
class Measure:
    """A measure of a job.

    Attributes:
        job: One of `textgen.bench.figures.JOBS`.
        name: What is measured.
        unit: The unit of its rate.
        model: What does the job: a name that `textgen.load` takes.
        most: The largest size of the work.
        run: Does some work of a size with the loaded model, and returns how many units that was.
    """

    job: str
    name: str
    unit: str
    model: str
    most: int
    run: Callable[[Any, int], float]


def article(name: str) -> str:
    """The path of an article."""
    return str(data_dir() / "samples" / "articles" / f"{name}.txt")


def _titles(model: Any, size: int) -> float:
    texts = []
    for name in ARTICLES[:size]:
        with open(article(name), encoding="utf-8") as file:  # noqa: PTH123
            texts.append(file.read())
    return len(_done(model.generate(texts)))


def _samples(rows: int, model: Any, size: int) -> float:
    texts = [Row("", id=str(number)) for number in range(rows)]
    length = {"max_new_tokens": TOKENS * size, "end_at": "any", "batch_size": rows}
    records = _done(model.generate(texts, seed=1, **length))
    return sum(record.candidates[0].tokens for record in records)


def _sweeps(model: Any, size: int) -> float:
    chains = {"num_candidates": GIBBS_CHAINS, "batch_size": GIBBS_CHAINS}
    _done(model.generate(SENTENCE, seed=1, sweeps=size, keep=SENTENCE[FREE:], **chains))
    return GIBBS_CHAINS * size * FREE / LENGTH


def _edits(model: Any, size: int) -> float:
    # of so few steps none may end in the length that is asked for by default
    chains = {"chains": CGMH_CHAINS, "batch_size": CGMH_CHAINS, "length": (1, 60)}
    _done(model.generate(Row("", keywords=WORDS), seed=1, steps=size, **chains))
    return CGMH_CHAINS * size


def _done(records: Sequence[Record]) -> Sequence[Record]:
    for record in records:
        if record.error is not None:
            raise TextgenError("a text to measure with failed: {error}", error=record.error)
    return records


MEASURES = (
    Measure("title", "titles", "titles/s", "title", len(ARTICLES), _titles),
    *(
        Measure("sample", f"samples, {rows} at once", "tokens/s", "gpt2", 16, partial(_samples, rows))
        for rows in (1, 16, 64)
    ),
    Measure("gibbs", f"Gibbs, {GIBBS_CHAINS} chains of {LENGTH}", "sweeps/s", "bert", 100, _sweeps),
    Measure("cgmh", f"CGMH, {CGMH_CHAINS} chains", "steps/s", "compose", 400, _edits),
)
START = "title from a cold start"
LOADS = {model: f"load {model}" for model in ("title", "gpt2", "bert")}
NAMES = (*(measure.name for measure in MEASURES), START, *LOADS.values())  # in the order of a report
