"""Blanks filled, and choices of cloze items ranked.

    python benchmarks/fills.py FILL.jsonl CLOZE.jsonl

A line of the first has `text`, `length` and `answers`, lists with an answer for each blank; of the second
`text`, `choices` and `answer`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import textgen

SHOWN = 5


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def filled(model: Any, items: list[dict[str, Any]]) -> None:
    """Print the first texts for every item, and how many are among its answers."""
    first = any_of_them = 0
    spent = []
    for item in items:
        started = time.perf_counter()
        [record] = model.generate(item["text"], length=item["length"], num_candidates=SHOWN)
        spent.append(time.perf_counter() - started)
        texts = [candidate.text for candidate in record.candidates]
        wanted = [whole(item["text"], answers) for answers in item["answers"]]
        first += texts[0] in wanted
        any_of_them += any(text in wanted for text in texts)
        print(item["id"], "*" if texts[0] in wanted else " ", " | ".join(texts), flush=True)
    spent.sort()
    print(f"first text among the answers: {first} of {len(items)}; one of {SHOWN}: {any_of_them}")
    print(f"seconds: median {spent[len(spent) // 2]:.2f}, most {spent[-1]:.2f}")


def whole(text: str, answers: list[str]) -> str:
    """The text with an answer in each of its blanks."""
    from textgen.text.cloze import blanks_of

    for blank, answer in zip(reversed(blanks_of(text)), reversed(answers), strict=True):
        text = text[: blank.start] + answer + text[blank.end :]
    return text


def chosen(model: Any, items: list[dict[str, Any]]) -> None:
    """Print how many items have their answer first, and those that have another."""
    right, chance = 0, 0.0
    started = time.perf_counter()
    for item in items:
        [record] = model.generate(item["text"], choices=item["choices"])
        best = record.candidates[0]
        right += best.choice == item["answer"]
        chance += 1 / len(item["choices"])
        if best.choice != item["answer"]:
            print(item["id"], f"{best.text} ({best.probability:.2f}), not {item['answer']}", flush=True)
    seconds = (time.perf_counter() - started) / len(items)
    print(f"right: {right} of {len(items)}, by chance {chance:.0f}; {seconds:.2f} seconds each")


if __name__ == "__main__":
    model = textgen.load("fill")
    model.generate("今天天气很___。", length="1-2")
    filled(model, rows(sys.argv[1]))
    chosen(model, rows(sys.argv[2]))
