"""The records of an unfinished run: whole lines are kept, whatever is behind them."""

import errno
import io
import json
import os
import shutil
from itertools import repeat
from pathlib import Path

import pytest

from textgen.batch.journal import Journal, Kept, digests_in, journal, publish, whole_windows
from textgen.errors import TextgenError

ALL = repeat(True)  # every record fits its row
DIGEST = bytes(range(16))
LINES = [
    json.dumps({"id": str(n), "error": "坏了" if n % 3 == 2 else None}, ensure_ascii=False) for n in range(8)
]


def written(path: Path, lines: list[str]) -> bytes:
    data = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(data)
    return data


def rows_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.rows")


def size_of(count: int) -> int:
    return sum(len(line.encode()) + 1 for line in LINES[:count])


class Failing(io.BytesIO):
    """A file on a disk that has room for so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_last_line_cut_at_any_byte_is_not_kept(tmp_path):
    path = tmp_path / "part"
    data = written(path, LINES[:3])
    for end in range(size_of(2), len(data)):
        path.write_bytes(data[:end])
        assert whole_windows(path, ALL, 1, 8) == Kept(2, 0, size_of(2))
    path.write_bytes(data)
    assert whole_windows(path, ALL, 1, 8) == Kept(3, 1, size_of(3))


@pytest.mark.parametrize(
    "tail",
    [
        b"\n",
        b"null\n",
        b"3\n",
        b'"error"\n',
        b"[]\n",
        b'{"id": "9"}\n',
        b"\x00" * 40,
        b"\x00" * 40 + b"\n",
        b"{\n",
        b'{"error": "\xe5\n',
        b"\xff\xfe\n",
        b'{"error": null}',
        b'{"error": null} {"error": null}\n',
    ],
    ids=str,
)
def test_what_is_no_record_ends_what_is_kept(tmp_path, tail):
    path = tmp_path / "part"
    data = written(path, LINES[:4])
    path.write_bytes(data + tail + data)
    assert whole_windows(path, ALL, 2, 8) == Kept(4, 1, size_of(4))


@pytest.mark.parametrize(
    ("lines", "window", "total", "kept"),
    [
        (0, 4, 8, 0),
        (3, 4, 8, 0),
        (4, 4, 8, 4),
        (7, 4, 8, 4),
        (8, 4, 8, 8),
        (6, 4, 6, 6),  # the last window is shorter
        (5, 4, 6, 4),
        (3, 100, 3, 3),
        (8, 4, 6, 6),  # more than the run has
        (8, 3, 7, 7),
    ],
)
def test_only_whole_windows_are_kept(tmp_path, lines, window, total, kept):
    path = tmp_path / "part"
    written(path, LINES[:lines])
    errors = sum(n % 3 == 2 for n in range(kept))
    assert whole_windows(path, ALL, window, total) == Kept(kept, errors, size_of(kept))


def test_every_line_is_in_the_file_as_soon_as_it_is_written(tmp_path):
    path = tmp_path / "part"
    with journal(path, rows_beside(path), Kept()) as log:
        for number, line in enumerate(LINES, 1):
            log.write(line, DIGEST)
            assert path.read_bytes() == "".join(line + "\n" for line in LINES[:number]).encode()
            assert log.rows == number


def test_a_journal_goes_on_behind_what_is_kept(tmp_path):
    path = tmp_path / "part"
    data = written(path, LINES)
    rows_beside(path).write_bytes(bytes(16) * 8)
    with journal(path, rows_beside(path), Kept(4, 1, size_of(4))) as log:
        assert path.stat().st_size == size_of(4)
        for line in LINES[4:]:
            log.write(line, DIGEST)
    assert path.read_bytes() == data
    assert list(digests_in(rows_beside(path))) == [bytes(16)] * 4 + [DIGEST] * 4


@pytest.mark.parametrize(("fit", "kept"), [("", 0), ("++++", 4), ("+++-++++", 2), ("++++++++", 8)])
def test_records_of_other_rows_are_not_kept_nor_those_behind_them(tmp_path, fit, kept):
    path = tmp_path / "part"
    written(path, LINES)
    assert whole_windows(path, [sign == "+" for sign in fit], 2, 8).rows == kept


def test_a_torn_digest_counts_for_nothing(tmp_path):
    (tmp_path / "rows").write_bytes(DIGEST * 2 + DIGEST[:7])
    assert list(digests_in(tmp_path / "rows")) == [DIGEST] * 2
    assert list(digests_in(tmp_path / "none")) == []


@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_journal_that_is_deleted_is_told_at_the_end_of_a_window(tmp_path, how):
    path = tmp_path / "there" / "part"
    path.parent.mkdir()
    told = r"part was deleted while the run wrote to it"
    with pytest.raises(TextgenError, match=told) as caught, journal(path, rows_beside(path), Kept()) as log:
        log.write(LINES[0], DIGEST)
        shutil.rmtree(path.parent) if how == "folder" else path.unlink()
        log.sync()
    assert "safe" not in caught.value.line
    assert "lost" in caught.value.hint


def test_whatever_ends_a_run_is_told_with_the_journal_that_is_gone(tmp_path):
    with pytest.raises(TextgenError) as caught, journal(tmp_path / "part", tmp_path / "rows", Kept()):
        (tmp_path / "part").unlink()
        raise TextgenError("a worker process died", hint="what was written is safe")
    assert caught.value.message.startswith("a worker process died; ")
    assert "lost" in caught.value.hint
    assert "safe" not in caught.value.line


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_is_published_over_another_only_where_that_is_wanted(tmp_path, monkeypatch, links):
    if not links:

        def fail(self, target):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(Path, "hardlink_to", fail)
    draft, path = tmp_path / "draft", tmp_path / "o"
    draft.write_bytes(b"new")
    publish(draft, path, over=False)
    assert (path.read_bytes(), draft.exists()) == (b"new", False)
    draft.write_bytes(b"newer")
    with pytest.raises(FileExistsError):
        publish(draft, path, over=False)
    assert (path.read_bytes(), draft.read_bytes()) == (b"new", b"newer")
    publish(draft, path, over=True)
    assert (path.read_bytes(), draft.exists()) == (b"newer", False)


def test_a_publication_that_was_killed_between_its_steps_is_finished(tmp_path):
    draft, path = tmp_path / "draft", tmp_path / "o"
    draft.write_bytes(b"new")
    path.hardlink_to(draft)
    publish(draft, path, over=False)
    assert (path.read_bytes(), draft.exists()) == (b"new", False)


def test_a_lone_surrogate_is_read_back_as_it_was(tmp_path):
    path = tmp_path / "part"
    record = {"id": "\udc80", "text": "春\ud800天\\\udfff", "error": None}
    with journal(path, rows_beside(path), Kept()) as log:
        log.write(json.dumps(record, ensure_ascii=False), DIGEST)
    assert json.loads(path.read_bytes().decode("utf-8")) == record
    assert whole_windows(path, ALL, 1, 1).rows == 1


def test_a_full_disk_is_an_error_with_a_hint_and_loses_nothing_before_it():
    file = Failing(size_of(2) + 5)
    log = Journal(file, io.BytesIO(), Path("o.jsonl.part"))
    log.write(LINES[0], DIGEST)
    log.write(LINES[1], DIGEST)
    with pytest.raises(TextgenError, match="No space left on device") as caught:
        log.write(LINES[2], DIGEST)
    assert "resume" in caught.value.hint
    assert "o.jsonl.part" in caught.value.message
    assert log.rows == 2
    assert file.getvalue().startswith("\n".join(LINES[:2]).encode())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_that_is_full_is_an_error_with_a_hint():
    with (
        Path("/dev/full").open("wb", buffering=0) as file,
        pytest.raises(TextgenError, match="No space left") as caught,
    ):
        Journal(file, io.BytesIO(), Path("/dev/full")).write(LINES[0], DIGEST)
    assert "resume" in caught.value.hint


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=["ENOSPC", "EIO", "EDQUOT"])
def test_a_sync_that_loses_data_is_told(tmp_path, monkeypatch, code):
    def fail(number: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TextgenError), journal(tmp_path / "part", tmp_path / "rows", Kept()) as log:
        log.write(LINES[0], DIGEST)


def test_a_file_that_cannot_be_synced_can_be_written(tmp_path, monkeypatch):
    def fail(number: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", fail)
    with journal(tmp_path / "part", tmp_path / "rows", Kept()) as log:
        log.write(LINES[0], DIGEST)
    assert whole_windows(tmp_path / "part", ALL, 1, 1).rows == 1


def test_without_a_folder_there_is_an_error(tmp_path):
    path = tmp_path / "none" / "part"
    with pytest.raises(TextgenError, match=r"writing .* failed"), journal(path, rows_beside(path), Kept()):
        pass
