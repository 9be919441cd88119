"""Every generating command from a cold start, in one or several checkouts of textgen.

    python benchmarks/cold_start.py [CHECKOUT ...] [--rounds N] [--example] [--only COMMAND ...]

Each run is a process of its own on one thread, and the checkouts take turns. Of each command the table has
the least wall-clock seconds and the least CPU seconds of user code: the latter depend less on what else the
machine does. The last row is torch alone, which all but the help import. `--example` adds the exported
example.py, which titles in plain transformers with the same checkpoint, a beam of four and the same length
score.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ARTICLE = str(ROOT / "data" / "samples" / "articles" / "news.txt")
SENTENCE = "本市图书馆昨天宣布，从下月起延长夜间开放时间。"
SEED = ("--seed", "1")
SHORT = ("--steps", "20", *SEED)  # what a chain computes is not what is measured here
COMMANDS: dict[str, tuple[str, ...]] = {
    "--help": ("title", "--help"),
    "title": ("title", ARTICLE),
    "title --decode beam": ("title", ARTICLE, "--decode", "beam"),
    "title --decode greedy": ("title", ARTICLE, "--decode", "greedy"),
    "sample -m gpt2": ("sample", "春天", "--max-new-tokens", "40", *SEED),
    "sample -m bert": ("sample", "-m", "bert", "--sweeps", "1", *SEED),
    "compose": ("compose", "春天", "公园", *SHORT),
    "rewrite": ("rewrite", SENTENCE, *SHORT),
    "correct": ("correct", SENTENCE, *SHORT),
    "fill": ("fill", "春天来了，___都开了。", *SHORT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT], metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--example", action="store_true", help="time the exported example.py too")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), metavar="COMMAND")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            name: {tree: [sys.executable, "-m", "textgen", *command] for tree in given.checkouts}
            for name, command in COMMANDS.items()
            if name in given.only
        }
        if given.example:
            export = [sys.executable, "-m", "textgen", "models", "export", "title", folder, "--force"]
            subprocess.run([*export, "--quiet"], cwd=ROOT, check=True)
            runs["example.py"] = {given.checkouts[0]: [sys.executable, f"{folder}/example.py", ARTICLE]}
        torch = [sys.executable, "-c", "import torch"]
        runs["python -c 'import torch'"] = dict.fromkeys(given.checkouts, torch)
        print("| command |" + "".join(f" {tree.resolve().name}: s | CPU s |" for tree in given.checkouts))
        print("|---|" + "---:|---:|" * len(given.checkouts))
        for name, of_trees in runs.items():
            print(f"| {name} |" + _cells(of_trees, given.rounds), flush=True)


def _cells(of_trees: dict[Path, list[str]], rounds: int) -> str:
    """The least times of a command in each checkout, as cells of the table."""
    spent: dict[Path, list[tuple[float, float]]] = {tree: [] for tree in of_trees}
    for _ in range(rounds):
        for tree, command in of_trees.items():
            spent[tree].append(_timed(command, tree))
    return "".join(f" {min(s for s, _ in of):.2f} | {min(c for _, c in of):.2f} |" for of in spent.values())


def _timed(command: list[str], tree: Path) -> tuple[float, float]:
    """Wall-clock seconds of a process, and its CPU seconds of user code."""
    environment = {**os.environ, "PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: {told.decode()}")
    return seconds, usage.ru_utime


if __name__ == "__main__":
    main()
