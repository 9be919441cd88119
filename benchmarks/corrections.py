"""Precision and recall of ``textgen correct`` on sentences with one error each, and on right ones.

``python benchmarks/corrections.py FILE [RECORDS.jsonl] [OPTION=VALUE ...]``: FILE has rows with ``id``,
``text``, ``right`` (the sentence as it was meant) and ``kind`` (of its error, or ``none``); RECORDS.jsonl
are records of another version, instead of a run of this one. Prints every sentence that is not as it was
meant, and two tables in Markdown. Characters are counted by edit scripts: an edit of the source is right if
the script to what was meant has it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgen.text.diff import changes_between

NONE = "none"
Edit = tuple[int, int, str]


def edits(source: str, text: str) -> set[Edit]:
    """The edits that make a text of a source, a character each."""
    found: set[Edit] = set()
    for change in changes_between(source, text):
        old = range(change.source_start, change.source_end)
        new = text[change.start : change.end]
        for n in range(max(len(old), len(new))):
            place = old.start + n if n < len(old) else old.stop
            found.add((place, min(place + 1, old.stop), new[n] if n < len(new) else ""))
    return found


def share(part: int, whole: int) -> str:
    """A share in per cent, with its numbers."""
    return f"{part}/{whole} ({100 * part / whole:.0f} %)" if whole else "-"


def results(rows: Sequence[dict[str, str]], options: dict[str, Any]) -> tuple[list[str], str]:
    """What this version makes of rows, one at a time, and how long one takes when the models are warm."""
    import textgen

    correct = textgen.load("correct")
    correct.generate([rows[0]["text"]], **options)
    start, cpu, found = time.perf_counter(), time.process_time(), []
    for row in rows:
        [record] = correct.generate([row["text"]], **options)
        found.append(record.candidates[0].text if record.candidates else row["text"])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    told = f"{seconds / len(rows):.2f} s a sentence, {cpu / len(rows):.2f} s of CPU, models warm"
    return found, told


def main() -> None:
    file, *more = sys.argv[1:]
    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    records = [one for one in more if "=" not in one]
    options = {name: json.loads(value) for name, value in (one.split("=", 1) for one in more if "=" in one)}
    seconds = ""
    if records:
        lines = map(json.loads, Path(records[0]).read_text(encoding="utf-8").splitlines())
        made = {one["id"]: [each["text"] for each in one["candidates"]] for one in lines}
        texts = [(made[row["id"]] or [row["text"]])[0] for row in rows]
    else:
        texts, seconds = results(rows, options)
    for row, text in zip(rows, texts, strict=True):
        if text != row["right"]:
            print(row["id"], row["kind"], row["text"], "->", text)
    print("\n| error | sentences | changed | put right |\n|---|---:|---:|---:|")
    pairs = list(zip(rows, texts, strict=True))
    for kind in sorted({row["kind"] for row in rows}, key=lambda kind: (kind == NONE, kind)):
        some = [(row, text) for row, text in pairs if row["kind"] == kind]
        changed = sum(text != row["text"] for row, text in some)
        right = "" if kind == NONE else sum(text == row["right"] for row, text in some)
        print(f"| {kind} | {len(some)} | {changed} | {right} |")
    wrong = [(row, text) for row, text in pairs if row["text"] != row["right"]]
    changed = sum(text != row["text"] for row, text in pairs)
    right = sum(text == row["right"] for row, text in wrong)
    scripts = [(edits(row["text"], text), edits(row["text"], row["right"])) for row, text in pairs]
    common, ours, wanted = (
        sum(map(len, some)) for some in zip(*((a & b, a, b) for a, b in scripts), strict=True)
    )
    print("\n| | precision | recall |\n|---|---:|---:|")
    print(f"| sentences | {share(right, changed)} | {share(right, len(wrong))} |")
    print(f"| characters | {share(common, ours)} | {share(common, wanted)} |")
    if seconds:
        print(f"\n{seconds}")


if __name__ == "__main__":
    main()
