"""Measurements in processes of their own, so that none takes time or memory from another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from textgen.bench.figures import Figure
from textgen.bench.jobs import START, article
from textgen.compute import WAITING
from textgen.errors import TextgenError
from textgen.models.place import Place

ROUNDS = 2  # of a cold start; the fastest counts
# as the command runs it, and then the memory that it took
TITLE = """
import json, sys
from textgen.cli.main import run
from textgen.cli.spelling import flag
article, options = sys.argv[1], json.loads(sys.argv[2])
flags = [part for name, value in options.items() for part in (flag(name), str(value))]
code = run(["title", article, *flags])
from textgen.compute import peak_memory
print(peak_memory())
sys.exit(code)
"""
MODEL = """
import json, sys
from dataclasses import asdict
from textgen.bench.model import figures_of
from textgen.models.place import Place
model, precision, place, jobs, seconds = json.loads(sys.argv[1])
print(json.dumps([asdict(one) for one in figures_of(model, precision, Place(**place), jobs, seconds)]))
"""


def cold_title(precision: str, place: Place) -> list[Figure]:
    """The seconds from the start of the command to its end, and the most bytes that it held."""
    options = {"precision": precision, **asdict(place)}
    given = json.dumps({name: value for name, value in options.items() if value is not None})
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        told = run_script(TITLE, [article("news"), given])
        found.append((time.perf_counter() - began, int(told.splitlines()[-1])))
    return [Figure("start", START, "s", precision, *min(found))]


def measured(model: str, precision: str, place: Place, jobs: Sequence[str], seconds: float) -> list[Figure]:
    """The figures of a model; see `textgen.bench.model.figures_of`."""
    told = run_script(MODEL, [json.dumps([model, precision, asdict(place), jobs, seconds])])
    return [Figure(**one) for one in json.loads(told.splitlines()[-1])]


def run_script(script: str, args: Sequence[str]) -> str:
    """What a script prints that a process of its own runs. Raises TextgenError if it fails."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = WAITING | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise TextgenError("a process to measure with failed: {reason}", reason=reason)
    return done.stdout
