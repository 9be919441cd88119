"""Choosing from a list: python benchmarks/one_of.py [FILE.jsonl [rows]] [-- rank=logprob]

First the topics of the thirty articles beside this script, from a list of three and from one of fourteen.
Then, if there is a FILE of articles with titles, the true title among ten of other rows. Prints how many are
right. Options after `--` go to the model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import textgen
from textgen.rng import row_key, uniform

ARTICLES = Path(__file__).with_name("one_of_articles.jsonl")
FEW = ("体育", "财经", "科技")
MANY = (*FEW, "社会", "国际", "娱乐", "教育", "军事", "健康", "文化", "旅游", "汽车", "房产", "时政")
OTHERS = 10


def main() -> None:
    names, _, settings = " ".join(sys.argv[1:]).partition("-- ")
    options = dict(setting.split("=", 1) for setting in settings.split())
    model = textgen.load("title")
    rows = read(ARTICLES)
    ranked = [listed(model, row["text"], MANY, options) for row in rows]
    for lines in (FEW, MANY):
        best = [next(text for text in texts if text in lines) for texts in ranked]
        right = sum(text == row["topic"] for text, row in zip(best, rows, strict=True))
        print(f"topic among {len(lines)}: {right} of {len(rows)}", flush=True)
    if names:
        name, _, count = names.strip().partition(" ")
        rows = read(Path(name))[: int(count or 100)]
        right = 0
        for number, row in enumerate(rows):
            others = sorted(
                (n for n in range(len(rows)) if rows[n]["title"] != row["title"]),
                key=lambda n: uniform(row_key(0, row["text"]), 0, n),
            )
            lines = (row["title"], *dict.fromkeys(rows[n]["title"] for n in others[:OTHERS]))
            right += listed(model, row["text"], lines, options)[0] == row["title"]
            print(f"title among {OTHERS + 1}: {right} of {number + 1}", end="\r", flush=True)
        print()


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def listed(model: Any, text: str, lines: tuple[str, ...], options: dict[str, str]) -> list[str]:
    """The lines, best first."""
    (record,) = model.generate(text, one_of=lines, num_candidates=len(lines), max_new_tokens=64, **options)
    return [candidate.text for candidate in record.candidates]


if __name__ == "__main__":
    main()
