"""A pool of processes that compute the windows of a run, one thread each.

A window is computed by one process as a whole, so that how many there are changes no number. Records come
back one by one and are put in order here; nobody runs far ahead of the window whose turn it is.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from textgen.batch.worker import Task, Worker, windows
from textgen.compute import peak_memory
from textgen.errors import TextgenError
from textgen.events import Note, OnEvent, WithoutSteps
from textgen.schema import Record, Row

AHEAD = 2  # windows a process that are open at once
READY, RECORD, EVENT, DONE, FAILED, CRASHED = "ready", "record", "event", "done", "failed", "crashed"
DEAD = "a worker process died; was there too little memory?"
SAFE = "what was written is safe; try fewer {@workers}"
UNBORN = "a worker process could not start; can the script be imported anew, as a module can?"


class _GoneError(Exception):
    """A process has ended."""


@dataclass
class _Process:
    """A process, and the window it computes."""

    process: BaseProcess
    pipe: Connection
    window: int | None = None


@dataclass
class _Window:
    """Records of a window that have not been handed on, in order."""

    records: deque[Record] = field(default_factory=deque)
    done: bool = False


class Pool:
    """Computes windows in several processes; see `Engine`."""

    def __init__(self, size: int, processes: Sequence[_Process]) -> None:
        self._size, self._processes = size, processes
        self._open: dict[int, _Window] = {}
        self._told: set[str] = set()
        self.memory = 0  # most bytes that a process has held

    def begin(self, on_event: OnEvent) -> None:
        """Wait until all have loaded their model."""
        for process in self._processes:
            try:
                while self._hear(process, on_event) != READY:
                    pass
            except _GoneError:
                process.process.join()
                if (process.process.exitcode or 0) < 0:  # by a signal
                    raise TextgenError(DEAD, hint=SAFE) from None
                hint = 'put the call under if __name__ == "__main__", or say workers=1'
                raise TextgenError(UNBORN, hint=hint) from None

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records in the order of the rows."""
        todo = enumerate(windows(rows, self._size))
        turn = 0
        while True:
            self._hand_out(todo)
            if not self._open:
                return
            busy = {process.pipe: process for process in self._processes if process.window is not None}
            for pipe in wait(list(busy)):
                try:
                    self._hear(busy[pipe], on_event)  # type: ignore[index]
                except _GoneError:
                    raise TextgenError(DEAD, hint=SAFE) from None
            while (window := self._open.get(turn)) is not None:
                while window.records:
                    yield window.records.popleft()
                if not window.done:
                    break
                del self._open[turn]
                turn += 1

    def _hand_out(self, todo: Iterator[tuple[int, list[Row]]]) -> None:
        """Give every idle process a window, unless too many are open."""
        for process in self._processes:
            if process.window is not None or len(self._open) >= AHEAD * len(self._processes):
                continue
            number, rows = next(todo, (None, []))
            if number is None:
                return
            self._open[number] = _Window()
            process.window = number
            try:
                process.pipe.send(rows)
            except OSError:
                raise TextgenError(DEAD, hint=SAFE) from None

    def _hear(self, process: _Process, on_event: OnEvent) -> str:
        """Take one message of a process, and tell its kind."""
        try:
            kind, content = process.pipe.recv()
        except (EOFError, OSError):
            raise _GoneError from None
        if kind == RECORD:
            self._open[self._of(process)].records.append(content)
        elif kind == EVENT:
            self._tell(content, on_event)
        elif kind == DONE:
            self._open[self._of(process)].done = True
            process.window = None
            self.memory = max(self.memory, content)
        elif kind == FAILED:
            raise content
        elif kind == CRASHED:
            error = RuntimeError(content.splitlines()[-1])
            error.add_note(content)
            raise error
        return str(kind)

    @staticmethod
    def _of(process: _Process) -> int:
        assert process.window is not None  # only who has a window sends records
        return process.window

    def _tell(self, event: Any, on_event: OnEvent) -> None:
        """Pass an event on; what all of them note, once."""
        if isinstance(event, Note):
            if event.text in self._told:
                return
            self._told.add(event.text)
        on_event(event)


@contextmanager
def pool(task: Task, workers: int) -> Iterator[Pool]:
    """Start processes; they end with this one, however it ends.

    Raises:
        TextgenError: What a process raised, or one died.
    """
    context = get_context("spawn")  # a fork would inherit locks that nobody lets go of
    processes = []
    try:
        with _interrupts_blocked():
            for _ in range(workers):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(task, theirs), daemon=True)
                process.start()
                theirs.close()  # or its end would never be noticed
                processes.append(_Process(process, ours))
        yield Pool(task.options.window, processes)
    finally:
        for one in processes:
            one.process.terminate()
        for one in processes:
            one.process.join()
            one.pipe.close()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes that are started never hear of Ctrl-C: it is the business of the first, and reaches it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # once it runs, starting a process no longer unblocks signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(task: Task, pipe: Connection) -> None:
    """The loop of a process: it computes windows until there are no more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(1)
    worker = Worker(task)
    tell = WithoutSteps(partial(_send, pipe, EVENT))
    with suppress(EOFError, BrokenPipeError):  # the first process has gone
        try:
            worker.begin(tell)
            _send(pipe, READY, None)
            while True:
                for record in worker.window(pipe.recv(), tell):
                    _send(pipe, RECORD, record)
                _send(pipe, DONE, peak_memory())
        except TextgenError as error:
            _send(pipe, FAILED, error)
        except (EOFError, BrokenPipeError):
            raise
        except Exception:
            _send(pipe, CRASHED, traceback.format_exc())


def _send(pipe: Connection, kind: str, content: Any) -> None:
    pipe.send((kind, content))


def _end_with_parent() -> None:
    """A process that waits for work, or computes, does not outlive the one that it works for."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
