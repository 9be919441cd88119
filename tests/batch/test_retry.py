"""The error rows of a finished run, and only these, are computed again."""

import csv

import echo_backend
import pytest
from echo import BAD, read_records, some_texts
from echo_backend import ending

from textgen.batch.manifest import read_manifest
from textgen.batch.output import Output

bench = pytest.fixture(echo_backend.bench)
GOOD = some_texts(40)
SOME_BAD = some_texts(40, bad=6)
ERRORS = [str(n) for n in range(6, 41, 6)]


def finish(bench, name: str = "o.jsonl") -> bytes:
    """Run over rows of which some are errors; what it would have been without them."""
    bench.out = bench.folder / name
    bench.give(GOOD)
    whole = bench.whole()
    bench.give(SOME_BAD)
    assert bench.run() == 3
    return whole


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.txt"])
def test_mended_rows_are_computed_and_nothing_else(bench, name):
    whole = finish(bench, name)
    bench.give(GOOD)
    assert bench.run("--retry-errors") == 0
    assert sorted(bench.computed, key=int) == ERRORS
    assert bench.out.read_bytes() == whole
    assert read_manifest(Output(bench.out).manifest).errors == 0
    assert {path.name for path in bench.folder.glob("o*")} == {name, f"{name}.manifest.json"}
    assert bench.run("--retry-errors") == 0
    assert not bench.computed


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_rows_may_be_mended_in_several_goes(bench, name):
    whole = finish(bench, name)
    bench.give(
        [good if n % 12 == 5 else bad for n, (good, bad) in enumerate(zip(GOOD, SOME_BAD, strict=True))]
    )
    assert bench.run("--retry-errors") == 3
    assert sorted(bench.computed, key=int) == [number for number in ERRORS if int(number) % 12 == 6]
    assert read_manifest(Output(bench.out).manifest).errors == 3
    bench.give(GOOD)
    assert bench.run("--retry-errors") == 0
    assert len(bench.computed) == 3
    assert bench.out.read_bytes() == whole


def test_the_other_records_keep_their_bytes(bench):
    finish(bench)
    lines = bench.out.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"id": ', b'"id":     ')  # a record that we would have written otherwise
    bench.out.write_bytes(b"\n".join(lines))
    bench.give(GOOD)
    assert bench.run("--retry-errors") == 0
    after = bench.out.read_bytes().split(b"\n")
    assert [n for n, (one, other) in enumerate(zip(lines, after, strict=True), 1) if one != other] == [
        int(number) for number in ERRORS
    ]


def test_rows_that_could_not_be_read_are_retried_too(bench):
    bench.give([{"text": 3}, {"id": "乙", "text": "春天"}, {"text": "夏天" + BAD}])
    assert bench.run() == 3
    assert bench.run("--retry-errors") == 3
    bench.give([{"id": "甲", "text": "秋天"}, {"id": "乙", "text": "春天"}, {"text": "夏天"}])
    assert bench.run("--retry-errors") == 0
    assert [record["id"] for record in read_records(bench.out)] == ["甲", "乙", "3"]
    assert bench.out.read_bytes() == bench.whole()


def test_errors_stay_beside_a_table_that_holds_them(bench):
    finish(bench, "o.csv")
    with bench.out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows if row["error"]] == ERRORS
    records = read_records(Output(bench.out).records)
    assert [record["id"] for record in records if record["error"]] == ERRORS


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_another_input_is_refused_and_nothing_changed(bench, capsys, name):
    bench.out = bench.folder / name
    rows = [{"id": f"甲{n}", "text": text} for n, text in enumerate(SOME_BAD)]
    bench.give(rows)
    assert bench.run() == 3
    files = {path: path.read_bytes() for path in bench.folder.glob("o*")}
    for other, named in (
        (rows[::-1], "甲"),
        (rows[:-1], "input.rows 40, now 39"),
        ([*rows, {"text": "春天"}], "input.rows 40, now 41"),
    ):
        bench.give(other)
        capsys.readouterr()
        assert bench.run("--retry-errors") == 2
        assert named in capsys.readouterr().err
        assert not bench.computed
    assert {path: path.read_bytes() for path in bench.folder.glob("o*")} == files


