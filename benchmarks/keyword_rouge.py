"""Titles with keywords: python benchmarks/keyword_rouge.py FILE.jsonl [rows] [-- decode=beam beams=8]

The keywords of a row are two random words of its title, and rows are those whose title has two. Prints a
Markdown row with them and one without: how many titles hold all keywords, ROUGE-L, and the speed. Options
after `--` go to the model, such as -- decode=beam beams=8
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import jieba

import textgen
from textgen.files.lines import lines_in
from textgen.metrics.overlap import mean_rouge
from textgen.rng import row_key, uniform
from textgen.schema import Row
from textgen.text.keywords import missing

SEED = 0
KEYWORDS = 2


def main() -> None:
    names, _, settings = " ".join(sys.argv[1:]).partition(" -- ")
    name, _, count = names.partition(" ")
    given = dict(setting.split("=", 1) for setting in settings.split())
    options = {name: json.loads(value) if value[0].isdigit() else value for name, value in given.items()}
    lines = lines_in(Path(name).read_text(encoding="utf-8"))[: int(count or 200)]
    jieba.setLogLevel("ERROR")
    rows = [(row, keywords) for row in map(json.loads, lines) if (keywords := chosen(row["title"]))]
    model = textgen.load("title")
    print("| titles | rows | options | with all keywords | ROUGE-L | articles/s |\n|---|---|---|---|---|---|")
    for label, wanted in (("without", False), ("with keywords", True)):
        inputs = [
            Row(row["text"], str(n), keywords=keywords * wanted) for n, (row, keywords) in enumerate(rows)
        ]
        started = time.perf_counter()
        records = model.generate(inputs, **options)
        speed = len(rows) / (time.perf_counter() - started)
        titles = [record.candidates[0].text if record.candidates else "" for record in records]
        held = sum(not missing(title, words) for title, (_, words) in zip(titles, rows, strict=True))
        score = mean_rouge(titles, [row["title"] for row, _ in rows]).rougeL
        cells = [label, len(rows), settings or "defaults", f"{held / len(rows):.1%}", f"{100 * score:.1f}"]
        print("|", *[f"{cell} |" for cell in cells], f"{speed:.2f} |", flush=True)


def chosen(title: str) -> tuple[str, ...]:
    """Random words of a title of two letters or more, in its order; none if it has too few."""
    words = list(dict.fromkeys(word for word in jieba.lcut(title) if len(word) > 1 and word.isalnum()))
    if len(words) < KEYWORDS:
        return ()
    key = row_key(SEED, title)
    drawn = sorted(range(len(words)), key=lambda place: uniform(key, 0, place))[:KEYWORDS]
    return tuple(words[place] for place in sorted(drawn))


if __name__ == "__main__":
    main()
