"""A run that was cut short goes on and gives the bytes of an undisturbed one, or is refused."""

import errno
import os
from contextlib import contextmanager

import echo_backend
import pytest
from echo import BAD, read_records, some_texts
from echo_backend import meanwhile

from textgen.batch.manifest import read_manifest
from textgen.batch.output import Output
from textgen.files.formats.base import Records
from textgen.files.lock import locked

bench = pytest.fixture(echo_backend.bench)


def state(folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_where_nothing_is_there_a_resumed_run_begins(bench):
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == bench.whole()


@pytest.mark.parametrize(
    ("bad", "code", "errors"),
    [
        (10, 3, "3; --retry-errors computes these again"),
        (1, 1, "30; --retry-errors computes these again"),
        (0, 0, "0"),
    ],
)
def test_a_finished_output_is_left_as_it_is(bench, capsys, bad, code, errors):
    bench.give(some_texts(30, bad=bad))
    assert bench.run() == code
    files = state(bench.folder)
    capsys.readouterr()
    assert bench.run("--resume") == code
    assert capsys.readouterr().err == f"{bench.out} has all 30 records already (errors: {errors})\n"
    assert not bench.computed
    assert state(bench.folder) == files


@pytest.mark.parametrize("after", [0, 1, 4, 9, 13, 17, 18])
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.txt"])
def test_a_run_goes_on_behind_its_last_whole_window(bench, capsys, name, after):
    bench.out = bench.folder / name
    bench.give(some_texts(36, bad=11))
    whole = bench.whole()
    bench.interrupt(after)
    assert not bench.out.exists()
    assert f"{bench.out} is not finished; --resume goes on" in capsys.readouterr().err
    kept = len(read_records(bench.part)) // 8 * 8
    if kept:
        assert bench.run() == 2, "without a flag nothing is done"
    assert bench.run("--resume") == 3
    assert bench.out.read_bytes() == whole
    good = [n for n in range(kept + 1, 37) if n % 11]
    assert sorted(bench.computed, key=int) == [str(n) for n in good]
    assert not bench.part.exists()
    assert read_manifest(Output(bench.out).manifest).errors == 3


def test_a_run_may_be_interrupted_again_and_again(bench):
    whole = bench.whole()
    bench.interrupt(3)
    for _ in range(3):
        bench.interrupt(5, "--resume")
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_part_cut_at_any_byte_is_repaired(bench):
    bench.give(some_texts(20, bad=6))
    whole = bench.whole("--batch-size", 1)
    bench.interrupt(12, "--batch-size", 1)
    part, running = bench.part.read_bytes(), Output(bench.out).running.read_bytes()
    ends = [at + 1 for at, byte in enumerate(part) if byte == ord("\n")]
    cuts = {
        0,
        1,
        len(part) - 1,
        *range(ends[8], ends[9], 9),
        *(end + move for end in ends for move in (-1, 0)),
    }
    for cut in sorted(cuts):
        bench.out.unlink(missing_ok=True)
        bench.hold(part[:cut])
        Output(bench.out).running.write_bytes(running)
        assert bench.run("--resume", "--batch-size", 1) == 3
        assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("tail", [b"{\n", b"\x00" * 300, b"null\n" * 9], ids=["half", "zeros", "other"])
def test_what_is_no_record_is_written_over(bench, tail):
    whole = bench.whole()
    bench.interrupt(9)
    with bench.part.open("ab") as part:
        part.write(tail)
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


def test_more_records_than_rows_are_cut(bench):
    whole = bench.whole()
    bench.interrupt(9)
    bench.hold(whole + whole)
    assert bench.run("--resume") == 0
    assert not bench.computed
    assert bench.out.read_bytes() == whole


def test_the_last_records_are_the_same_where_all_the_rest_is_unreadable(bench):
    """For these no model is needed, but their records name it all the same."""
    bench.give([*some_texts(16), *({"text": number} for number in range(14))])
    whole = bench.whole()
    bench.interrupt(7)
    bench.hold(b"".join(whole.splitlines(keepends=True)[:16]))
    assert bench.run("--resume") == 3
    assert bench.out.read_bytes() == whole
    for number in (1, 2):
        assert bench.run("--shard", f"{number}/2", out=bench.folder / f"{number}.jsonl") in (0, 3)
    assert b"".join((bench.folder / f"{n}.jsonl").read_bytes() for n in (1, 2)) == whole


def test_a_forced_run_that_was_interrupted_goes_on(bench):
    assert bench.run() == 0
    whole = bench.whole("--seed", 8)
    bench.interrupt(9, "--seed", 8, "--force")
    assert bench.run("--seed", 8, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_forced_run_forgets_what_was_interrupted_before(bench):
    whole = bench.whole("--seed", 8)
    bench.interrupt(9)
    bench.interrupt(5, "--seed", 8, "--force")
    assert bench.run("--seed", 8, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_finished_run_with_errors_ends_as_it_did(bench):
    """Whether the last rows were computed by this run or by one that was killed as it finished."""
    bench.give([*some_texts(9), BAD])
    bench.interrupt(4)
    bench.hold(bench.whole())
    assert bench.run("--resume") == 3
    assert read_manifest(Output(bench.out).manifest).errors == 1


def test_of_two_that_resume_the_second_is_refused(bench, capsys):
    whole = bench.whole()
    bench.interrupt(9)
    with meanwhile(lambda: echo_backend.run(bench.args("--resume")), 3) as codes:
        assert bench.run("--resume") == 0
    assert codes == [2]
    assert "is being written by another run" in capsys.readouterr().err
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
@pytest.mark.parametrize("at", ["check", "compute"])
def test_of_two_new_runs_the_second_is_refused(bench, capsys, name, at):
    """Whether the first computes or still loads its model, and whatever the second is told to do."""
    bench.out = bench.folder / name
    whole, other = bench.whole(), ("--seed", 8)

    def second() -> list[int]:
        return [echo_backend.run(bench.args(*other, *flag)) for flag in ((), ("--resume",), ("--force",))]

    with meanwhile(second, at=at) as codes:
        assert bench.run() == 0
    assert codes == [[2, 2, 2]]
    assert "is being written by another run" in capsys.readouterr().err
    assert bench.out.read_bytes() == whole


def test_a_run_is_refused_while_another_converts(bench, monkeypatch, capsys):
    bench.out = bench.folder / "o.csv"
    whole, codes = bench.whole(), []

    def during(*args, **options):
        for flag in ("--resume", "--force"):
            codes.append(echo_backend.run(bench.args(flag)))
        return Records(*args, **options)

    monkeypatch.setattr("textgen.batch.publish.Records", during)
    assert bench.run() == 0
    assert codes == [2, 2]
    assert capsys.readouterr().err.count("is being written by another run") == 2
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("before", ["", "interrupted", "finished"])
def test_what_another_run_has_changed_since_it_was_looked_at_is_refused(bench, monkeypatch, capsys, before):
    """The other one ended before this one took the lock."""
    bench.give(some_texts(30, bad=8))
    if before == "interrupted":
        bench.interrupt(9)
    if before == "finished":
        assert bench.run() == 3
    files = []

    @contextmanager
    def late(path, what):
        with monkeypatch.context() as patch:
            patch.setattr("textgen.batch.run.locked", locked)
            if before == "finished":
                bench.interrupt(3, "--force")
            else:
                assert bench.run("--resume") == 3
            files.append(state(bench.folder))
        with locked(path, what):
            yield

    monkeypatch.setattr("textgen.batch.run.locked", late)
    args = bench.args(*{"": (), "interrupted": ("--resume",), "finished": ("--retry-errors",)}[before])
    assert echo_backend.run(args) == 2
    assert str(bench.out) in capsys.readouterr().err
    assert state(bench.folder) == files[0]


@pytest.mark.parametrize("flag", ["", "--force", "--retry-errors"])
def test_an_input_that_changes_during_a_run_is_an_error(bench, capsys, flag):
    """Nothing of the run is published, nor gone on from."""
    texts = some_texts(600, bad=200)
    bench.give(texts)
    whole = bench.whole()
    if flag:
        assert bench.run() == 3
        whole = bench.out.read_bytes()
    with meanwhile(lambda: bench.give([text.replace("风", "雨") for text in texts]), 0, at="prepare"):
        assert bench.run(*([flag] if flag else [])) == 1
    assert "the input changed while it was read" in capsys.readouterr().err
    assert bench.out.exists() == bool(flag)
    if flag:
        assert bench.out.read_bytes() == whole
    bench.give(texts)
    assert bench.run("--resume") in (0, 2, 3)
    if bench.out.exists():
        assert bench.out.read_bytes() == whole, "records of the other input were taken"
    assert bench.run("--force") == 3
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("rows", [20, 40])
def test_an_input_that_gets_shorter_or_longer_is_an_error(bench, capsys, rows):
    with meanwhile(lambda: bench.give(some_texts(rows)), 1):
        assert bench.run() == 1
    assert "the input changed while it was read" in capsys.readouterr().err
    assert not bench.out.exists()


def test_without_locks_a_run_goes_on(bench, monkeypatch):
    def fail(file, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", fail)
    bench.interrupt(9)
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == bench.whole()
