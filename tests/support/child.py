"""Processes that are forked from one that has imported all it takes but computed nothing."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from textgen.train.run import train

SERVER = get_context("forkserver")
PATIENCE = 120  # seconds, on a machine that does much else
# what a run imports, some of it on use
IMPORTS = ["textgen.train.run", "textgen.backends.title.backend", "accelerate", "accelerate.state"]
IMPORTS += ["torch.distributed", "torch._dynamo", "torch.onnx", "numpy.random"]
IMPORTS += [f"textgen.train.recipes.{name}" for name in ("gpt2", "bert", "title", "rnn_title")]
IMPORTS += ["textgen.cli.commands.train", "textgen.cli.commands.title"]


def work(
    log: str,
    environment: dict[str, str],
    gate: Connection | None,
    recipe: str,
    rows: str,
    output: str,
    options: Any,
) -> None:
    """Train; behind every step tell so, and wait until the next one is let through."""
    sys.stdout = sys.stderr = Path(log).open("w", encoding="utf-8")  # noqa: SIM115
    os.environ.update(environment)

    def stopped() -> bool:
        if gate is not None:
            gate.send("a step")
            gate.recv()
        return False

    import textgen.train.session

    textgen.train.session.draw_curve = lambda directory: directory
    train(recipe, [rows], output, stopped=stopped, **options)


def start(
    recipe: str,
    rows: Path,
    output: Path,
    options: dict[str, Any],
    *,
    gate: Connection | None = None,
    **environment: str,
) -> BaseProcess:
    """Begin a run; its log lies beside its directory."""
    SERVER.set_forkserver_preload(IMPORTS)
    log = output.with_name(f"{output.name}{environment.get('RANK', '')}.log")
    args = (str(log), environment, gate, recipe, str(rows), str(output), options)
    process = SERVER.Process(target=work, args=args, daemon=True)
    process.start()
    return process


class CommandLine:
    """A command line in a process and a session of its own, in the working directory of this one.

    Args:
        args: Without the name of the program.
        out: Its stdout, a file or a terminal; a file of that name in the folder if not given.
        err: Its stderr, a terminal; a pipe if not given.
    """

    def __init__(self, args: Sequence[object], *, out: str = "stdout", err: str = "") -> None:
        SERVER.set_forkserver_preload(IMPORTS)
        self._out, self._told = Path(out).absolute(), b""
        (self._err, told), (self._log, logged) = SERVER.Pipe(duplex=False), SERVER.Pipe(duplex=False)
        given = ([str(arg) for arg in args], Path.cwd(), dict(os.environ), self._out, err or told, logged)
        self.process = SERVER.Process(target=_run, args=given, daemon=True)
        self.process.start()
        told.close()
        logged.close()

    @property
    def told(self) -> str:
        """The text of its stderr so far."""
        return self._told.decode()

    def wait_for(self, words: str) -> None:
        """Wait until it has told these words."""
        while words not in self.told:
            assert self._listen(), self.told

    def wait_for_steps(self, count: int) -> None:
        """Wait until the log of its training, which is new, has so many lines more, of the first ten."""
        for _ in range(count):
            assert self._log.poll(PATIENCE), self.told
            self._log.recv()

    def interrupt(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int | None, str, str]:
        """Its exit code, and what stands on stdout and stderr."""
        while self._listen():
            pass
        code = ended(self.process)
        self.process.kill()
        return code, self._out.read_text(encoding="utf-8"), self.told

    def _listen(self) -> bool:
        """Take in what it tells next; false at its end."""
        assert self._err.poll(PATIENCE), f"it hangs: {self.told}"
        told = os.read(self._err.fileno(), 1 << 16)
        self._told += told
        return bool(told)


def _run(
    args: list[str], folder: Path, environment: dict[str, str], out: Path, err: Any, logged: Connection
) -> None:
    os.setsid()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(os.open(out, os.O_RDWR | os.O_CREAT), 1)
    os.dup2(os.open(err, os.O_RDWR) if isinstance(err, str) else err.fileno(), 2)
    if not isinstance(err, str):
        err.close()
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    from textgen.cli.main import run
    from textgen.train.run_directory.log import Log

    write = Log.write

    def told(log: Log, event: Any) -> None:
        write(log, event)
        if event.step < 10:  # nobody may listen, and a pipe holds some thousands
            logged.send("a line")

    Log.write = told  # type: ignore[method-assign]
    sys.exit(run(args))


def start_two(recipe: str, rows: Path, output: Path, options: dict[str, Any]) -> list[BaseProcess]:
    """Begin a run of two processes, in the environment that launchers make."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
    }
    return [start(recipe, rows, output, options, RANK=rank, LOCAL_RANK=rank, **common) for rank in ("0", "1")]


def wait_until(process: BaseProcess, holds: Callable[[], bool]) -> bool:
    """Whether something holds before a process ends."""
    while not holds() and process.is_alive():
        process.join(0.01)
    return holds()


def ended(process: BaseProcess) -> int | None:
    """How a process ended."""
    process.join(PATIENCE)
    return process.exitcode
