"""One article titled from a cold start, against the exported example.py in plain transformers.

    python benchmarks/cold_start.py [ARTICLE] [ROUNDS]

Both use the same checkpoint, a beam of four and the same length score; they run in turn, each as a process
of its own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARTICLE = Path(__file__).parents[1] / "data" / "samples" / "articles" / "news.txt"


def timed(command: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - started, done.stdout.strip()


def main() -> None:
    article = sys.argv[1] if len(sys.argv) > 1 else str(ARTICLE)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        textgen = [sys.executable, "-m", "textgen"]
        subprocess.run([*textgen, "models", "export", "title", folder, "--quiet", "--force"], check=True)
        ours, theirs = [], []
        for _ in range(rounds):
            seconds, title = timed([*textgen, "title", article, "--decode", "beam", "--quiet"])
            ours.append(seconds)
            seconds, same = timed([sys.executable, f"{folder}/example.py", article])
            theirs.append(seconds)
            print(f"textgen {ours[-1]:.2f} s {title} | example.py {theirs[-1]:.2f} s {same}", flush=True)
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"medians {a:.2f} s and {b:.2f} s: {100 * a / b:.0f} %")


if __name__ == "__main__":
    main()
