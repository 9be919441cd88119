"""A run of all measurements, one after the other, each in every precision that the machine has."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from textgen.bench.figures import JOBS, Figure, Machine, Report
from textgen.bench.jobs import LOADS, MEASURES, NAMES, START
from textgen.bench.processes import cold_title, measured
from textgen.compute import cores, processor_name
from textgen.models.place import AUTO, Place, choose_device
from textgen.models.precision import BF16, FP32, INT8, PROBLEMS, choose_precision
from textgen.version import __version__, version_of

SECONDS = 3.0  # of a measurement; with three precisions all takes less than two minutes on two cores

OnMeasure = Callable[[str, int, int], None]


def unseen(name: str, number: int, total: int) -> None:
    """The callback of a caller who does not look."""


def unheeded(machine: Machine) -> None:
    """The same, of the machine."""


def bench(
    jobs: Sequence[str] = JOBS,
    *,
    precision: str | None = None,
    device: str = AUTO,
    threads: int | None = None,
    seconds: float = SECONDS,
    on_machine: Callable[[Machine], None] = unheeded,
    on_measure: OnMeasure = unseen,
) -> Report:
    """Measure this machine.

    Args:
        jobs: Some of `textgen.bench.figures.JOBS`.
        precision: See `textgen.load`; None is every one that the machine has.
        device: See `textgen.load`.
        threads: See `textgen.load`.
        seconds: How long each measurement takes, about.
        on_machine: Told of the machine before anything is measured.
        on_measure: Told what is measured next, its number and how many there are.

    Raises:
        UsageError: The machine does not have the precision or the device.
        TextgenError: Something could not be measured.
    """
    place = Place(choose_device(device), threads)
    with place.entered():
        precisions = [choose_precision(precision)] if precision else _precisions()
        machine = _machine(place)
    on_machine(machine)
    steps = [step for name in precisions for step in _steps(jobs, name, place, seconds)]
    figures: list[Figure] = []
    for number, step in enumerate(steps, 1):
        on_measure(step.name, number, len(steps))
        figures += step.run()
    return Report(machine, sorted(figures, key=lambda one: NAMES.index(one.name)))


@dataclass(frozen=True)
class _Step:
    """A part of the run: what is measured, and how."""

    name: str
    run: Callable[[], Sequence[Figure]]


def _precisions() -> list[str]:
    """The precisions that this machine has."""
    return [FP32, *(name for name in (BF16, INT8) if PROBLEMS[name]() is None)]


def _steps(jobs: Sequence[str], precision: str, place: Place, seconds: float) -> Iterator[_Step]:
    """What is measured in a precision, model by model."""
    if "start" in jobs:
        yield _Step(f"{START}, {precision}", partial(cold_title, precision, place))
    for model in dict.fromkeys(measure.model for measure in MEASURES):
        own = [measure.job for measure in MEASURES if measure.model == model]
        own += ["load"] if model in LOADS else []
        if wanted := [job for job in dict.fromkeys(own) if job in jobs]:
            name = f"{model} ({', '.join(wanted)}), {precision}"
            yield _Step(name, partial(measured, model, precision, place, wanted, seconds))


def _machine(place: Place) -> Machine:
    return Machine(
        processor_name(),
        f"{platform.system()} {platform.machine()}",
        cores(),
        torch.get_num_threads(),
        str(place.device),
        version_of("torch"),
        __version__,
        choose_precision(),
        round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )
