"""Sentences around given words, beside the reference procedure at equal wall time.

    python benchmarks/compose_nll.py plain.jsonl OUT.jsonl [SETS] [-- option=value …]

From sentences of the JSONL file's texts come sets of one to four of their words. Both methods get one set
at a time, on one thread and in one process in turn; the reference runs as long as `textgen compose` took.
Told are the share of keywords found, nats a character under gpt2 (the whole line, its end included), and
steps a second. Options are those of `textgen compose`.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from math import log
from pathlib import Path
from typing import Any

import torch

from textgen.files.lines import lines_in

sys.path.insert(0, str(Path(__file__).parent))
from cgmh_reference import reference_on_gpt2

import textgen
from textgen.metrics.fluency import bits_per_char
from textgen.options import parse
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.text.content_words import content_words
from textgen.text.keywords import missing
from textgen.text.segment import sentences

SENTENCE = re.compile(r"[^。！？\n]{9,23}[。！？]\s*")


def keyword_sets(path: Path, count: int) -> list[tuple[str, list[str]]]:
    """Sentences, one a text, and one to four content words of each, in their order."""
    chance = random.Random(0)
    found = []
    for line in lines_in(path.read_text(encoding="utf-8")):
        split = [one.strip() for one in sentences(json.loads(line)["text"]) if SENTENCE.fullmatch(one)]
        chance.shuffle(split)
        for sentence in split:
            words = [w for w in content_words(sentence) if re.fullmatch("[\u4e00-\u9fff]+", w)]
            wanted = len(found) % 4 + 1
            if len(words) >= wanted:
                chosen = sorted(chance.sample(range(len(words)), wanted))
                found.append((sentence, [words[n] for n in chosen]))
                break
    chance.shuffle(found)
    return found[:count]


def main(path: Path, out: Path, count: int, options: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    sets = keyword_sets(path, count)
    compose = textgen.load("compose")
    reference, _ = reference_on_gpt2()
    encode = compose.tokenizer.encode
    rows, steps = [], {"textgen": 0, "reference": 0}
    spent = 0.0
    for number, (sentence, words) in enumerate(sets, 1):
        row = textgen.Row("", name=str(number), keywords=tuple(words))
        began = time.perf_counter()
        [record] = compose.generate([row], seed=1, **options)
        seconds = time.perf_counter() - began
        candidate = record.candidates[0]
        ids, made = reference.compose([encode(word) for word in words], seconds)
        spent += seconds
        steps["textgen"] += candidate.chain.steps * parse(compose.options, options).parallel
        steps["reference"] += made
        text = compose.tokenizer.decode(ids)
        rows.append({"words": words, "source": sentence, "textgen": candidate.text, "reference": text})
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1], ensure_ascii=False) + "\n")
    model = load_model(find_model("gpt2"))
    print(f"{count} sets, {spent:.0f} s each method")
    for name in ("source", "reference", "textgen"):
        texts = [row[name] for row in rows]
        nats = bits_per_char(model, texts).value * log(2)
        held = sum(len(row["words"]) - len(missing(row[name], row["words"])) for row in rows)
        rate = f"{steps[name] / spent:.1f}" if name in steps else ""
        length = sum(map(len, texts)) / len(texts)
        total = sum(len(row["words"]) for row in rows)
        print(
            f"{name:10} nats/char {nats:.2f}  characters {length:.1f}  words {held}/{total}  steps/s {rate}"
        )


if __name__ == "__main__":
    given, _, extra = " ".join(sys.argv[1:]).partition(" -- ")
    path, out, *rest = given.split()
    options: dict[str, Any] = {}
    for pair in extra.split():
        name, value = pair.split("=")
        options[name] = json.loads(value) if re.fullmatch(r"[\d.]+|true|false", value) else value
    main(Path(path), Path(out), int(rest[0]) if rest else 50, options)
