"""The figures of one model in one precision: how long it takes to load, and how fast it does its jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from textgen.backends.loading import open_backend  # imports torch
from textgen.bench.figures import Figure
from textgen.bench.jobs import LOADS, MEASURES
from textgen.bench.timing import rate
from textgen.compute import peak_memory
from textgen.models.place import Place


def figures_of(model: str, precision: str, place: Place, jobs: Sequence[str], seconds: float) -> list[Figure]:
    """Load a model and measure it, in a process that has done nothing else: memory only grows.

    Args:
        model: A name that `textgen.load` takes.
        precision: `fp32`, `bf16` or `int8`.
        place: Where to compute.
        jobs: Some of `textgen.bench.figures.JOBS`; those of other models are left out.
        seconds: Of each measurement.
    """
    began = time.perf_counter()
    backend = open_backend(model, precision, str(place.device), place.threads)
    took = time.perf_counter() - began
    figures = []
    if "load" in jobs and model in LOADS:
        figures.append(Figure("load", LOADS[model], "s", precision, took, peak_memory()))
    for measure in MEASURES:
        if measure.model == model and measure.job in jobs:
            value = rate(partial(measure.run, backend), measure.most, seconds)
            figures.append(Figure(measure.job, measure.name, measure.unit, precision, value, peak_memory()))
    return figures
