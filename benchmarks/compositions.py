"""Sentences that `textgen compose` writes around sets of words, to be read beside those of people.

    python benchmarks/compositions.py SETS.jsonl [-- option=value …]

Each line of the file has `words`, and may have `ordered` and `references`, sentences of people with them.
Printed are all sets with their sentence, seconds of processor time, and nats a character under gpt2 and under
bert, each token masked in turn; below them the means, and how far they lie from those of the references. The
nearer the better: what is more probable than a person's sentence is a stock phrase.
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
from textgen.metrics.fluency import bits_per_char, pseudo_perplexity
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.text.keywords import missing

GPT2, BERT = "gpt2", "bert"


def main(path: Path, options: dict[str, Any]) -> None:
    compose = textgen.load("compose")
    left, both = load_model(find_model(GPT2)), load_model(find_model(BERT))

    def nats(texts: list[str]) -> tuple[float, float]:
        return bits_per_char(left, texts).value * log(2), log(pseudo_perplexity(both, texts).value)

    sets = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts, references, spent = [], [], []
    for number, one in enumerate(sets, 1):
        row = textgen.Row("", name=str(number), keywords=tuple(one["words"]))
        began = time.process_time()
        [record] = compose.generate([row], seed=1, **{"ordered": one.get("ordered", False), **options})
        spent.append(time.process_time() - began)
        text = record.candidates[0].text if record.candidates else ""
        lacking = missing(text, one["words"])
        figures = "  ".join(
            f"{name} {value:.2f}" for name, value in zip((GPT2, BERT), nats([text]), strict=True)
        )
        note = f"  lacks {lacking}" if lacking else ""
        print(f"{number:3} {' '.join(one['words'])}\n    {text or record.error}{note}", flush=True)
        print(f"    {spent[-1]:.1f} s  {figures}", flush=True)
        texts += [text] * bool(text)
        references += one.get("references", [])
    print(f"{len(sets)} sets, {sum(spent) / len(sets):.1f} s each, at most {max(spent):.1f}")
    for name, some in (("compose", texts), ("people", references)):
        if some:
            first, second = nats(some)
            length = sum(map(len, some)) / len(some)
            print(f"{name:8} characters {length:.1f}  nats {GPT2} {first:.2f}  {BERT} {second:.2f}")


if __name__ == "__main__":
    given, _, extra = " ".join(sys.argv[1:]).partition(" -- ")
    options: dict[str, Any] = {}
    for pair in extra.split():
        name, value = pair.split("=")
        options[name] = json.loads(value) if re.fullmatch(r"[\d.]+|true|false", value) else value
    main(Path(given.strip()), options)
