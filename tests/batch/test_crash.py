"""Whatever operation on a file is the last one of a run, nothing wrong comes of it afterwards."""

from contextlib import contextmanager
from pathlib import Path

import echo_backend
import pytest
from echo import some_texts

from textgen.batch.manifest import read_manifest
from textgen.batch.output import Output

bench = pytest.fixture(echo_backend.bench)
STEPS = ("open", "replace", "hardlink_to", "unlink", "write_bytes", "mkdir", "rmdir")
MOST = 80  # operations of a run; it has some thirty
TEXTS = some_texts(20)
SOME_BAD = some_texts(20, bad=6)
NAMES = ("o.jsonl", "o.csv", "folder/")
names = pytest.mark.parametrize("name", NAMES)
# some steps, other ones for every kind of output; or all of them
some = pytest.mark.parametrize(
    "some", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["some", "all"]
)
amid = pytest.mark.parametrize("amid", [False, True], ids=["before", "amid"])


class Killed(BaseException):
    """The process is gone."""


def steps(name: str, some: bool) -> range:
    """The steps to be killed at; they go on beyond the end of any run."""
    return range(NAMES.index(name), MOST, 3) if some else range(MOST)


@contextmanager
def killed(step: int, amid: bool):
    """Let no operation after that of a number take place, nor what follows it in the same breath.

    Args:
        step: The number of the first that does not take place.
        amid: It does take place, but nothing comes of it: a file is opened, and not written.
    """
    done = 0

    def counted(operation):
        def run(*args, **kwargs):
            nonlocal done
            done += 1
            if amid and done == step + 1:
                found = operation(*args, **kwargs)
                if hasattr(found, "close"):
                    found.close()
                raise Killed
            if done > step:
                raise Killed
            return operation(*args, **kwargs)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(Path, name, counted(getattr(Path, name)))
        yield


def kill(bench, step: int, amid: bool, *flags) -> bool:
    """Run up to a step; whether it did not get to its end."""
    try:
        with killed(step, amid):
            assert bench.run(*flags) in (0, 3)
    except Killed:
        return True
    return False


def place(bench, name: str) -> str:
    """Where the records are to go, and what the command line calls it."""
    bench.out = bench.folder / (f"{name}part-00001-of-00001.jsonl" if name.endswith("/") else name)
    return f"{bench.folder}/{name}"


def files(bench) -> list[Path]:
    return [file for pattern in ("o.*", "folder/*") for file in bench.folder.glob(pattern)]


def begin(bench, name: str, before: str) -> bytes | None:
    """Remove what is there, and let an earlier run with another seed be finished or interrupted."""
    given = place(bench, name)
    for file in files(bench):
        file.unlink()
    if bench.out.parent != bench.folder and bench.out.parent.exists():
        bench.out.parent.rmdir()
    if before == "finished":
        assert bench.run("--seed", 1, out=given) == 3
        return bench.out.read_bytes()
    if before == "interrupted":
        bench.interrupt(5, "--seed", 1, out=given)
    return None


def check_finished(bench, errors: int, where: str) -> None:
    """There is one state of a finished run: its output, its manifest, and its records if need be."""
    output = Output(bench.out)
    manifest = read_manifest(output.manifest)
    assert (manifest.errors, manifest.options["seed"]) == (errors, 7), where
    assert not output.running.exists(), where
    assert not output.draft.exists(), where
    assert not output.lock.exists(), where
    beside = {output.records, output.digests} if errors else set()
    assert (
        set(files(bench)) - {output.part, output.part_digests} == {output.path, output.manifest} | beside
    ), where


def undisturbed(bench, name: str) -> bytes:
    place(bench, name)
    return bench.whole()


@some
@amid
@names
@pytest.mark.parametrize("before", ["", "finished", "interrupted"])
def test_a_run_killed_at_any_step_gives_the_right_bytes_or_is_refused(bench, name, before, amid, some):
    bench.give(SOME_BAD)
    whole = undisturbed(bench, name)
    flags = ("--force",) if before else ()
    for step in steps(name, some):
        old = begin(bench, name, before)
        given = f"{bench.folder}/{name}"
        try:
            with killed(step, amid):
                assert bench.run(*flags, out=given) in (0, 3)
            break
        except Killed:
            pass
        where = f"killed at step {step}"
        if bench.out.exists() and bench.out.stat().st_size:
            assert bench.out.read_bytes() in (old, whole), where
        code = bench.run("--resume", out=given)
        if code == 2:  # nothing of this run is there yet
            assert before or not bench.part.exists() or not bench.part.stat().st_size, where
            if old is not None:
                assert bench.out.read_bytes() == old, where
            code = bench.run("--force", out=given)
        assert code in (0, 3), where
        assert bench.out.read_bytes() == whole, where
        check_finished(bench, 3, where)
        assert not bench.part.exists(), where
    else:
        pytest.fail("it never ends")


