"""Processors, threads and memory of this process."""

from __future__ import annotations

import gc
import math
import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from textgen.errors import UsageError

VARIABLE = "TEXTGEN_THREADS"  # of the environment
ROOT = Path("/")
CPU = "cpu"  # the controller of control groups
UNIFIED = ("", "unified")  # where version 2 is mounted in sys/fs/cgroup, alone and beside version 1
# Threads that wait by spinning take the cores from every other program, and from each other: on a busy
# machine a text took ten times as long. But between two products of one token, which take microseconds, to
# sleep at once would halve the speed.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}


@dataclass(frozen=True)
class Share:
    """The share of the machine that this process takes where no option says it.

    Attributes:
        threads: Threads, or processes with one thread each.
        reason: What sets their number.
    """

    threads: int
    reason: str


def processors() -> int:
    """The number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache  # a pool and every text ask
def quota(root: Path = ROOT) -> float | None:
    """The processors' time that the control groups of this process leave it; None where nothing limits it.

    Groups lie in groups, and the narrowest counts. In a container the group may have another name than
    outside, where its name comes from: then what is mounted is the group itself, the root of the names.

    Args:
        root: The root of the file system.

    Returns:
        Processors, such as 1.5.
    """
    found = []
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines():
            number, _, rest = line.partition(":")
            names, _, path = rest.partition(":")
            if number == "0" and not names:
                folders, read = UNIFIED, _quota_2
            elif CPU in names.split(","):
                folders, read = (CPU, names), _quota_1
            else:
                continue
            own = PurePosixPath("/", *(part for part in PurePosixPath(path).parts if part != ".."))
            for folder in folders:
                mounted = root / "sys/fs/cgroup" / folder
                found += [read(mounted / str(group)[1:]) for group in (own, *own.parents)]
    return min((one for one in found if one is not None), default=None)


def cores(root: Path = ROOT) -> int:
    """The number of processors that this process may keep busy: part of one counts as one."""
    limit = quota(root)
    return processors() if limit is None else min(processors(), max(1, math.ceil(limit)))


def share(usual: int | None = None, root: Path = ROOT) -> Share:
    """The share of the machine that this process takes.

    Args:
        usual: Threads that torch would take.
        root: See `quota`.

    Raises:
        UsageError: The environment variable is not a number of threads.
    """
    there, limit = processors(), quota(root)
    if given := os.environ.get(VARIABLE, "").strip():
        if not (given.isascii() and given.isdecimal() and int(given)):
            hint = "the environment variable is a number of threads, 1 or more"
            raise UsageError("{name} is {given}", name=VARIABLE, given=repr(given), hint=hint)
        return Share(min(int(given), there), f"{VARIABLE} is {given}")
    most = cores(root)
    if usual is not None and usual < most:
        return Share(usual, "torch takes no more; OMP_NUM_THREADS tells it how many")
    if limit is not None and most < there:
        return Share(most, f"the control group has {limit:g} of {there} processors")
    return Share(most, "the processors that this process may run on")


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Compute with so many threads, None for those that are its share; afterwards with as many as before."""
    import torch

    before = torch.get_num_threads()
    wanted = min(number, processors()) if number else share(before).threads
    if wanted != before:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        if wanted != before:
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


def import_torch() -> None:
    """Import torch, and let Ctrl-C wait until that is done.

    torch goes on without numpy where that cannot be imported: an interruption there would be lost.
    """
    if "torch" in sys.modules or not hasattr(signal, "pthread_sigmask"):
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        import torch  # noqa: F401
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@cache  # it does not change while a process lives
def processor_name() -> str:
    """The processor's name as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory() -> int:
    """Most bytes that this process has held at once; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def available_memory(root: Path = ROOT) -> int | None:
    """Bytes of memory that this process could still take; None where the system does not tell.

    Args:
        root: See `quota`.
    """
    found = []
    with suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # "max" is no number, and no limit
            group = root / "sys/fs/cgroup"
            most, taken = (int((group / name).read_text(encoding="ascii")) for name in (limit, used))
            found.append(max(0, most - taken))
    return min(found, default=None)


def _quota_2(group: Path) -> float | None:
    """The quota of a group of version 2: `200000 100000`, or `max 100000`."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (group / "cpu.max").read_text(encoding="ascii", errors="replace").split()
        return int(quota) / int(period)
    return None


def _quota_1(group: Path) -> float | None:
    """The same of version 1, where -1 is no limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (
            int((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii", errors="replace"))
            for name in ("quota", "period")
        )
        return quota / period if quota > 0 else None
    return None
