"""Runs in processes of their own, forked from one that has imported all it takes but computed nothing."""

from __future__ import annotations

import os
import socket
import sys
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from textgen.train.run import train

SERVER = get_context("forkserver")
PATIENCE = 120  # seconds
# what a run imports, some of it on use
IMPORTS = ["textgen.train.run", "textgen.backends.title.backend", "accelerate", "accelerate.state"]
IMPORTS += ["torch.distributed", "torch._dynamo", "torch.onnx", "numpy.random"]
IMPORTS += [f"textgen.train.recipes.{name}" for name in ("gpt2", "bert", "title")]


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


def ended(process: BaseProcess) -> int | None:
    """How a process ended."""
    process.join(PATIENCE)
    return process.exitcode
