"""What runs of `textgen train` said of their dev files, side by side, and what first sentences would score.

python benchmarks/training_curves.py DEV.jsonl ROWS RUN [RUN ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from textgen.files.lines import lines_in
from textgen.metrics.overlap import mean_rouge
from textgen.text.segment import sentences
from textgen.train.run_directory.log import read_log


def lead(path: str, rows: int) -> float:
    """ROUGE-L of the first sentences of articles against their titles, in percent."""
    read = [json.loads(line) for line in lines_in(Path(path).read_text(encoding="utf-8"))][:rows]
    return (
        100 * mean_rouge([sentences(r["text"].strip())[0] for r in read], [r["title"] for r in read]).rougeL
    )


def main(dev: str, rows: str, *runs: str) -> None:
    print(f"lead-1: rouge-l {lead(dev, int(rows)):.2f}")
    for run in runs:
        entries = read_log(Path(run))
        print(f"\n{run}\n{'step':>6} {'minutes':>8} {'dev loss':>9} {'rouge-l':>8}")
        seconds = 0.0
        for entry in entries:
            seconds = entry.get("seconds", seconds)
            if entry["event"] == "scored":
                figures = entry["figures"]
                told = f"{figures['rouge-l']:8.2f}" if "rouge-l" in figures else ""
                print(f"{entry['step']:6} {seconds / 60:8.1f} {figures['loss']:9.3f} {told}")


if __name__ == "__main__":
    main(*sys.argv[1:])
