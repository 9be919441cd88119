"""`textgen bench`: how fast this machine writes, beside a reference machine."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from textgen.cli import flags as opt
from textgen.cli.generate import OK, Printing
from textgen.cli.render import console
from textgen.compute import import_torch, uncollected
from textgen.options.batch import Device, Precision
from textgen.options.fields import RUN, Count, Positive, field

if TYPE_CHECKING:
    from textgen.bench.figures import Machine

Job = Literal["title", "sample", "gibbs", "cgmh", "start", "load"]


def _several(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


class BenchRun(Printing):
    """The options of a run of measurements."""

    only: Annotated[tuple[Job, ...], BeforeValidator(_several)] = field(
        (), "Measure only this job (repeatable): title, sample, gibbs, cgmh, start or load."
    )
    precision: Precision | None = field(None, "Measure only this precision (default: each there is).")
    device: Device = field("auto", "Where to compute; auto is a GPU, if there is one.", RUN)
    threads: Count | None = field(None, "Threads to compute with (default: the cores it may use).", RUN)
    seconds: Positive = field(3.0, "Time of each measurement, about.", RUN)


def _warn(machine: Machine, *, quiet: bool) -> None:
    if machine.busy:
        others = f"the machine is busy (load {machine.load:.1f} on {machine.cores} cores)"
        console.note(f"warning: {others}, or was a minute ago: do not trust the figures", quiet=quiet)


@opt.takes()
def bench(options: dict[str, Any], run: BenchRun) -> int:
    """Take about two minutes on two cores.

    Measured are titles by the default search; samples of gpt2, 1, 16 and
    64 at once; chains of Gibbs sampling and of CGMH; a title from a cold
    start; loading each model; and the memory that each takes. More is
    better, but for seconds and memory. Beside the figures stand those of a
    reference machine. The machine should have nothing else to do.
    """
    from textgen.cli.render.measures import measuring, show

    with measuring(quiet=run.quiet) as on_measure:
        on_measure("loading torch", 0, 1)
        with uncollected():
            import_torch()
            from textgen.bench.figures import JOBS, reference
            from textgen.bench.run import bench as measured
        report = measured(
            run.only or JOBS,
            precision=run.precision,
            device=run.device,
            threads=run.threads,
            seconds=run.seconds,
            on_machine=partial(_warn, quiet=run.quiet),
            on_measure=on_measure,
        )
    known = reference()
    if run.as_json:
        console.json_result(json.dumps(report.to_dict(known), ensure_ascii=False))
    else:
        show(report, known)
    return OK