@pytest.mark.parametrize("flags", [("--seed", 8), ("-n", 2), ("--batch-size", 4)], ids=["seed", "n", "batch"])
def test_another_run_is_refused(bench, flags):
    finish(bench)
    before = bench.out.read_bytes()
    bench.give(GOOD)
    assert bench.run("--retry-errors", *flags) == 2
    assert bench.out.read_bytes() == before


def test_the_seed_is_that_of_the_run(bench):
    whole = finish(bench)
    args = bench.args("--retry-errors")
    at = args.index("--seed")
    bench.give(GOOD)
    assert echo_backend.run(args[:at] + args[at + 2 :]) == 0
    assert bench.out.read_bytes() == whole


def test_there_must_be_something_to_retry(bench, capsys):
    assert bench.run("--retry-errors") == 2
    bench.interrupt(9)
    capsys.readouterr()
    assert bench.run("--retry-errors") == 2
    assert "--resume" in capsys.readouterr().err
    assert bench.run("--resume") == 0
    capsys.readouterr()
    assert bench.run("--retry-errors") == 0
    assert not bench.computed


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_records_that_are_broken_or_gone_are_refused(bench, capsys, name):
    finish(bench, name)
    records = Output(bench.out).records
    lines = records.read_bytes().split(b"\n")
    for broken in ([*lines[:3], b"{", *lines[4:]], lines[:9], [*lines[:-1], lines[3], b""]):
        records.write_bytes(b"\n".join(broken))
        capsys.readouterr()
        assert bench.run("--retry-errors") == 2
        err = capsys.readouterr().err
        assert records.name in err
        assert "--force" in err
    records.unlink()
    assert bench.run("--retry-errors") == 2


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_retry_that_was_interrupted_loses_nothing_and_says_how_to_go_on(bench, capsys, name):
    whole = finish(bench, name)
    files = {path: path.read_bytes() for path in bench.folder.glob("o*")}
    bench.give(GOOD)
    capsys.readouterr()
    bench.interrupt(2, "--retry-errors")
    err = capsys.readouterr().err
    assert {path: path.read_bytes() for path in files} == files
    assert "--retry-errors" in err
    assert "--resume" not in err
    assert bench.run("--retry-errors") == 0
    assert bench.out.read_bytes() == whole


def test_a_retry_for_which_there_is_no_room_loses_nothing(bench):
    whole = finish(bench)
    before = bench.out.read_bytes()
    bench.give(GOOD)
    with ending(2, OSError(28, "No space left on device")):
        assert bench.run("--retry-errors") == 1
    assert bench.out.read_bytes() == before
    assert bench.run("--retry-errors") == 0
    assert bench.out.read_bytes() == whole


def test_a_strict_retry_stops_at_the_first_error_that_is_left(bench, capsys):
    finish(bench)
    before = bench.out.read_bytes()
    bench.give([*GOOD[:20], *SOME_BAD[20:]])
    assert bench.run("--retry-errors", "--strict") == 1
    assert "24: the text is bad" in capsys.readouterr().err
    assert bench.out.read_bytes() == before
    assert bench.run("--retry-errors") == 3


def test_a_forced_run_that_was_interrupted_has_no_errors_to_redo(bench, capsys):
    bench.give(some_texts(30, bad=8))
    assert bench.run() == 3
    old, whole = bench.out.read_bytes(), bench.whole("--seed", 8)
    bench.interrupt(9, "--seed", 8, "--force")
    capsys.readouterr()
    assert bench.run("--retry-errors") == 2
    assert "--resume finishes it first" in capsys.readouterr().err
    assert bench.out.read_bytes() == old
    assert bench.run("--seed", 8, "--resume") == 3
    assert bench.out.read_bytes() == whole
    assert read_manifest(Output(bench.out).manifest).options["seed"] == 8
