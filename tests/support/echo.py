"""A model that gives texts back, with which runs over files cost nothing.

As a script it is the command line with that kind of model: `python echo.py sample -i … --model FOLDER …`;
processes that it starts import it again and know the kind, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
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
    from textgen.models.families import OWN
    from textgen.models.family import Family

    BACKENDS[Echo] = Served(*BACKEND)
    OWN[KIND] = Family(KIND, views=(Echo,))


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


if __name__ in ("__main__", "__mp_main__"):
    register()

if __name__ == "__main__":
    from textgen.cli.main import run

    sys.exit(run(sys.argv[1:]))
