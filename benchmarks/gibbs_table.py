"""Free samples of a masked model by method, as a Markdown table.

    python benchmarks/gibbs_table.py plain.jsonl OUT [TEXTS] [METHOD …] [-- option=value …]

A METHOD is `gibbs`, `mh` or `anneal`, with options of its own behind colons, such as
`mh:energy=local:sweeps=20`. OUT gets the texts, one file a method; methods whose file is there are not
computed again. Told are nats a character under gpt2 (the whole line, its end included), self-BLEU,
distinct-2, and the share of runs of four characters that do not occur in the JSONL file's texts; the first
row is of sentences of that file.
"""

from __future__ import annotations

import json
import re
import sys
import time
from math import log
from pathlib import Path
from typing import Any

import textgen
from textgen.files.lines import lines_in
from textgen.metrics.diversity import distinct
from textgen.metrics.fluency import bits_per_char
from textgen.metrics.translation import self_bleu
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.text.segment import sentences

SENTENCE = re.compile(r"[^。！？\n]{11,23}[。！？]\s*")
METHODS = ("gibbs", "gibbs:temperature=0.7", "mh:energy=local", "mh", "anneal")


def main(plain: Path, out: Path, count: int, methods: list[str], common: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    texts = [json.loads(line)["text"] for line in lines_in(plain.read_text(encoding="utf-8"))]
    known = {gram for text in texts for gram in grams(text)}
    split = [[one.strip() for one in sentences(text) if SENTENCE.fullmatch(one)] for text in texts]
    whole = [found[len(found) // 2] for found in split if found]
    judge = load_model(find_model("gpt2"))
    head = ["method", "nats/char", "self-BLEU", "distinct-2", "new 4-grams", "seconds a text"]
    print("|", " | ".join(head), "|\n" + "|---" * len(head) + "|")
    row(judge, "sentences of the file", whole[:count], set(), 0.0)
    for method in methods:
        samples, seconds = sampled(method, out, count, common)
        row(judge, method, samples, known, seconds)


def row(judge: Any, name: str, texts: list[str], known: set[str], seconds: float) -> None:
    nats = bits_per_char(judge, texts).value * log(2)
    found = [gram for text in texts for gram in grams(text)]
    new = f"{100 * sum(gram not in known for gram in found) / len(found):.1f} %" if known else ""
    cells = [name, f"{nats:.2f}", f"{self_bleu(texts).value:.1f}", f"{distinct(texts, 2).value:.1f} %", new]
    print("|", " | ".join([*cells, f"{seconds:.1f}" if seconds else ""]), "|", flush=True)


def sampled(method: str, out: Path, count: int, common: dict[str, Any]) -> tuple[list[str], float]:
    file = out / f"{method.replace(':', '_')}.json"
    if not file.exists():
        name, *own = method.split(":")
        options = common | dict(map(option, own))
        began = time.perf_counter()
        [record] = textgen.load("bert").generate([""], num_candidates=count, seed=1, method=name, **options)
        seconds = (time.perf_counter() - began) / count
        texts = [candidate.text for candidate in record.candidates]
        file.write_text(json.dumps([texts, seconds], ensure_ascii=False, indent=0), encoding="utf-8")
    texts, seconds = json.loads(file.read_text(encoding="utf-8"))
    return texts, seconds


def option(pair: str) -> tuple[str, Any]:
    name, value = pair.split("=")
    return name, json.loads(value) if re.fullmatch(r"[\d.]+", value) else value


def grams(text: str) -> list[str]:
    """Runs of four characters."""
    return [text[at : at + 4] for at in range(len(text) - 3)]


if __name__ == "__main__":
    given, _, extra = " ".join(sys.argv[1:]).partition(" -- ")
    plain, out, *rest = given.split()
    count = int(rest.pop(0)) if rest and rest[0].isdigit() else 100
    main(Path(plain), Path(out), count, rest or list(METHODS), dict(map(option, extra.split())))
