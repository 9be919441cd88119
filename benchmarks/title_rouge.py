"""ROUGE of the titles of a JSONL file with `text` and `title`: python benchmarks/title_rouge.py FILE…

Prints a Markdown row a file and setting. Options after `--` go to the model, which is the shipped one unless
they name another, or a language model behind its prompt: -- model=runs/mine long=chunk decode=greedy
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import textgen
from textgen.files.lines import lines_in
from textgen.metrics.overlap import mean_rouge


def main() -> None:
    names, _, settings = " ".join(sys.argv[1:]).partition(" -- ")
    pairs = (setting.split("=", 1) for setting in settings.split())
    options = {name: json.loads(value) if value[0].isdigit() else value for name, value in pairs}
    model = textgen.load(options.pop("model", "title"), task="title")
    for name in names.split():
        rows = [json.loads(line) for line in lines_in(Path(name).read_text(encoding="utf-8"))]
        started = time.perf_counter()
        records = model.generate([row["text"] for row in rows], **options)
        seconds = time.perf_counter() - started
        titles = [record.candidates[0].text for record in records]
        rouge = mean_rouge(titles, [row["title"] for row in rows])
        figures = " | ".join(f"{100 * value:.1f}" for value in (rouge.rouge1, rouge.rouge2, rouge.rougeL))
        speed = f"{len(rows) / seconds:.2f} articles/s"
        print(f"| {Path(name).stem} | {settings or 'defaults'} | {figures} | {speed} |", flush=True)


if __name__ == "__main__":
    main()
