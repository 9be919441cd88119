"""Free samples by setting beside real text of the same lengths, as a Markdown table.

    python benchmarks/sampling_table.py MODEL plain.jsonl OUT COUNT SETTING…

MODEL is `gpt2` or `bert`; a SETTING is options joined by colons, such as `temperature=0.9:top_k=40`, or
`default`. OUT gets the texts, one file a setting; what is there is not computed again. The judge of gpt2's
samples is bert (pseudo-perplexity, every eighth piece masked at once, as bert was trained), that of bert's
is gpt2 (bits a character). Real text is cut from plain.jsonl at the ends of sentences to the lengths of the
samples. `distance` is the root mean square of the log-ratios to real text of the judge, distinct-2 and
self-BLEU: the nearest setting is the best, not the one with the lowest perplexity.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import torch

import textgen
from textgen.metrics.diversity import distinct
from textgen.metrics.fluency import bits_per_char
from textgen.metrics.translation import self_bleu
from textgen.models.views import LanguageModel
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.text.segment import sentences

STRIDE = 8  # one piece in so many is masked at once
PROMPT = 8  # characters of a real text that a deterministic search begins with


def main(model: str, plain: Path, out: Path, count: int, settings: Sequence[str]) -> None:
    print(
        "| setting | judge (real) | distinct-2 (real) | self-BLEU (real) | distance | characters | seconds |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows(model, plain, out, count, settings):
        pairs = [f"{a:.2f} ({b:.2f})" for a, b in zip(row["own"], row["real"], strict=True)]
        told = [f"{row['distance']:.3f}", f"{row['characters']:.0f}", f"{row['seconds']:.2f}"]
        print("|", " | ".join([row["setting"], *pairs, *told]), "|", flush=True)


def rows(model: str, plain: Path, out: Path, count: int, settings: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The figures of every setting, and of real text of the same lengths."""
    out.mkdir(parents=True, exist_ok=True)
    real = [json.loads(line)["text"] for line in plain.read_text(encoding="utf-8").splitlines()]
    judge = load_model(find_model("bert" if model == "gpt2" else "gpt2"))
    for setting in settings:
        texts, seconds = sampled(model, setting, out, count, real)
        own, others = measured(judge, texts), measured(judge, alike(real, texts))
        ratios = [log(a / b) for a, b in zip(own, others, strict=True)]
        yield {
            "setting": setting,
            "own": own,
            "real": others,
            "distance": sqrt(sum(ratio**2 for ratio in ratios) / len(ratios)),
            "characters": sum(map(len, texts)) / len(texts),
            "seconds": seconds,
        }


def sampled(model: str, setting: str, out: Path, count: int, real: Sequence[str]) -> tuple[list[str], float]:
    """The texts of a setting, from a file if they are there, and the seconds that each took."""
    file = out / f"{model}.{setting}.json"
    if not file.exists():
        options = {} if setting == "default" else dict(map(option, setting.split(":")))
        began = time.perf_counter()
        several = options.get("decode") != "contrastive"  # which writes one text, so it needs prompts
        rows = [""] if several else [text[:PROMPT] for text in real[:: len(real) // count][:count]]
        records = textgen.load(model).generate(
            rows, num_candidates=count if several else 1, seed=1, **options
        )
        seconds = (time.perf_counter() - began) / count
        texts = [candidate.text for record in records for candidate in record.candidates]
        file.write_text(json.dumps([texts, seconds], ensure_ascii=False, indent=0), encoding="utf-8")
    texts, seconds = json.loads(file.read_text(encoding="utf-8"))
    return [text for text in texts if text.strip()], seconds


def option(pair: str) -> tuple[str, Any]:
    name, value = pair.split("=")
    return name, json.loads(value) if re.fullmatch(r"[\d.]+", value) else value


def alike(real: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Real texts, each from within its source, cut at the sentence end nearest to a sample's length."""
    found = []
    sources = real[:: max(1, len(real) // len(texts))]
    for source, text in zip(sources, texts, strict=False):
        parts = sentences(source)
        taken = ""
        for part in parts[len(parts) // 3 :]:
            if taken and abs(len(taken + part) - len(text)) > abs(len(taken) - len(text)):
                break
            taken += part
        found.append(taken.strip())
    return [text for text in found if text]


def measured(judge: Any, texts: Sequence[str]) -> list[float]:
    fluency = (
        bits_per_char(judge, texts).value
        if judge.files.family.offers(LanguageModel)
        else strided_perplexity(judge, texts)
    )
    return [fluency, distinct(texts, 2).value, self_bleu(texts).value]


def strided_perplexity(judge: Any, texts: Sequence[str]) -> float:
    """Pseudo-perplexity of a piece, every eighth masked at once."""
    specials, network = judge.tokenizer.specials, judge.network
    total, pieces = 0.0, 0
    for text in texts:
        ids = judge.tokenizer.encode(text)[: network.config.max_position_embeddings - 2]
        framed = torch.tensor([[specials.cls, *ids, specials.sep]])
        for first in range(min(STRIDE, len(ids))):
            places = torch.arange(1 + first, len(ids) + 1, STRIDE)
            masked = framed.clone()
            masked[0, places] = specials.mask
            with torch.inference_mode():
                hidden = network.encode(masked, torch.tensor([framed.shape[1]]))
                logits = network.logits(hidden[0, places]).float()
            total += float(logits.log_softmax(-1)[range(len(places)), framed[0, places]].sum())
            pieces += len(places)
    return exp(-total / pieces)


if __name__ == "__main__":
    name, plain, out, count, *settings = sys.argv[1:]
    main(name, Path(plain), Path(out), int(count), settings)
