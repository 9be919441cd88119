"""Killed at any moment, resumed by any number of workers: the bytes of an undisturbed run."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import echo_backend
import pytest
from echo import SCRIPT, some_texts
from echo_backend import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
bench = pytest.fixture(echo_backend.bench)
PATIENCE = 60  # seconds
ONE_BY_ONE = ("--batch-size", 1)  # windows of four rows


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether something holds, now or soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.001)
    return False


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def listing_of(bench) -> list[str]:
    """What is there of its output."""
    return sorted(path.name for path in bench.folder.glob("o*"))


def parents() -> dict[int, int]:
    """The parent of every process that lives."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()[:2]
        except OSError:  # it has gone meanwhile
            continue
        if state not in "ZX":
            found[int(stat.parent.name)] = int(parent)
    return found


def children(pid: int) -> list[int]:
    return [child for child, parent in parents().items() if parent == pid]


def workers_of(pid: int) -> list[int]:
    """Its processes that compute; another one keeps account of semaphores."""

    def computes(child: int) -> bool:
        try:
            return b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            return False

    return [child for child in children(pid) if computes(child)]


def is_importing(pid: int) -> bool:
    """Whether a process that was begun has started to import what it needs."""
    try:
        return b"pydantic" in Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:
        return False


def start(args: list[str], log: Path, *, pause: float) -> subprocess.Popen[bytes]:
    """Run the command line in a process of its own, in a session of its own."""
    environment = os.environ | {"ECHO_PAUSE": str(pause)}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), *args], stderr=file, env=environment, start_new_session=True
        )


def forked(args: list[str], log: Path) -> None:
    """What a fork of this process does, which has torch already."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    os._exit(run(args))


def test_killed_at_ten_moments_by_one_process(bench, monkeypatch):
    bench.give(some_texts(600, bad=31))
    whole = bench.whole(*ONE_BY_ONE)
    monkeypatch.setenv("ECHO_PAUSE", "0.001")
    moments, log = random.Random(20), bench.folder / "log"
    for kill in range(10):
        args = bench.args(*ONE_BY_ONE, *(("--resume",) if kill else ()))
        process = multiprocessing.get_context("fork").Process(target=forked, args=(args, log))
        target = lines(bench.part) // 4 * 4 + moments.randrange(5, 36)
        process.start()
        assert wait_until(lambda target=target: lines(bench.part) >= target), log.read_text(encoding="utf-8")
        time.sleep(moments.random() / 100)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not bench.out.exists()
    monkeypatch.setenv("ECHO_PAUSE", "0")
    assert bench.run(*ONE_BY_ONE, "--resume") == 3
    assert 0 < len(bench.computed) < 580
    assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("kills", [(2,), pytest.param((3, 2, 2, 3), marks=pytest.mark.slow)])
def test_killed_with_several_workers_and_resumed_with_others(bench, kills):
    bench.give(some_texts(300, bad=31))
    whole = bench.whole(*ONE_BY_ONE)
    moments, log = random.Random(21), bench.folder / "log"
    for kill, workers in enumerate(kills):
        flags = (*ONE_BY_ONE, "--workers", workers, *(("--resume",) if kill else ()))
        target = lines(bench.part) // 4 * 4 + moments.randrange(5, 40)
        process = start(bench.args(*flags), log, pause=0.004)
        assert wait_until(lambda target=target: lines(bench.part) >= target), log.read_text(encoding="utf-8")
        family = children(process.pid)
        assert len(workers_of(process.pid)) == workers
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert wait_until(lambda family=family: not set(family) & set(parents()), 20), "a process outlives it"
        assert not bench.out.exists()
    assert bench.run(*ONE_BY_ONE, "--resume") == 3
    assert 0 < len(bench.computed) < 290
    assert bench.out.read_bytes() == whole


def two_at_work(bench):
    """A run with two workers that has begun to write, its log, its family, and what it should give."""
    bench.give(some_texts(300))
    whole, log = bench.whole(*ONE_BY_ONE), bench.folder / "log"
    process = start(bench.args(*ONE_BY_ONE, "--workers", 2), log, pause=0.01)
    assert wait_until(lambda: lines(bench.part) >= 9), log.read_text(encoding="utf-8")
    return process, log, workers_of(process.pid), whole


def test_a_worker_that_is_killed_ends_the_run_in_one_line(bench):
    process, log, family, whole = two_at_work(bench)
    os.kill(family[1], signal.SIGKILL)
    assert process.wait(PATIENCE) == 1
    (line,) = log.read_text(encoding="utf-8").splitlines()
    assert line.startswith("error: a worker process died")
    assert "what was written is safe; try fewer --workers" in line
    assert wait_until(lambda: not set(family) & set(parents()), 20), "a process outlives it"
    assert bench.run(*ONE_BY_ONE, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_ctrl_c_ends_a_run_and_says_how_to_go_on(bench):
    process, log, family, whole = two_at_work(bench)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, which tells all of them
    assert process.wait(PATIENCE) == 130
    told = log.read_text(encoding="utf-8")
    assert "--resume goes on" in told
    assert "Traceback" not in told
    assert wait_until(lambda: not set(family) & set(parents()), 20), "a process outlives it"
    assert bench.run(*ONE_BY_ONE, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_ctrl_c_while_workers_begin_is_quiet(bench):
    log = bench.folder / "log"
    process = start(bench.args(*ONE_BY_ONE, "--workers", 2), log, pause=0.01)
    assert wait_until(lambda: len(workers_of(process.pid)) == 2), log.read_text(encoding="utf-8")
    assert wait_until(lambda: any(is_importing(worker) for worker in workers_of(process.pid)))
    for pid in [*workers_of(process.pid), process.pid]:  # a terminal tells all of them, in any order
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        time.sleep(0.1)
    assert process.wait(PATIENCE) == 130
    assert log.read_text(encoding="utf-8").splitlines() == ["interrupted"]
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
