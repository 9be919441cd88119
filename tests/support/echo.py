"""A model that gives texts back, with which runs over files cost nothing.

As a script it is the command line with that kind of model: `python echo.py sample -i … --model FOLDER …`;
processes that it starts import it again and know the kind, too.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

KIND = "echo"
BACKEND = ("sample", "echo_backend:EchoBackend", "textgen.options:Options")
SCRIPT = Path(__file__)
BAD = "坏"  # a text with it is an error


class Echo:
    """The view that the backend asks for: none."""


def register() -> None:
    """Make the kind known to this process."""
    from textgen.backends.registry import BACKENDS, Served
    from textgen.models.families import BUILT_IN, OWN
    from textgen.models.family import Family

    BACKENDS[Echo] = Served(*BACKEND)
    OWN[KIND] = BUILT_IN[KIND] = Family(KIND, views=(Echo,))


def make_model(folder: Path) -> Path:
    """Make a model of that kind."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": KIND}), encoding="utf-8")
    (folder / "model.safetensors").touch()
    return folder


def some_texts(count: int, *, bad: int = 0) -> list[str]:
    """Texts of several lengths, of which every so many is an error."""
    texts = [f"第{n}天，{'春夏秋冬'[n % 4]}风又起{'，吹过山坡' * (n * 7 % 9)}。" for n in range(count)]
    return [text + BAD if bad and n % bad == bad - 1 else text for n, text in enumerate(texts)]


def write_rows(path: Path, rows: Sequence[str | dict[str, Any]]) -> Path:
    """Write rows, which are texts or objects, as JSON lines."""
    objects = [{"text": row} if isinstance(row, str) else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in objects), encoding="utf-8")
    return path


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def at_line(number: int, do: Callable[[], object]) -> None:
    """Do something once so many lines have run of those that write records: a moment without a clock."""
    import textgen.batch.run

    left, write = number, textgen.batch.run._write

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_name not in WRITING or "/textgen/batch/" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if left < 0:
            sys.settrace(None)
            do()
        return trace

    def traced(*args: Any) -> int:
        sys.settrace(trace)
        return write(*args)

    textgen.batch.run._write = traced


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_a_worker() -> None:
    os.kill(multiprocessing.active_children()[1].pid or 0, signal.SIGKILL)


def interrupt() -> None:
    """Ctrl-C as a terminal does it, which tells the whole session."""
    os.killpg(os.getpgid(0), signal.SIGINT)


WRITING = ("_write", "write", "sync")  # functions; some twelve lines run for a record
AT_LINE, AT_WORK, PIDS = "ECHO_AT_LINE", "ECHO_AT_WORK", "ECHO_PIDS"  # variables of the environment
EVENTS = {event.__name__: event for event in (die, kill_a_worker, interrupt)}

if __name__ in ("__main__", "__mp_main__"):
    register()

if __name__ == "__mp_main__":  # a worker begins
    if PIDS in os.environ:
        with Path(os.environ[PIDS]).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    if AT_WORK in os.environ:
        with suppress(FileExistsError):  # the first one does it
            Path(os.environ[AT_WORK]).touch(exist_ok=False)
            interrupt()

if __name__ == "__main__":
    from textgen.cli.main import run

    if AT_LINE in os.environ:
        name, line = os.environ[AT_LINE].split()
        at_line(int(line), EVENTS[name])
    sys.exit(run(sys.argv[1:]))
