"""Processes that are forked from one that has imported all it takes but computed nothing."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
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
    log: str, environment: dict[str, str], pause: float, recipe: str, rows: str, output: str, options: Any
) -> None:
    """Train; a step takes at least so long."""
    sys.stdout = sys.stderr = Path(log).open("w", encoding="utf-8")  # noqa: SIM115
    os.environ.update(environment)

    def stopped() -> bool:
        time.sleep(pause)
        return False

    import textgen.train.session

    textgen.train.session.draw_curve = lambda directory: directory
    train(recipe, [rows], output, stopped=stopped, **options)


def start(
    recipe: str, rows: Path, output: Path, options: dict[str, Any], *, pause: float = 0.0, **environment: str
) -> BaseProcess:
    """Begin a run; its log lies beside its directory."""
    SERVER.set_forkserver_preload(IMPORTS)
    log = output.with_name(f"{output.name}{environment.get('RANK', '')}.log")
    args = (str(log), environment, pause, recipe, str(rows), str(output), options)
    process = SERVER.Process(target=work, args=args, daemon=True)
    process.start()
    return process


class CommandLine:
    """A command line in a process and a session of its own, in the working directory of this one.

    Args:
        args: Without the name of the program.
        out: What its stdout is, a file or a terminal; a file of that name in the folder if not given.
        err: What its stderr is.
    """

    def __init__(self, args: Sequence[object], *, out: str = "", err: str = "") -> None:
        SERVER.set_forkserver_preload(IMPORTS)
        folder = Path.cwd()
        self.streams = [Path(out or folder / "stdout"), Path(err or folder / "stderr")]
        if not err:
            self.streams[1].touch()
        given = ([str(arg) for arg in args], folder, dict(os.environ), self.streams)
        self.process = SERVER.Process(target=_run, args=given, daemon=True)
        self.process.start()

    @property
    def told(self) -> str:
        """What stands on its stderr by now."""
        return self.streams[1].read_text(encoding="utf-8")

    def interrupt(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int | None, str, str]:
        """Its exit code, and what stands on stdout and stderr."""
        code = ended(self.process)
        self.process.kill()
        return code, self.streams[0].read_text(encoding="utf-8"), self.told


def _run(args: list[str], folder: Path, environment: dict[str, str], streams: list[Path]) -> None:
    os.setsid()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in enumerate(streams, 1):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    from textgen.cli.main import run

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


def wait_until(holds: Callable[[], bool]) -> bool:
    """Whether something holds, now or soon."""
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def ended(process: BaseProcess) -> int | None:
    """How a process ended."""
    process.join(PATIENCE)
    return process.exitcode
