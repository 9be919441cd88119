"""Examples that hold what a model has written for them, such as pseudo targets and candidates.

Writing takes long, so what is written goes into a file line by line, and a later session goes on behind the
last whole line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from textgen.events import OnEvent, Progress
from textgen.train.data.arrays import ABOUT, Arrays, ArrayWriter, Example

LINES = "written.jsonl"
AT_ONCE = 16  # examples written for between two lookouts

Write = Callable[[Sequence[int]], list[Example]]


def with_generated(
    arrays: Arrays,
    directory: Path,
    columns: Sequence[str],
    write: Write,
    *,
    stopped: Callable[[], bool],
    on_event: OnEvent,
) -> Arrays | None:
    """The examples with what is written for them.

    Args:
        arrays: The examples.
        directory: Where those with more are kept, and taken from.
        columns: Theirs; beside these they have the number `source`.
        write: What is to be kept of some examples, by their numbers.
        stopped: Asked between `AT_ONCE` examples.
        on_event: Told of progress.

    Returns:
        None where it was stopped before the end.
    """
    if not (directory / ABOUT).is_file():
        directory.mkdir(parents=True, exist_ok=True)
        lines = directory.with_name(f"{directory.name}-{LINES}")
        if not _written(lines, len(arrays), write, stopped, on_event):
            return None
        writer = ArrayWriter(directory, columns, ("source",))
        for line in _whole(lines):
            entry = json.loads(line)
            writer.add(Example(entry["ids"], entry["numbers"]))
        writer.finish(arrays.about)
        lines.unlink()
    return Arrays(directory)


def _written(path: Path, total: int, write: Write, stopped: Callable[[], bool], on_event: OnEvent) -> bool:
    """Write for the examples that are left; whether none is."""
    done, size = _kept(path, total)
    if done < total and stopped():
        return False
    with path.open("ab") as file:
        file.truncate(size)
        while done < total:
            for example in write(range(done, min(done + AT_ONCE, total))):
                file.write(_line(example).encode())
            file.flush()
            done = min(done + AT_ONCE, total)
            on_event(Progress(done, total))
            if done < total and stopped():
                return False
    return True


def _kept(path: Path, total: int) -> tuple[int, int]:
    """For how many examples something is written, up to the end of a block, and how many bytes that takes."""
    done = size = end = 0
    if path.is_file():
        for count, line in enumerate(_whole(path), 1):
            end += len(line)
            if count % AT_ONCE == 0 or count == total:
                done, size = count, end
    return done, size


def _whole(path: Path) -> Iterator[bytes]:
    """The lines of a file but for a torn last one."""
    with path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


def _line(example: Example) -> str:
    entry: dict[str, Any] = {
        "ids": {name: list(ids) for name, ids in example.ids.items()},
        "numbers": dict(example.numbers),
    }
    return json.dumps(entry) + "\n"
