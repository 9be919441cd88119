"""Contestants that do the same work in turn, each in a process of its own.

In one process the threads of one library keep those of another from the cores long after it has finished, and
both read the same environment variables. Here every contestant loads once, in a process that has the
environment of its users, and then answers tasks; while one works, the others wait at a pipe.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from statistics import median
from types import TracebackType
from typing import Any, NamedTuple, Self

from textgen.compute import cores

PAUSE = 0.3  # seconds; OpenMP of Intel spins for 0.2 after its work
LIBRARIES = ("torch", "transformers", "ctranslate2")
SPAWN = get_context("spawn")


class Done(NamedTuple):
    """Work that was done: so many units of it, and what came out, to compare with that of others."""

    units: float
    result: Any = None


Work = Callable[[Any], Done]  # of a task


@dataclass(frozen=True)
class Contestant:
    """A contestant.

    Attributes:
        name: What the table calls it.
        make: Loads in the contestant's process, and returns what works there; found by its module there.
        arguments: What `make` is called with.
        environment: Set for the process. That of a peer is the user's own: what a plain script runs with.
    """

    name: str
    make: Callable[..., Work]
    arguments: tuple[Any, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Turn(NamedTuple):
    """A task as one contestant did it."""

    seconds: float
    units: float
    result: Any

    @property
    def speed(self) -> float:
        """Units a second."""
        return self.units / self.seconds


class _Player:
    """A contestant's process."""

    def __init__(self, contestant: Contestant) -> None:
        self.name = contestant.name
        self._pipe, there = SPAWN.Pipe()
        self._process = SPAWN.Process(
            target=_answer, args=(there, contestant.make, contestant.arguments), daemon=True
        )
        with _environment(contestant.environment):
            self._process.start()
        there.close()
        self._received()  # it has loaded

    def does(self, task: Any) -> Turn:
        self._pipe.send(task)
        return Turn(*self._received())

    def leaves(self) -> None:
        self._pipe.close()
        self._process.join()

    def _received(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            sys.exit(f"{self.name} has failed")  # its traceback is on stderr


class Match:
    """The processes of the contestants, which have loaded; a context manager, which ends them.

    Args:
        contestants: They take turns in this order.
        warm: A small task, which each does once before any that counts: libraries choose kernels and
            allocate at their first.
    """

    def __init__(self, contestants: Sequence[Contestant], warm: Any) -> None:
        print(f"before: {machine()}", flush=True)
        self._players = [_Player(contestant) for contestant in contestants]
        for player in self._players:
            player.does(warm)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for player in self._players:
            player.leaves()
        if kind is None:
            print(f"\nafter: load {_load()}")

    def play(self, task: Any, rounds: int) -> dict[str, list[Turn]]:
        """The turns of each contestant; in every round each does the task once."""
        turns: dict[str, list[Turn]] = {player.name: [] for player in self._players}
        for _ in range(rounds):
            for player in self._players:
                turns[player.name].append(player.does(task))
                time.sleep(PAUSE)
        return turns


def print_table(turns: Mapping[str, Sequence[Turn]], task: str, unit: str, peers: Sequence[str]) -> None:
    """Print medians of speeds, and medians over the rounds of the ratios to every peer."""
    peers = [name for name in turns if name in peers]
    print(f"\n| {task} | {unit} per second |" + "".join(f" against {peer} |" for peer in peers))
    print("|---|---:|" + "---:|" * len(peers))
    for name, own in turns.items():
        ratios = [median(a.speed / b.speed for a, b in zip(own, turns[peer], strict=True)) for peer in peers]
        cells = [_figure(median(turn.speed for turn in own)), *(f"{ratio:.2f}" for ratio in ratios)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def machine() -> str:
    """The load of the machine, its cores, and the libraries."""
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return f"load {_load()}; {cores()} cores; {', '.join(found)}"


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _figure(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _answer(pipe: Any, make: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    """Do tasks until there are no more; runs in the contestant's process."""
    work = make(*arguments)
    pipe.send(None)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        began = time.perf_counter()
        done = work(task)
        pipe.send((time.perf_counter() - began, *done))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables of processes that are started inside."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
