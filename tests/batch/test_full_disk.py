"""A disk without room ends a run in one line; once there is room it goes on."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import echo_backend
import pytest
from echo import read_records, some_texts
from echo_backend import run

from textgen.batch.journal import Journal
from textgen.files.formats.registry import formats, output_formats

resource = pytest.importorskip("resource")  # not on every system
bench = pytest.fixture(echo_backend.bench)


@pytest.fixture
def disk(tmp_path):
    """A folder on a disk of 20 KiB, and what makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=20k", "tmpfs", folder], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder, lambda: subprocess.run([mount, "-o", "remount,size=9m", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_run_goes_on_once_there_is_room(bench, disk, capsys, name):
    folder, enlarge = disk
    bench.give(some_texts(90))
    bench.out = bench.folder / name
    whole = bench.whole()
    bench.out = folder / name
    capsys.readouterr()
    assert bench.run() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: writing ")
    assert "No space left on device" in line
    assert "--resume" in line
    assert 0 < len(bench.computed) < 90
    assert bench.run("--resume") == 1, "there is no more room than before"
    enlarge()
    assert bench.run("--resume") == 0
    assert len(bench.computed) < 90
    assert bench.out.read_bytes() == whole


def test_a_disk_that_is_full_at_the_end_leaves_all_records(bench, disk, capsys):
    """The journal fits, the table that is made of it does not fit beside it."""
    folder, enlarge = disk
    bench.give(some_texts(14))
    bench.out = bench.folder / "o.csv"
    whole = bench.whole()
    bench.out = folder / "o.csv"
    (folder / "filler").write_bytes(bytes(4096))
    capsys.readouterr()
    assert bench.run() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    assert len(read_records(bench.part)) == 14
    found = sorted(path.name for path in folder.glob("o.*"))
    assert found == ["o.csv.part", "o.csv.part.manifest.json", "o.csv.part.rows"]
    enlarge()
    assert bench.run("--resume") == 0
    assert not bench.computed
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("errors", [0, 3])
@pytest.mark.parametrize("suffix", [end for end, one in output_formats().items() if not one.is_journal])
def test_half_a_table_does_not_stay(bench, monkeypatch, capsys, suffix, errors):
    bench.give(some_texts(20, bad=6 if errors else 0))
    bench.out = bench.folder / f"o{suffix}"
    whole = bench.whole()

    def half(records, path):
        path.write_bytes(whole[: len(whole) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        format = output_formats()[bench.out.suffix]
        patch.setitem(formats(), format.name, replace(format, write=half))
        for flag in ((), ("--resume",)):
            capsys.readouterr()
            assert bench.run(*flag) == 1
            assert "No space left on device (what was written before is safe; make" in capsys.readouterr().err
            found = sorted(path.name for path in bench.folder.glob("o.*"))
            assert found == [f"o{suffix}{end}" for end in (".part", ".part.manifest.json", ".part.rows")]
    assert bench.run("--resume") == (3 if errors else 0)
    assert not bench.computed
    if suffix != ".parquet":  # which tells when it was made
        assert bench.out.read_bytes() == whole


def limited(args, size, log) -> None:
    """What a fork does whose files cannot grow beyond a size."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    os._exit(run(args))


@pytest.mark.parametrize("size", [0, 1, 2000, 5003, 9999])
def test_a_line_that_is_written_in_part_is_repaired(bench, size):
    bench.give(some_texts(90))
    whole = bench.whole()
    log = bench.folder / "log"
    args = (bench.args("--resume"), size, log)
    process = multiprocessing.get_context("fork").Process(target=limited, args=args)
    process.start()
    process.join()
    assert process.exitcode == 1
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("at", [1, 8, 13, 30])
def test_whichever_record_cannot_be_written_the_run_goes_on_behind_it(bench, monkeypatch, capsys, at):
    whole = bench.whole()
    write = Journal.write

    class Full:
        """A disk without room."""

        def __init__(self, file):
            self.fileno = file.fileno

        def write(self, data):
            raise OSError(28, "No space left on device")

    def fail(self, line, digest):
        if self.rows == at - 1:
            monkeypatch.setattr(self, "_file", Full(self._file))
        write(self, line, digest)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", fail)
        capsys.readouterr()
        assert bench.run() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole
