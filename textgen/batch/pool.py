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

from textgen.batch.engine import Task, Worker, windows
from textgen.compute import peak_memory
from textgen.errors import TextgenError
from textgen.events import Note, OnEvent, WithoutSteps
from textgen.schema import Record, Row

AHEAD = 2  # windows a process that are open at once
READY, RECORD, EVENT, DONE, FAILED, CRASHED = "ready", "record", "event", "done", "failed", "crashed"
DEAD = "a worker process died; was there too little memory?"
SAFE = "what was written is safe; try fewer {@workers}"


class _GoneError(Exception):
    """The error where a process has ended."""


@dataclass
class _Window:
    """A window: its records that have not been yielded, and whether it is computed."""

    records: deque[Record] = field(default_factory=deque)
    done: bool = False


@dataclass
class _Process:
    """A process, and the window that it computes, or was the last to compute."""

    process: BaseProcess
    pipe: Connection
    window: _Window = field(default_factory=partial(_Window, done=True))


class Pool:
    """Computes windows in several processes; see `Engine`."""

    def __init__(self, size: int, processes: Sequence[_Process]) -> None:
        self._size, self._processes = size, processes
        self._open: deque[_Window] = deque()  # in the order of the rows
        self._noted: set[str] = set()
        self.memory = 0  # most bytes that a process has held

    def begin(self, on_event: OnEvent) -> None:
        """Wait until all processes have loaded their model."""
        for process in self._processes:
            try:
                while self._hear(process, on_event) != READY:
                    pass
            except _GoneError:
                process.process.join()
                if (process.process.exitcode or 0) < 0:  # by a signal
                    raise TextgenError(DEAD, hint=SAFE) from None
                message = "a worker process could not start; can it import the script as a module?"
                hint = 'put the call under if __name__ == "__main__", or give {@workers} 1'
                raise TextgenError(message, hint=hint) from None

    def records(self, rows: Iterable[Row], on_event: OnEvent) -> Iterator[Record]:
        """The records in the order of the rows."""
        todo = windows(rows, self._size)
        while True:
            self._hand_out(todo)
            if not self._open:
                return
            busy = {process.pipe: process for process in self._processes if not process.window.done}
            for pipe in wait(list(busy)):
                try:
                    self._hear(busy[pipe], on_event)  # type: ignore[index]
                except _GoneError:
                    raise TextgenError(DEAD, hint=SAFE) from None
            while self._open:
                window = self._open[0]
                while window.records:
                    yield window.records.popleft()
                if not window.done:
                    break
                self._open.popleft()

    def _hand_out(self, todo: Iterator[list[Row]]) -> None:
        """Give every idle process a window, unless too many are open."""
        for process in self._processes:
            if not process.window.done or len(self._open) >= AHEAD * len(self._processes):
                continue
            if not (rows := next(todo, [])):
                return
            process.window = _Window()
            self._open.append(process.window)
            try:
                process.pipe.send(rows)
            except OSError:
                raise TextgenError(DEAD, hint=SAFE) from None

    def _hear(self, process: _Process, on_event: OnEvent) -> str:
        """Take one message of a process, and tell its kind; what all of them note is passed on once."""
        try:
            kind, content = process.pipe.recv()
        except (EOFError, OSError):
            raise _GoneError from None
        if kind == RECORD:
            process.window.records.append(content)
        elif kind == EVENT and not (isinstance(content, Note) and content.text in self._noted):
            if isinstance(content, Note):
                self._noted.add(content.text)
            on_event(content)
        elif kind == DONE:
            process.window.done = True
            self.memory = max(self.memory, content)
        elif kind == FAILED:
            raise content
        elif kind == CRASHED:
            error = RuntimeError(content.splitlines()[-1])
            error.add_note(content)
            raise error
        return str(kind)


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
    """Block Ctrl-C in the processes that are started meanwhile: the first one handles it."""
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
    """Compute windows in a worker process until there are no more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(1)
    worker = Worker(task)
    on_event = WithoutSteps(lambda event: pipe.send((EVENT, event)))
    with suppress(EOFError, BrokenPipeError):  # the first process has gone
        try:
            worker.begin(on_event)
            pipe.send((READY, None))
            while True:
                for record in worker.window(pipe.recv(), on_event):
                    pipe.send((RECORD, record))
                pipe.send((DONE, peak_memory()))
        except TextgenError as error:
            pipe.send((FAILED, error))
        except (EOFError, BrokenPipeError):
            raise
        except Exception:
            pipe.send((CRASHED, traceback.format_exc()))


def _end_with_parent() -> None:
    """End this process when its parent has ended, whatever it is doing."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
