"""Killed at any moment, resumed by any number of workers: the bytes of an undisturbed run.

A moment is a line of the code that writes records: it is the same on every machine, however fast that is.
"""

import multiprocessing
import os
import random
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import echo
import echo_backend
import pytest
from echo import SCRIPT, some_texts
from echo_backend import run

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes as Linux can")
bench = pytest.fixture(echo_backend.bench)
PATIENCE = 60  # seconds, after which a process that should have ended counts as one that never does
ONE_BY_ONE = ("--batch-size", 1)  # windows of four rows


def listing_of(bench) -> list[str]:
    """What is there of its output."""
    return sorted(path.name for path in bench.folder.glob("o*"))


def log_of(bench) -> str:
    return (bench.folder / "log").read_text(encoding="utf-8")


def workers_of(bench) -> list[int]:
    """The processes that computed for the last run."""
    return [int(pid) for pid in (bench.folder / "pids").read_text(encoding="utf-8").split()]


def ends(pid: int) -> bool:
    """Whether a process, which need not be a child, ends."""
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([file], [], [], PATIENCE)[0])
    finally:
        os.close(file)


def outcome(bench, *flags: object, **environment: str) -> int:
    """How the command line ends in a process and a session of its own."""
    pids = bench.folder / "pids"
    pids.unlink(missing_ok=True)
    with (bench.folder / "log").open("wb") as log:
        return subprocess.run(
            [sys.executable, str(SCRIPT), *bench.args(*ONE_BY_ONE, *flags)],
            stderr=log,
            env=os.environ | {echo.PIDS: str(pids)} | environment,
            start_new_session=True,
            timeout=PATIENCE,
            check=False,
        ).returncode


def forked(args: list[str], log: Path, line: int) -> None:
    """What a fork of this process does, which has torch already."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    echo.at_line(line, echo.die)
    os._exit(run(args))


def test_killed_at_ten_moments_by_one_process(bench):
    bench.give(some_texts(600, bad=31))
    whole = bench.whole(*ONE_BY_ONE)
    moments = random.Random(20)
    for kill in range(10):
        args = bench.args(*ONE_BY_ONE, *(("--resume",) if kill else ()))
        told = (args, bench.folder / "log", moments.randrange(600))
        process = multiprocessing.get_context("fork").Process(target=forked, args=told)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, log_of(bench)
        assert not bench.out.exists()
    assert bench.run(*ONE_BY_ONE, "--resume") == 3
    assert 0 < len(bench.computed) < 580
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("kills", [(2,), pytest.param((3, 2, 2, 3), marks=pytest.mark.slow)])
def test_killed_with_several_workers_and_resumed_with_others(bench, kills):
    bench.give(some_texts(300, bad=31))
    whole = bench.whole(*ONE_BY_ONE)
    moments = random.Random(21)
    for kill, workers in enumerate(kills):
        flags = ("--workers", workers, *(("--resume",) if kill else ()))
        line = moments.randrange(60, 600)
        assert outcome(bench, *flags, **{echo.AT_LINE: f"die {line}"}) == -signal.SIGKILL, log_of(bench)
        assert len(workers_of(bench)) == workers
        assert all(map(ends, workers_of(bench))), "a process outlives it"
        assert not bench.out.exists()
    assert bench.run(*ONE_BY_ONE, "--resume") == 3
    assert 0 < len(bench.computed) < 290
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize(
    ("event", "code", "told"),
    [
        (
            "kill_a_worker",
            1,
            r"^error: a worker process died.*what was written is safe; try fewer --workers.*$",
        ),
        ("interrupt", 130, "--resume goes on"),
    ],
)
def test_what_ends_two_at_work_is_told(bench, event, code, told):
    bench.give(some_texts(300))
    whole = bench.whole(*ONE_BY_ONE)
    assert outcome(bench, "--workers", 2, **{echo.AT_LINE: f"{event} 400"}) == code, log_of(bench)
    assert re.search(told, log_of(bench))
    assert "Traceback" not in log_of(bench)
    assert len(workers_of(bench)) == 2
    assert all(map(ends, workers_of(bench))), "a process outlives it"
    assert bench.run(*ONE_BY_ONE, "--resume") == 0
    assert 0 < len(bench.computed) < 300
    assert bench.out.read_bytes() == whole


def test_ctrl_c_while_workers_begin_is_quiet(bench):
    told = {echo.AT_WORK: str(bench.folder / "begun")}
    assert outcome(bench, "--workers", 2, **told) == 130
    assert (bench.folder / "begun").exists()
    assert log_of(bench).splitlines() == ["interrupted"]
    assert listing_of(bench) == []


@pytest.mark.parametrize("how", ["stdin", "script"])
def test_workers_of_a_program_that_cannot_be_imported_anew_tell_why(bench, how):
    """From stdin, or a script that runs on as it is imported."""
    program = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import echo, textgen\n"
        "echo.register()\n"
        f"textgen.run_batch('sample', {str(bench.rows)!r}, {str(bench.out)!r},"
        f" model={str(bench.model)!r}, seed=7, batch_size=1, workers=2)\n"
    )
    script = bench.folder / "script.py"
    script.write_text(program, encoding="utf-8")
    command = [sys.executable, "-" if how == "stdin" else str(script)]
    done = subprocess.run(
        command, input=program.encode(), capture_output=True, timeout=PATIENCE, cwd=bench.folder, check=False
    )
    assert done.returncode == 1
    told = done.stderr.decode().splitlines()[-1]
    assert "a worker process could not start; can it import the script" in told
    assert listing_of(bench) == []