@some
@amid
@names
def test_a_new_run_killed_at_any_step_is_resumed(bench, name, amid, some):
    """Without rows that are errors, and without any need of force."""
    bench.give(TEXTS)
    whole = undisturbed(bench, name)
    for step in steps(name, some):
        begin(bench, name, "")
        given = f"{bench.folder}/{name}"
        try:
            with killed(step, amid):
                assert bench.run(out=given) == 0
            break
        except Killed:
            pass
        where = f"killed at step {step}"
        assert bench.run("--resume", out=given) == 0, where
        assert bench.out.read_bytes() == whole, where
        check_finished(bench, 0, where)
        assert bench.run("--resume", out=given) == 0, where
        assert not bench.computed, where
    else:
        pytest.fail("it never ends")


@some
@amid
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_resumed_run_killed_at_any_step_is_resumed(bench, name, amid, some):
    bench.give(SOME_BAD)
    whole = undisturbed(bench, name)
    for step in steps(name, some):
        begin(bench, name, "")
        bench.interrupt(5)
        if not kill(bench, step, amid, "--resume"):
            break
        where = f"killed at step {step}"
        assert bench.run("--resume") in (0, 3), where
        assert bench.out.read_bytes() == whole, where
        check_finished(bench, 3, where)
    else:
        pytest.fail("it never ends")


@some
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_run_killed_at_its_end_can_have_its_errors_redone(bench, name, some):
    bench.give(TEXTS)
    whole = undisturbed(bench, name)
    for step in steps(name, some):
        begin(bench, name, "")
        bench.give(SOME_BAD)
        if not kill(bench, step, False):
            break
        if not bench.out.exists() or not bench.out.stat().st_size:
            continue
        bench.run("--resume")
        bench.give(TEXTS)
        assert bench.run("--retry-errors") == 0, f"killed at step {step}"
        assert bench.out.read_bytes() == whole, f"killed at step {step}"
    else:
        pytest.fail("it never ends")


@some
@amid
@pytest.mark.parametrize("left", [0, 3])
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_retry_killed_at_any_step_can_be_done_again(bench, name, left, amid, some):
    """Or, where all has been computed, be finished by --resume."""
    mended = [*TEXTS[:10], *SOME_BAD[10:]] if left else TEXTS
    left = sum(text not in TEXTS for text in mended)
    bench.give(mended)
    whole = undisturbed(bench, name)
    for step in steps(name, some):
        begin(bench, name, "")
        bench.give(SOME_BAD)
        assert bench.run() == 3
        old = bench.out.read_bytes()
        bench.give(mended)
        if not kill(bench, step, amid, "--retry-errors"):
            break
        where = f"killed at step {step}"
        assert bench.out.read_bytes() in (old, whole), where
        code = bench.run("--retry-errors")
        if code == 2:
            code = bench.run("--resume")
            assert not bench.computed, where
        assert code in (0, 3 if left else 0), where
        assert bench.out.read_bytes() == whole, where
        check_finished(bench, left, where)
    else:
        pytest.fail("it never ends")


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_after_a_killed_retry_the_earlier_run_is_still_finished(bench, name):
    """Its errors need not be redone: --resume has nothing to do, and does it."""
    begin(bench, name, "")
    bench.give(SOME_BAD)
    assert bench.run() == 3
    whole = bench.out.read_bytes()
    bench.give(TEXTS)
    bench.interrupt(1, "--retry-errors")
    assert bench.part.exists()
    bench.give(SOME_BAD)
    assert bench.run("--resume") == 3
    assert not bench.computed
    assert bench.out.read_bytes() == whole
    assert bench.run("--force") == 3
    assert bench.out.read_bytes() == whole
    assert not bench.part.exists()
