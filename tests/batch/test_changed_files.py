"""What others do to the files of a run while it goes, or before it is taken up again: nothing is lost."""

import shutil

import echo_backend
import pytest
from echo import read_records, some_texts
from echo_backend import meanwhile

from textgen.batch.output import Output

bench = pytest.fixture(echo_backend.bench)
TEXTS = some_texts(30)
OTHERS = [text.replace("风", "雨") for text in TEXTS]
tables = pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])


def state(bench) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bench.folder.glob("o.*")}


@pytest.mark.parametrize("flag", ["", "--force", "--retry-errors", "--resume"])
def test_an_input_that_is_touched_ends_no_run(bench, flag):
    """As by a copy of the same file, or a program that saves it unchanged."""
    texts = some_texts(30, bad=6) if flag == "--retry-errors" else TEXTS
    bench.give(texts)
    whole = bench.whole()
    if flag in ("--force", "--retry-errors"):
        assert bench.run() in (0, 3)
    if flag == "--resume":
        bench.interrupt(6)
    with meanwhile(lambda: bench.give(texts), 1, at="prepare"):
        assert bench.run(*([flag] if flag else [])) == (3 if flag == "--retry-errors" else 0)
    assert bench.out.read_bytes() == whole


@tables
def test_an_input_that_changes_costs_no_record_that_was_made_of_the_old_one(bench, capsys, name):
    bench.out = bench.folder / name
    whole = bench.whole()
    with meanwhile(lambda: bench.rows.unlink() or bench.give(OTHERS), 9):  # the old one stays open
        assert bench.run() == 1
    told = capsys.readouterr().err
    assert f"the input changed while it was read; the records so far stay in {bench.part}" in told
    assert "with the input as it was --resume goes on" in told
    assert len(read_records(bench.part)) == 30
    assert bench.run("--resume") == 2, "the input is another one"
    bench.give(TEXTS)
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole
    assert not bench.computed, "all records were made of the old input"


def test_records_of_an_input_that_changed_and_changed_back_are_not_kept(bench, capsys):
    """At the end the file is what it was at the beginning, and yet some rows were others."""
    texts = [f"{text}{'山' * 100}" for text in some_texts(600)]  # more than is read at once
    others = [text.replace("风", "雨") for text in texts]
    bench.give(texts)
    whole = bench.whole()
    with meanwhile(lambda: bench.give(others), 20), meanwhile(lambda: bench.give(texts), 200):
        assert bench.run() == 1
    assert "the input changed while it was read" in capsys.readouterr().err
    written = bench.part.read_bytes()
    assert written != whole
    assert bench.run("--resume") == 0
    assert 0 < len(bench.computed) < 600
    assert bench.out.read_bytes() == whole


@tables
@pytest.mark.parametrize("at", ["prepare", "compute"])
def test_an_output_that_appears_during_a_run_is_left_alone(bench, capsys, name, at):
    bench.out = bench.folder / name
    whole = bench.whole()
    with meanwhile(lambda: bench.out.write_text("precious", encoding="utf-8"), 3, at=at):
        assert bench.run() == 1
    err = capsys.readouterr().err
    kept = Output(bench.out).whole
    assert f"-o {bench.out} exists, and did not when the run began; the records are in {kept}" in err
    assert "--resume finishes the run" in err
    assert kept.read_bytes() == whole
    assert bench.out.read_text(encoding="utf-8") == "precious"
    assert bench.run() == 2
    assert bench.run("--resume") in (1, 2), "it is still there"
    assert bench.out.read_text(encoding="utf-8") == "precious"
    bench.out.rename(bench.folder / "away")
    assert bench.run("--resume") == 0
    assert not bench.computed
    assert bench.out.read_bytes() == whole
    assert set(state(bench)) == {name, f"{name}.manifest.json"}


@tables
def test_an_output_that_appears_while_a_run_is_interrupted_is_left_alone(bench, capsys, name):
    bench.out = bench.folder / name
    whole = bench.whole()
    bench.interrupt(9)
    bench.out.write_text("precious", encoding="utf-8")
    capsys.readouterr()
    assert bench.run("--resume") == 2
    assert f"the records are in {bench.part}" in capsys.readouterr().err
    assert not bench.computed
    assert bench.out.read_text(encoding="utf-8") == "precious"
    bench.out.unlink()
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


@tables
def test_a_forced_run_may_replace_what_appears(bench, name):
    bench.out = bench.folder / name
    whole = bench.whole()
    with meanwhile(lambda: bench.out.write_text("in the way", encoding="utf-8"), 3):
        assert bench.run("--force") == 0
    assert bench.out.read_bytes() == whole


