"""Sheets of edited sentences for readers who do not know where a text is from, and the page of verdicts.

    python benchmarks/read_edits.py sheet ASKED.jsonl NEW.jsonl OLD.jsonl… > SHEET.txt
    python benchmarks/read_edits.py enter TASK ASKED.jsonl NEW.jsonl OLD.jsonl… EDITOR.tsv TEACHER.tsv
    python benchmarks/read_edits.py page

ASKED is what was asked for (`id` with `text` or `words`), NEW and OLD the records that two versions wrote
for it. A sheet numbers the first texts of all records, shuffled; rows that are errors are not on it. A reader
answers with a line a number: the number, `usable`, `edit` or `wrong`, `y` or `n` (a fact of the source
is changed), and a reason, with tabs between. `enter` adds the verdicts to edits/readings.jsonl, and `page`
writes docs/readings.md from all that is there.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
READINGS = HERE / "edits" / "readings.jsonl"
PAGE = HERE.parent / "docs" / "readings.md"
READERS = ("editor", "teacher")
VERDICTS = ("usable", "edit", "wrong")
ABOUT = """\
# Edits that two people read

Texts that `rewrite`, `fill` and `compose` wrote for sentences, blanks and words that were made up for this
and shown to nobody who worked on them, with the verdicts of two readers: one read as the editor of a
newspaper, the other as a teacher of Chinese. Texts of this version and of an earlier one (commit f23056f)
were shuffled, and the readers did not know which were which. *Usable*: printed as it is; *edit*: with one
small edit; *wrong*: not at all, or a fact of the source is changed. Written by
`python benchmarks/read_edits.py page`.
"""


def lines_of(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def shuffled(asked: str, outputs: Sequence[str]) -> list[dict[str, Any]]:
    """The first texts of all outputs, in an order that is always the same and tells nothing."""
    wanted = {row["id"]: row for row in lines_of(asked)}
    texts = []
    for output, origin in zip(outputs, ("new", *["old"] * len(outputs[1:])), strict=True):
        for record in lines_of(output):
            if record.get("error") is None:
                row = wanted[record["id"]]
                source = row["text"] if "text" in row else "、".join(row["words"])
                text = record["candidates"][0]["text"]
                texts.append({"id": row["id"], "origin": origin, "source": source, "text": text})
    random.Random(20).shuffle(texts)
    return texts


def sheet(asked: str, *outputs: str) -> None:
    """Print the numbered texts."""
    for number, one in enumerate(shuffled(asked, outputs), 1):
        print(f"{number}\n{one['source']}\n{one['text']}\n")


def enter(task: str, asked: str, *files: str) -> None:
    """Add the verdicts of the readers to those that are there; those of the same task are replaced."""
    outputs, verdicts = files[: -len(READERS)], files[-len(READERS) :]
    texts = shuffled(asked, outputs)
    for reader, path in zip(READERS, verdicts, strict=True):
        given = [line.split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines() if line]
        if [int(line[0]) for line in given] != list(range(1, len(texts) + 1)):
            raise SystemExit(f"{path} does not have a verdict for each of the {len(texts)} texts")
        for one, (_, verdict, changed, *reason) in zip(texts, given, strict=True):
            if verdict not in VERDICTS or changed not in ("y", "n"):
                raise SystemExit(f"{path}: {verdict} {changed} is no verdict")
            one[reader] = {"verdict": verdict, "changed": changed == "y", "reason": " ".join(reason)}
    kept = [one for one in lines_of(READINGS) if one["task"] != task] if READINGS.exists() else []
    rows = kept + [{"task": task, **one} for one in sorted(texts, key=lambda one: (one["origin"], one["id"]))]
    READINGS.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def page() -> None:
    """Write the page with the counts and all texts."""
    rows = lines_of(READINGS)
    parts = [ABOUT]
    for task in dict.fromkeys(row["task"] for row in rows):
        parts.append(f"## {task}\n\n" + counts([row for row in rows if row["task"] == task]))
        for origin, title in (("new", "This version"), ("old", "Commit f23056f")):
            if found := [row for row in rows if (row["task"], row["origin"]) == (task, origin)]:
                parts.append(f"### {task}: {title}\n\n" + texts_table(found))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def counts(rows: Iterable[dict[str, Any]]) -> str:
    """A table with the verdicts of each reader on each version."""
    rows = list(rows)
    lines = [
        "| version | reader | texts | usable | edit | wrong | a fact changed |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for origin, name in (("new", "this"), ("old", "f23056f")):
        found = [row for row in rows if row["origin"] == origin]
        for reader in READERS if found else ():
            given = Counter(row[reader]["verdict"] for row in found)
            changed = sum(row[reader]["changed"] for row in found)
            figures = " | ".join(str(given[verdict]) for verdict in VERDICTS)
            lines.append(f"| {name} | {reader} | {len(found)} | {figures} | {changed} |")
    return "\n".join(lines) + "\n"


def texts_table(rows: Iterable[dict[str, Any]]) -> str:
    """A table with every text and what each reader said of it."""
    lines = ["| asked | written | editor | teacher |", "|---|---|---|---|"]
    for row in rows:
        said = [": ".join(filter(None, (row[one]["verdict"], row[one]["reason"]))) for one in READERS]
        lines.append(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in (row["source"], row["text"], *said)) + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    {"sheet": sheet, "enter": enter, "page": page}[sys.argv[1]](*sys.argv[2:])
