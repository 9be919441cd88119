"""What a model writes for examples is written once, however often that is interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from stages import examples_of
from tiny import Countdown

from textgen.train.data import generated
from textgen.train.data.arrays import ABOUT, Arrays
from textgen.train.run import never

TOTAL, BLOCK = 23, 4


class KillError(Exception):
    """The process ends at once; what it had not handed to the system is lost."""


class Work:
    """Examples, for which something is written that can be interrupted."""

    def __init__(self, folder: Path) -> None:
        rows = [{"source": [number, *range(number % 5)]} for number in range(TOTAL)]
        self.arrays = examples_of(folder / "arrays", rows)
        self.directory = folder / "more"
        self.lines = folder / f"more-{generated.LINES}"
        self.asked: list[list[int]] = []
        self.told: list[Any] = []
        self.kill_at: int | None = None  # how many blocks a session writes before it is killed
        self.left = b""  # what lay in the file when it was

    def write(self, numbers: Sequence[int]) -> list[dict[str, list[int]]]:
        if len(self.asked) == self.kill_at:
            self.left = self.lines.read_bytes()
            raise KillError
        self.asked.append(list(numbers))
        return [{"more": self.more(number)} for number in numbers]

    def more(self, number: int) -> list[int]:
        return [7 * number, *[number] * (number % 3)]

    def line(self, number: int) -> str:
        ids = {"source": self.arrays.ids("source", number), "more": self.more(number)}
        return json.dumps({"ids": ids, "numbers": {"source": self.arrays.number("source", number)}}) + "\n"

    def go(self, stopped: Callable[[], bool] = never, *, kill_at: int | None = None) -> Arrays | None:
        """A session; the blocks that it asks for are kept."""
        self.asked, self.told, self.kill_at = [], [], kill_at
        return generated.with_generated(
            self.arrays,
            self.directory,
            ["more"],
            self.write,
            stopped,
            self.told.append,
        )

    def killed(self, blocks: int) -> None:
        """A session that is killed after so many blocks; the file is left as it was at that moment."""
        with pytest.raises(KillError):
            self.go(kill_at=blocks)
        self.lines.write_bytes(self.left)

    def check(self, found: Arrays | None) -> None:
        """All examples are there as they are written without interruption, and nothing else."""
        assert found is not None
        assert len(found) == TOTAL
        for number in range(TOTAL):
            assert found.ids("source", number) == self.arrays.ids("source", number)
            assert found.ids("more", number) == self.more(number)
            assert found.number("source", number) == self.arrays.number("source", number)
        assert found.about == self.arrays.about
        assert not self.lines.exists()

    @property
    def numbers(self) -> list[int]:
        return [number for block in self.asked for number in block]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(generated, "AT_ONCE", BLOCK)
    return Work(tmp_path)


def test_undisturbed(work: Work) -> None:
    work.check(work.go())
    assert work.numbers == list(range(TOTAL))
    assert [len(block) for block in work.asked] == [BLOCK] * 5 + [3]
    assert [(event.done, event.total) for event in work.told] == [
        (done, TOTAL) for done in (4, 8, 12, 16, 20, 23)
    ]


def test_a_finished_one_is_taken_as_it_is(work: Work) -> None:
    work.go()
    kept = {path: path.read_bytes() for path in work.directory.iterdir()}
    for stopped in (never, lambda: True):
        work.check(work.go(stopped))
        assert work.asked == []
    assert {path: path.read_bytes() for path in work.directory.iterdir()} == kept


@pytest.mark.parametrize("blocks", range(1, 6))
def test_stopped_between_blocks(work: Work, blocks: int) -> None:
    assert work.go(Countdown(blocks + 1)) is None
    assert work.numbers == list(range(blocks * BLOCK))
    assert not (work.directory / ABOUT).exists()
    before = work.lines.read_bytes()
    # it may be asked to stop again at once, and again
    for _ in range(2):
        assert work.go(lambda: True) is None
        assert work.asked == []
        assert work.lines.read_bytes() == before
    work.check(work.go())
    assert work.numbers == list(range(blocks * BLOCK, TOTAL))
    assert work.told[-1].done == work.told[-1].total == TOTAL


def test_stopped_before_anything(work: Work) -> None:
    assert work.go(lambda: True) is None
    assert work.asked == []
    work.check(work.go())


def test_stopped_after_every_block(work: Work) -> None:
    done = list[int]()
    while (found := work.go(Countdown(2))) is None:
        assert len(work.asked) == 1
        done += work.numbers
    work.check(found)
    assert done + work.numbers == list(range(TOTAL))


@pytest.mark.parametrize("blocks", range(6))
def test_killed_while_it_writes(work: Work, blocks: int) -> None:
    """Blocks that were done are done."""
    work.killed(blocks)
    assert work.left.count(b"\n") == blocks * BLOCK
    work.check(work.go())
    assert work.numbers == list(range(blocks * BLOCK, TOTAL))


def test_killed_and_killed_again(work: Work) -> None:
    """A session loses nothing of those before it, however soon it ends."""
    work.killed(2)
    for more in (0, 0, 1, 0, 2):
        begin = work.left.count(b"\n")
        work.killed(more)
        assert work.numbers == list(range(begin, begin + more * BLOCK))
        assert work.left.count(b"\n") == begin + more * BLOCK
    work.check(work.go())
    assert work.numbers == list(range(5 * BLOCK, TOTAL))


@pytest.mark.parametrize("whole", [0, 1, BLOCK - 1, BLOCK])
@pytest.mark.parametrize("cut", [1, 9, 10**6])
def test_a_torn_block_is_written_anew(work: Work, whole: int, cut: int) -> None:
    """Killed on its way to the disk: whole lines, and one of which the end is missing."""
    work.killed(3)
    lines = work.left.splitlines(keepends=True)
    torn = lines[0][: min(cut, len(lines[0]) - 1)]  # up to all but the line break
    work.lines.write_bytes(b"".join([*lines[: 2 * BLOCK], *lines[2 * BLOCK :][:whole], torn]))
    work.check(work.go())
    begin = 2 * BLOCK + (whole if whole == BLOCK else 0)
    assert work.numbers == list(range(begin, TOTAL))


def test_a_torn_last_line_is_written_anew(work: Work) -> None:
    """The very last, of a block that is shorter."""
    work.killed(5)
    rest = "".join(work.line(number) for number in range(20, TOTAL))
    work.lines.write_bytes(work.left + rest.encode()[:-1])
    work.check(work.go())
    assert work.numbers == [20, 21, 22]


def test_killed_before_the_arrays_are_whole(work: Work) -> None:
    """All lines are there, but not the arrays; they are made of the lines."""
    work.go(Countdown(6))
    lines = [json.loads(line) for line in work.lines.read_text(encoding="utf-8").splitlines()]
    assert [entry["ids"]["more"] for entry in lines] == [work.more(n) for n in range(20)]
    rest = [work.line(number) for number in range(20, TOTAL)]
    with work.lines.open("a", encoding="utf-8") as file:
        file.writelines(rest)
    (work.directory / "more.ids").write_bytes(b"torn")
    work.check(work.go(lambda: True))  # nothing is left to be stopped
    assert work.asked == []


def test_killed_before_the_lines_are_deleted(work: Work) -> None:
    """The arrays are whole, and taken whatever the lines say; the end of a run deletes them."""
    work.go()
    work.lines.write_text("{}\n", encoding="utf-8")
    found = work.go(lambda: True)
    work.lines.unlink()
    work.check(found)
    assert work.asked == []
