"""Sampling from the package's gpt2: textgen, transformers, CTranslate2.

A task is a number of rows and of tokens. All draw with top-p 0.95 and temperature 1 behind the same prompt.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contestants.in_turn import Contestant, Done, Work
from contestants.ours import ours_in_precisions
from textgen.compute import cores
from textgen.store.catalog import find_model
from textgen.store.export import export_model

PROMPT = "春天来了，"
TOP_P = 0.95
ROWS = 64  # of a batch of ours; those of peers have all rows there are
Task = tuple[int, int]
PEERS = ("transformers fp32", "CTranslate2 fp32", "CTranslate2 int8")


def contestants(folder: Path) -> list[Contestant]:
    """All of them; CTranslate2 (`pip install '.[bench]'`) if it is there.

    Args:
        folder: Where to put the model for the peers.
    """
    _export(folder)
    found = [Contestant("transformers fp32", transformers, (folder,))]
    if find_spec("ctranslate2"):
        found.append(Contestant("CTranslate2 fp32", ctranslate2, (folder, "float32")))
        found.append(Contestant("CTranslate2 int8", ctranslate2, (folder, "int8")))
    return found + ours_in_precisions(ours, "gpt2")


def ours(precision: str) -> Work:
    import textgen

    model = textgen.load("gpt2", precision=precision)

    def work(task: Task) -> Done:
        rows, tokens = task
        given = [textgen.Row(PROMPT, id=str(number)) for number in range(rows)]
        # the last may be the end symbol
        length = {"max_new_tokens": tokens, "min_new_tokens": tokens - 1, "end_at": "any"}
        records = model.generate(given, top_p=TOP_P, temperature=1.0, seed=1, batch_size=ROWS, **length)
        return Done(sum(record.candidates[0].tokens for record in records))

    return work


def transformers(folder: Path) -> Work:
    import torch
    from transformers import AutoTokenizer, GPT2LMHeadModel

    model: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    prompt = AutoTokenizer.from_pretrained(folder)(PROMPT, return_tensors="pt").input_ids

    def work(task: Task) -> Done:
        rows, tokens = task
        with torch.inference_mode():
            found = model.generate(
                prompt.expand(rows, -1),
                attention_mask=torch.ones(rows, prompt.shape[1], dtype=torch.long),
                do_sample=True,
                top_k=0,
                top_p=TOP_P,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                pad_token_id=0,
            )
        return Done(found[:, prompt.shape[1] :].numel())

    return work


def ctranslate2(folder: Path, kind: str) -> Work:
    from ctranslate2 import Generator
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    converted = str(folder / kind)
    TransformersConverter(str(folder)).convert(converted, quantization=kind)
    prompt = tokenizer.convert_ids_to_tokens(tokenizer(PROMPT).input_ids)
    # by default it takes four threads even where there are fewer cores
    model = Generator(converted, compute_type=kind, intra_threads=cores())

    def work(task: Task) -> Done:
        rows, tokens = task
        found = model.generate_batch(
            [prompt] * rows,
            sampling_topk=0,
            sampling_topp=TOP_P,
            max_length=len(prompt) + tokens,
            min_length=len(prompt) + tokens,
            include_prompt_in_result=True,
        )
        return Done(sum(len(one.sequences_ids[0]) - len(prompt) for one in found))

    return work


def _export(folder: Path) -> None:
    """Write the model as transformers reads it, its tokenizer as CTranslate2's converter wants it."""
    from transformers import AutoTokenizer

    for _ in export_model(find_model("gpt2"), folder, dtype="fp32"):
        pass
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tokenizer.add_tokens([f"<filler{number}>" for number in range(size - len(tokenizer))])
    tokenizer.unk_token = tokenizer.pad_token
    tokenizer.save_pretrained(folder)