@tables
def test_a_retry_leaves_an_output_that_was_edited_meanwhile(bench, capsys, name):
    bench.out = bench.folder / name
    bench.give(some_texts(30, bad=6))
    assert bench.run() == 3
    bench.give(TEXTS)
    with meanwhile(lambda: bench.out.write_text("edited", encoding="utf-8")):
        assert bench.run("--retry-errors") == 1
    assert "was changed during the run, and is left as it is" in capsys.readouterr().err
    assert bench.out.read_text(encoding="utf-8") == "edited"


@tables
@pytest.mark.parametrize("ids", [False, True], ids=["numbers", "ids"])
def test_a_retry_computes_rows_that_were_changed_too(bench, capsys, name, ids):
    def rows(texts):
        return [{"id": f"甲{n}", "text": text} if ids else text for n, text in enumerate(texts)]

    bench.out = bench.folder / name
    mended = [*TEXTS[:3], "这一行换了。", *TEXTS[4:]]
    bench.give(rows(mended))
    whole = bench.whole()
    bench.give(rows(some_texts(30, bad=6)))
    assert bench.run() == 3
    bench.give(rows(mended))
    capsys.readouterr()
    assert bench.run("--retry-errors") == 0
    told = "note: rows that have changed since and are computed again, too: 1\n"
    assert told in capsys.readouterr().err
    assert len(bench.computed) == 6
    assert bench.out.read_bytes() == whole


def test_a_retry_of_rows_that_were_moved_computes_all_that_moved(bench, capsys):
    """A row is put in and another taken out: their number is the same, and their numbers are not."""
    bench.give(some_texts(30, bad=6))
    assert bench.run() == 3
    moved = [*TEXTS[:10], "新来的一行。", *TEXTS[10:20], *TEXTS[21:]]
    bench.give(moved)
    capsys.readouterr()
    assert bench.run("--retry-errors") == 0
    assert "computed again, too: 9\n" in capsys.readouterr().err
    assert bench.out.read_bytes() == bench.whole()


def test_a_retry_knows_the_rows_that_an_earlier_retry_computed(bench):
    bench.give(some_texts(30, bad=6))
    assert bench.run() == 3
    half = [*TEXTS[:15], *some_texts(30, bad=6)[15:]]
    bench.give(half)
    assert bench.run("--retry-errors") == 3
    bench.give([TEXTS[0], "变了。", *TEXTS[2:5], "也变了。", *TEXTS[6:]])
    assert bench.run("--retry-errors") == 0
    assert sorted(bench.computed, key=int) == ["2", "6", "18", "24", "30"]
    assert bench.out.read_bytes() == bench.whole()


def test_a_retry_of_another_input_is_refused(bench, capsys):
    bench.give(some_texts(30, bad=6))
    assert bench.run() == 3
    before = state(bench)
    bench.give(OTHERS)
    assert bench.run("--retry-errors") == 2
    assert "was made of a row of this input" in capsys.readouterr().err
    assert state(bench) == before


def test_without_errors_a_changed_input_is_told(bench, capsys):
    assert bench.run() == 0
    bench.give([*TEXTS[:9], "变了。", *TEXTS[10:]])
    assert bench.run("--retry-errors") == 2
    assert "the input has changed" in capsys.readouterr().err


@pytest.mark.parametrize("broken", [b"", b"x" * 16, None])
def test_a_retry_that_cannot_compare_rows_is_refused(bench, capsys, broken):
    bench.give(some_texts(30, bad=6))
    assert bench.run() == 3
    digests = Output(bench.out).digests
    digests.unlink()
    if broken is not None:
        digests.write_bytes(broken)
    bench.give(TEXTS)
    assert bench.run("--retry-errors") == 2
    err = capsys.readouterr().err
    assert str(digests) in err
    assert "--force" in err


@pytest.mark.parametrize("how", ["killed", "finished", "interrupted"])
def test_what_is_gone_is_not_called_safe(bench, capsys, how):
    bench.out = bench.folder / "there" / "o.jsonl"
    bench.out.parent.mkdir()
    after = {"killed": 5, "finished": 14, "interrupted": 5}[how]

    def remove():
        shutil.rmtree(bench.out.parent)
        if how == "interrupted":
            raise KeyboardInterrupt

    with meanwhile(remove, after):
        assert bench.run() == (130 if how == "interrupted" else 1)
    err = capsys.readouterr().err
    assert "safe" not in err
    assert "--resume" not in err
    assert "gone" in err or "deleted" in err
    if how == "killed":
        assert len(bench.computed) < 30, "it does not go on for nothing"
