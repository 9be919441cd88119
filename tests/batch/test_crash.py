"""Whatever operation on a file is the last one of a run, nothing wrong comes of it afterwards."""

from contextlib import contextmanager
from pathlib import Path

import echo_backend
import pytest
from echo import some_texts, write_rows

from textgen.batch.manifest import FINISHED, read_manifest
from textgen.batch.output import Output

bench = pytest.fixture(echo_backend.bench)
STEPS = ("open", "replace", "unlink", "write_text", "mkdir")
MOST = 60  # operations of a run; it has some twenty


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_before(step: int):
    """Let the operation of that number, and all after it, not take place."""
    done = 0

    def counted(operation):
        def run(*args, **kwargs):
            nonlocal done
            done += 1
            if done > step:
                raise Killed
            return operation(*args, **kwargs)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(Path, name, counted(getattr(Path, name)))
        yield


def kill(bench, step: int, *flags) -> bool:
    """Run up to a step; whether it did not get to its end."""
    try:
        with killed_before(step):
            assert bench.run(*flags) in (0, 3)
    except Killed:
        return True
    return False


def begin(bench, name: str, before: str) -> None:
    """Remove what is there, and let an earlier run with another seed be finished or interrupted."""
    bench.out = bench.folder / name
    for file in bench.folder.glob("o.*"):
        file.unlink()
    if before == "finished":
        assert bench.run("--seed", 1) == 3
    if before == "interrupted":
        bench.interrupt(5, "--seed", 1)


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
@pytest.mark.parametrize("before", ["", "finished", "interrupted"])
def test_a_run_killed_at_any_step_gives_the_right_bytes_or_is_refused(bench, name, before):
    bench.give(some_texts(20, bad=6))
    bench.out = bench.folder / name
    whole = bench.whole()
    flags = ("--force",) if before else ()
    for step in range(MOST):
        begin(bench, name, before)
        if not kill(bench, step, *flags):
            break
        code = bench.run("--resume")
        if code == 2:  # nothing of this run is there yet, or it cannot be told whose the rest is
            code = bench.run("--force")
        where = f"killed before step {step}"
        assert code in (0, 3), where
        assert bench.out.read_bytes() == whole, where
        manifest = read_manifest(Output(bench.out).manifest)
        assert (manifest.state, manifest.errors, manifest.options["seed"]) == (FINISHED, 3, 7), where
        assert not bench.part.exists(), where
    else:
        pytest.fail("it never ends")


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_run_killed_at_its_end_can_have_its_errors_redone(bench, name):
    texts = some_texts(20)
    write_rows(bench.folder / "mended.jsonl", texts)
    bench.give(texts)
    bench.out = bench.folder / name
    whole = bench.whole()
    for step in range(MOST):
        begin(bench, name, "")
        bench.give(some_texts(20, bad=6))
        if not kill(bench, step):
            break
        if not bench.out.exists() or not bench.out.stat().st_size:
            continue
        bench.run("--resume")
        bench.give(texts)
        assert bench.run("--retry-errors") == 0, f"killed before step {step}"
        assert bench.out.read_bytes() == whole, f"killed before step {step}"
    else:
        pytest.fail("it never ends")


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv"])
def test_a_retry_killed_at_any_step_can_be_done_again(bench, name):
    texts = some_texts(20)
    bench.give(texts)
    bench.out = bench.folder / name
    whole = bench.whole()
    for step in range(MOST):
        begin(bench, name, "")
        bench.give(some_texts(20, bad=6))
        assert bench.run() == 3
        bench.give(texts)
        if not kill(bench, step, "--retry-errors"):
            break
        where = f"killed before step {step}"
        assert bench.run("--retry-errors") == 0, where
        assert bench.out.read_bytes() == whole, where
        manifest = read_manifest(Output(bench.out).manifest)
        assert (manifest.state, manifest.errors) == (FINISHED, 0), where
    else:
        pytest.fail("it never ends")
