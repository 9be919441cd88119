"""A batch that does not fit into memory is halved, and none as large is tried again."""

import echo_backend
import pytest
from echo import read_records, some_texts
from echo_backend import EchoBackend

from textgen.models.layers.attention import padded_length

bench = pytest.fixture(echo_backend.bench)
MESSAGES = {
    "cpu": RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    ),
    "gpu": RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "python": MemoryError(),
}


@pytest.fixture
def room(monkeypatch):
    """Says how many tokens there is room for; gives the sizes of the batches that were tried."""

    def room(tokens: int, error: BaseException = MESSAGES["cpu"]) -> list[tuple[int, int]]:
        tried: list[tuple[int, int]] = []
        compute = EchoBackend.compute

        def limited(self, batch, *args):
            size = padded_length(max(item.size for item in batch))
            tried.append((len(batch), size))
            if len(batch) * size > tokens:
                raise error
            return compute(self, batch, *args)

        monkeypatch.setattr(EchoBackend, "compute", limited)
        return tried

    return room


@pytest.mark.parametrize("name", MESSAGES)
def test_all_rows_are_computed_all_the_same(bench, room, name):
    bench.give(some_texts(50, bad=11))
    whole = bench.whole("--batch-size", 16)
    room(5 * 64, MESSAGES[name])
    assert bench.run("--batch-size", 16) == 3
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 15])
def test_no_batch_is_tried_that_is_as_large_as_one_that_failed(bench, room, rows):
    bench.give([f"第{n}天，风又起。" for n in range(100, 150)])
    whole = bench.whole("--batch-size", 16)
    tried = room(rows * 16)
    assert bench.run("--batch-size", 16) == 0
    assert bench.out.read_bytes() == whole
    failed = 17
    for count, _ in tried:
        assert count < failed, f"{count} rows after {failed} were too many"
        if count > rows:
            failed = count
    assert tried[-1][0] <= rows


def test_the_size_is_remembered_in_later_windows(bench, room):
    bench.give([f"第{n}天，风又起。" for n in range(100, 300)])
    tried = room(4 * 16)
    assert bench.run("--batch-size", 16) == 0
    first = next(at for at, (count, _) in enumerate(tried) if count <= 4)
    assert max(count for count, _ in tried[32:]) <= 4, "the first window has 64 rows"
    assert first <= 3


def test_it_is_said_once_a_halving(bench, room, capsys):
    bench.give([f"第{n}天，风又起。" for n in range(100, 200)])
    room(4 * 16)
    assert bench.run("--batch-size", 16) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "out of memory" in line]
    assert len(notes) == 2
    assert notes[0].endswith("out of memory with 16 rows of 16 tokens; from here on 8")
    assert notes[1].endswith("out of memory with 8 rows of 16 tokens; from here on 4")


def test_a_row_for_which_there_is_no_room_is_an_error(bench, room, capsys):
    texts = some_texts(30)
    bench.give([*texts[:14], "很长的一句话，" * 30, *texts[14:]])
    room(4 * 64)
    assert bench.run("--batch-size", 16) == 0
    room(128)
    assert bench.run("--batch-size", 16, "--force") == 3
    assert "15: there is not enough memory for it" in capsys.readouterr().err
    records = read_records(bench.out)
    assert [record["id"] for record in records if record["error"]] == ["15"]
    assert len(records) == 31


def test_any_other_fault_ends_the_run(bench, monkeypatch, capsys):
    def fail(self, *args):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(EchoBackend, "compute", fail)
    assert bench.run() == 1
    assert "a fault of textgen" in capsys.readouterr().err
    monkeypatch.undo()
