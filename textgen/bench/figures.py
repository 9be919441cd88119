"""Figures of measurements, and those of the reference machine that they are seen beside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textgen.files.small_files import read_json
from textgen.resources import data_dir

JOBS = ("title", "sample", "gibbs", "cgmh", "start", "load")
REFERENCE = "bench.json"  # what the command prints as JSON, on the reference machine
DIGITS = 4
BUSY = 0.5  # of a core: threads that wait for each other lose far more than that


@dataclass(frozen=True)
class Figure:
    """A figure of one measure in one precision.

    Attributes:
        job: One of `JOBS`.
        name: The measure, among those of the job.
        unit: The unit of the value.
        precision: What matrices were multiplied in.
        value: More is better, but for seconds.
        memory: Most bytes that the process held meanwhile; 0 where the system does not tell.
    """

    job: str
    name: str
    unit: str
    precision: str
    value: float
    memory: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """The measure and the precision, by which figures are compared."""
        return self.name, self.precision


@dataclass(frozen=True)
class Machine:
    """A machine, as far as figures depend on it.

    Attributes:
        processor: Its name.
        system: The operating system.
        cores: Processors that the process may keep busy.
        threads: Those that it took.
        device: Where it computed.
        torch: The version.
        textgen: The version.
        auto: What `auto` is as a precision.
        load: Processes that wanted a core before the run began, on average; None where the system does
            not tell.
    """

    processor: str
    system: str
    cores: int
    threads: int
    device: str
    torch: str
    textgen: str
    auto: str
    load: float | None = None

    @property
    def busy(self) -> bool:
        """Whether others use the machine, so that the figures tell too little."""
        return self.load is not None and self.load > BUSY

    @property
    def line(self) -> str:
        """The machine in a line."""
        threads = f"{self.threads} thread" + "s" * (self.threads > 1)
        device = "" if self.device == "cpu" else f" and {self.device}"
        return f"{self.processor}{device}, {threads}, torch {self.torch}, textgen {self.textgen}"


@dataclass(frozen=True)
class Report:
    """The figures of a machine."""

    machine: Machine
    figures: Sequence[Figure]

    def to_dict(self, reference: Report | None = None) -> dict[str, Any]:
        """The report as JSON has it, each figure with that of the reference."""
        known = {} if reference is None else {one.key: one.value for one in reference.figures}
        return {
            "machine": asdict(self.machine),
            "results": [
                asdict(one) | {"value": rounded(one.value), "reference": known.get(one.key)}
                for one in self.figures
            ],
        }

    @classmethod
    def of(cls, content: dict[str, Any]) -> Report:
        """The report of `to_dict`. Raises TypeError or KeyError if it is none."""
        results = [{k: v for k, v in one.items() if k != "reference"} for one in content["results"]]
        return cls(Machine(**content["machine"]), [Figure(**one) for one in results])


def rounded(value: float) -> float:
    """A value with the digits that mean something."""
    return float(f"{value:.{DIGITS}g}")


def reference(path: str | os.PathLike[str] | None = None) -> Report | None:
    """The report of the reference machine; None while there is none, as when it is being written."""
    try:
        return Report.of(read_json(data_dir() / REFERENCE if path is None else Path(path)))
    except (OSError, ValueError, TypeError, KeyError):
        return None
