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
    name, _, count = names.strip().partition(" ")
    for what, found in measured(Path(name) if name else None, int(count or 100), options).items():
        print(f"{what}: {found['right']} of {found['rows']}")


def measured(
    titled: Path | None, most: int = 100, options: dict[str, str] | None = None
) -> dict[str, dict[str, int]]:
    """How many are right of how many, by what is chosen.

    Args:
        titled: Articles with titles; none are looked at without it.
        most: How many of its rows.
        options: Of the model.
    """
    model, given = textgen.load("title"), options or {}
    rows = read(ARTICLES)
    ranked = [listed(model, row["text"], MANY, given) for row in rows]
    found = {}
    for lines in (FEW, MANY):
        best = [next(text for text in texts if text in lines) for texts in ranked]
        right = sum(text == row["topic"] for text, row in zip(best, rows, strict=True))
        found[f"topic among {len(lines)}"] = {"rows": len(rows), "right": right}
    if titled:
        rows = read(titled)[:most]
        right = sum(own_title(model, rows, number, given) for number in range(len(rows)))
        found[f"title among {OTHERS + 1}"] = {"rows": len(rows), "right": right}
    return found


def own_title(model: Any, rows: list[dict[str, str]], number: int, options: dict[str, str]) -> bool:
    """Whether an article's own title comes before ten of other rows, which its text draws."""
    row = rows[number]
    others = sorted(
        (n for n in range(len(rows)) if rows[n]["title"] != row["title"]),
        key=lambda n: uniform(row_key(0, row["text"]), 0, n),
    )
    lines = (row["title"], *dict.fromkeys(rows[n]["title"] for n in others[:OTHERS]))
    return listed(model, row["text"], lines, options)[0] == row["title"]


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def listed(model: Any, text: str, lines: tuple[str, ...], options: dict[str, str]) -> list[str]:
    """The lines, best first."""
    (record,) = model.generate(text, one_of=lines, num_candidates=len(lines), max_new_tokens=64, **options)
    return [candidate.text for candidate in record.candidates]


if __name__ == "__main__":
    main()
