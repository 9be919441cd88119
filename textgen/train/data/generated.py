"""Examples that hold what a model has written for them, such as pseudo targets and candidates.

Writing takes long, so what is written goes into a file line by line, and a later session goes on behind the
last whole line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from textgen.events import OnEvent, Progress
from textgen.train.data.arrays import ABOUT, Arrays, ArrayWriter, Example

LINES = "written.jsonl"
AT_ONCE = 16  # examples written for between two lookouts

Write = Callable[[Sequence[int]], Sequence[Mapping[str, Sequence[int]]]]


def with_generated(
    arrays: Arrays,
    directory: Path,
    columns: Sequence[str],
    write: Write,
    stopped: Callable[[], bool],
    on_event: OnEvent,
) -> Arrays | None:
    """The examples with further columns, which are written for them.

    Args:
        arrays: The examples.
        directory: Where those with more are kept, and taken from.
        columns: The further ones.
        write: Gives them for some examples, by their numbers.
        stopped: Asked between `AT_ONCE` examples.
        on_event: Told of progress.

    Returns:
        None where it was stopped before the end.
    """
    if not (directory / ABOUT).is_file():
        directory.mkdir(parents=True, exist_ok=True)
        lines = directory.with_name(f"{directory.name}-{LINES}")
        if not _written(lines, arrays, write, stopped, on_event):
            return None
        writer = ArrayWriter(directory, (*arrays.columns, *columns), arrays.number_names)
        for line in _whole(lines):
            entry = json.loads(line)
            writer.add(Example(entry["ids"], entry["numbers"]))
        writer.finish(arrays.about)
        lines.unlink()
    return Arrays(directory)


def _written(
    path: Path, arrays: Arrays, write: Write, stopped: Callable[[], bool], on_event: OnEvent
) -> bool:
    """Write for the examples that are left; true if none is left then."""
    total = len(arrays)
    done, size = _kept(path, total)
    if done < total and stopped():
        return False
    with path.open("ab") as file:
        file.truncate(size)
        while done < total:
            numbers = range(done, min(done + AT_ONCE, total))
            for number, more in zip(numbers, write(numbers), strict=True):
                own = {name: arrays.ids(name, number) for name in arrays.columns}
                counts = {name: arrays.number(name, number) for name in arrays.number_names}
                file.write(json.dumps({"ids": {**own, **more}, "numbers": counts}).encode() + b"\n")
            file.flush()
            done = numbers.stop
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
