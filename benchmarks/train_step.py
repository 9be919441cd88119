"""A training step of ours beside the same step of transformers' model in a plain loop.

python benchmarks/train_step.py bert|gpt2 TEXTS.jsonl [STEPS [OPTION=VALUE ...]]

Both have the weights of the shipped model, the same batches, AdamW, clipping and dropout (not of
attention's weights, which ours never drops), and take turns.
Their gpt2 is fed one piece more than ours, so its window must be shorter than what it reads (window=255).
Prints the medians of their seconds a step and of their ratio, and first how far their losses are apart.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

from textgen.events import ignore
from textgen.files.rows import FileRows
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.train.data.arrays import Arrays
from textgen.train.data.corpus import build_corpus, order_of
from textgen.train.recipes import recipe_class
from textgen.train.run import never
from textgen.train.step.loop import Loop
from textgen.train.step.machine import Machine

NO_LABEL = -100
THEIRS = {"bert": (BertConfig, BertForMaskedLM), "gpt2": (GPT2Config, GPT2LMHeadModel)}
# as ours: what layers give is dropped, the weights of attention are not
DROPPED = {"bert": ("hidden_dropout_prob",), "gpt2": ("resid_pdrop", "embd_pdrop")}
RATE, DROPOUT = 1e-5, 0.1


def ours(kind: str, path: str, folder: str, given: dict[str, Any]) -> tuple[Loop, Arrays]:
    """A loop over a file that starts from the shipped model."""
    recipe_type = recipe_class(kind)
    given = {"start": kind, "steps": 10_000, "learning_rate": RATE, "dropout": DROPOUT} | given
    recipe = recipe_type(parse(OPTIONS[kind], given, user=kind))
    corpus = build_corpus(FileRows([path], recipe.options.reading), recipe, Path(folder), never, ignore)
    network = recipe.build(corpus).requires_grad_(True)
    return Loop(recipe, network, corpus, Machine(None), recipe.options.steps), corpus


def theirs(kind: str, loop: Loop) -> Any:
    """Transformers' model with the same weights."""
    config_type, model_type = THEIRS[kind]
    config = config_type.from_dict(loop.recipe.config(loop.network))
    for name in DROPPED[kind]:
        setattr(config, name, DROPOUT)
    model = model_type(config)
    missing, _ = model.load_state_dict(
        {name: weight.float() for name, weight in loop.network.state_dict().items()}, strict=False
    )
    if strange := [name for name in missing if "decoder" not in name and "lm_head" not in name]:
        raise SystemExit(f"weights they have and we have not: {strange}")
    model.tie_weights()
    return model


def inputs_of(kind: str, batch: Any) -> dict[str, Tensor]:
    """What transformers' model is called with for one of our batches."""
    if kind == "bert":
        labels = torch.full_like(batch.ids, NO_LABEL)
        labels[batch.asked] = batch.targets
        mask = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
        return {"input_ids": batch.ids, "labels": labels, "attention_mask": mask.long()}
    # their loss leaves out the first label, as it is of what the first piece is told by
    ids = torch.cat([batch.inputs, batch.targets[:, -1:].clamp(min=0)], 1)
    labels = torch.cat([batch.inputs[:, :1], batch.targets], 1)
    return {"input_ids": ids, "labels": labels.masked_fill(labels < 0, NO_LABEL)}


def main(kind: str, path: str, steps: str = "20", *settings: str) -> None:
    torch.manual_seed(0)
    given = {name: json.loads(value) for name, value in (setting.split("=", 1) for setting in settings)}
    with tempfile.TemporaryDirectory() as folder:
        loop, corpus = ours(kind, path, folder, given)
        model = theirs(kind, loop)
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=loop.options.weight_decay)
        order = order_of(corpus, loop.options)
        first = loop.recipe.batch(loop.arrays, order.at(0)[1].tolist(), 0)
        with torch.no_grad():
            own = float(loop.recipe.loss(loop.network.eval(), first)[0]) / loop.recipe.places(first)
            other = float(model.eval()(**inputs_of(kind, first)).loss)
        print(f"losses of the first batch: {own:.5f} and {other:.5f}")
        seconds: list[tuple[float, float]] = []
        model.train()
        for number in range(int(steps)):
            epoch, drawn = order.at(number)
            examples = drawn.tolist()
            started = time.perf_counter()
            loop.step(number, epoch, examples)
            between = time.perf_counter()
            loss = model(**inputs_of(kind, loop.recipe.batch(loop.arrays, examples, epoch))).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seconds.append((between - started, time.perf_counter() - between))
        a, b = (statistics.median(column) for column in zip(*seconds, strict=True))
        ratio = statistics.median(other / own for own, other in seconds)
        print(f"{kind}, {steps} steps: ours {a:.2f} s, theirs {b:.2f} s, {ratio:.2f} times as fast")


if __name__ == "__main__":
    main(*sys.argv[1:])
