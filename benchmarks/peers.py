"""Tokens per second of gpt2 sampling: textgen against transformers and CTranslate2, in turn in one process.

    python benchmarks/peers.py [ROWS,…] [ROUNDS] [NEW_TOKENS]

All sample with top-p 0.95 and temperature 1 from the package's gpt2, behind the same prompt, NEW_TOKENS a
text. In each round every contestant writes once, so a busy machine disturbs all alike; shown are medians, and
ratios to transformers. CTranslate2 (`pip install '.[bench]'`) takes part if it is there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

# the threads of each contestant's OpenMP are not to spin while another computes; torch's do between two
# products, as in the textgen command
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import torch

import textgen
from textgen.models.precision import choose_precision
from textgen.store.catalog import find_model
from textgen.store.export import export_model

PROMPT = "春天来了，"
TOP_P = 0.95
Write = Callable[[int, int], None]  # so many rows of so many tokens


def ours(precision: str) -> Write:
    model = textgen.load("gpt2", precision=precision)

    def write(rows: int, tokens: int) -> None:
        # the last may be the end symbol
        options = {"max_new_tokens": tokens, "min_new_tokens": tokens - 1, "end_at": "any", "top_p": TOP_P}
        given = [textgen.Row(PROMPT, id=str(number)) for number in range(rows)]
        for record in model.generate(given, **options, temperature=1.0, seed=1):
            assert record.tokens >= tokens - 1, record

    return write


def transformers(folder: Path) -> Write:
    from transformers import AutoTokenizer, GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer(PROMPT, return_tensors="pt").input_ids

    def write(rows: int, tokens: int) -> None:
        with torch.inference_mode():
            model.generate(
                prompt.expand(rows, -1),
                attention_mask=torch.ones(rows, prompt.shape[1], dtype=torch.long),
                do_sample=True,
                top_k=0,
                top_p=TOP_P,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                pad_token_id=0,
            )

    return write


def ctranslate2(folder: Path, kind: str) -> Write | None:
    try:
        from ctranslate2 import Generator
        from ctranslate2.converters import TransformersConverter
    except ImportError:
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    converted = folder / kind
    TransformersConverter(str(folder)).convert(str(converted), quantization=kind)
    prompt = tokenizer.convert_ids_to_tokens(tokenizer(PROMPT).input_ids)
    model = Generator(str(converted), compute_type=kind, intra_threads=torch.get_num_threads())

    def write(rows: int, tokens: int) -> None:
        model.generate_batch(
            [prompt] * rows,
            sampling_topk=0,
            sampling_topp=TOP_P,
            max_length=len(prompt) + tokens,
            min_length=len(prompt) + tokens,
            include_prompt_in_result=True,
        )

    return write


def export(folder: Path) -> None:
    """The package's gpt2 as transformers reads it; its tokenizer as CTranslate2's converter wants it."""
    from transformers import AutoTokenizer

    for _ in export_model(find_model("gpt2"), folder, dtype="fp32"):
        pass
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tokenizer.add_tokens([f"<filler{number}>" for number in range(size - len(tokenizer))])
    tokenizer.unk_token = tokenizer.pad_token
    tokenizer.save_pretrained(folder)


def main() -> None:
    rows, rounds, tokens = (*sys.argv[1:], *("1,16,64", "5", "128")[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "gpt2")
        export(folder)
        contestants: dict[str, Any] = {
            "transformers fp32": transformers(folder),
            "CTranslate2 fp32": ctranslate2(folder, "float32"),
            "CTranslate2 int8": ctranslate2(folder, "int8"),
            **{f"textgen {precision}": ours(precision) for precision in {"fp32", choose_precision()}},
        }
        for count in map(int, rows.split(",")):
            speeds: dict[str, list[float]] = {name: [] for name, write in contestants.items() if write}
            for _ in range(int(rounds)):
                for name in speeds:
                    started = time.perf_counter()
                    contestants[name](count, int(tokens))
                    speeds[name].append(count * int(tokens) / (time.perf_counter() - started))
            base = median(speeds["transformers fp32"])
            for name, found in speeds.items():
                print(
                    f"{count:3} rows  {name:18} {median(found):7.1f}/s  {median(found) / base:5.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
