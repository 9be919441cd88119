"""Processors, threads and memory of this process."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def cores() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Compute with so many threads; afterwards with as many as before."""
    import torch

    before = torch.get_num_threads()
    if number:
        torch.set_num_threads(min(number, cores()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def uncollected() -> Iterator[None]:
    """Import torch without looking for garbage: it makes a quarter of a million objects, all to stay.

    No later collection looks at them either. Where torch has been imported before, nothing is different.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def peak_memory() -> int:
    """Most bytes that this process has held at once; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
