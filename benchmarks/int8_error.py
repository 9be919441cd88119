"""What int8 costs gpt2 and bert: the error of every kind of layer on real activations, and the likelihood.

    python benchmarks/int8_error.py PLAIN [--texts 200]

PLAIN is a file of rows with a `text`, such as `plain.jsonl` of an evaluation folder. For activations of 8
bits (with VNNI) and of 7 (without) it prints, as a Markdown table, the error of the products of each kind of
layer relative to float32 (norm of the difference by norm of the product, over all texts), and by how much the
negative log-likelihood rises: of gpt2 over all tokens, of bert at one masked place in seven.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from textgen.models.layers.int8 import EIGHT_BITS, SEVEN_BITS, Int8Product
from textgen.models.layers.linear import Conv1D, Linear, pack_parts
from textgen.models.layers.rows import dense
from textgen.models.scoring import sequence_logprobs
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model

LEVELS = {"8 bits": EIGHT_BITS, "7 bits": SEVEN_BITS}
TOKENS = 127  # of a text, its beginning
ONE_IN = 7  # places of a text that bert is asked for


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plain", type=Path)
    parser.add_argument("--texts", type=int, default=200)
    options = parser.parse_args()
    lines = options.plain.read_text(encoding="utf-8").splitlines()[: options.texts]
    texts = [json.loads(line)["text"] for line in lines]
    print("| model | products of | " + " | ".join(LEVELS) + " |", "|---|---|---|---|", sep="\n")
    with torch.inference_mode():
        for name, likelihood in (("gpt2", of_tokens), ("bert", of_masked)):
            model = load(name)
            rows = [model.tokenizer.encode(text)[:TOKENS] for text in texts]
            exact, errors = with_errors(model, rows, likelihood)
            for kind, (tall, *errors_of) in errors.items():
                cells = (f"{100 * float((one / tall).sqrt()):.2f} %" for one in errors_of)
                print(f"| {name} | `{kind}` | " + " | ".join(cells) + " |")
            cells = (
                f"{100 * (likelihood(packed(name, most), rows) / exact - 1):+.2f} %"
                for most in LEVELS.values()
            )
            print(f"| {name} | negative log-likelihood | " + " | ".join(cells) + " |", flush=True)


def load(name: str) -> LoadedModel:
    return load_model(replace(find_model(name), precision="fp32"))


def packed(name: str, levels: int) -> LoadedModel:
    model = load(name)
    pack_parts(
        nn.ModuleList([model.network]),
        lambda weight, bias, activations: Int8Product(weight, bias, activations, levels=levels),
    )
    return model


def with_errors(
    model: LoadedModel, rows: list[list[int]], likelihood: Callable[[LoadedModel, list[list[int]]], float]
) -> tuple[float, dict[str, list[Tensor]]]:
    """The likelihood; by kind of layer squared norms of the exact products, and of errors by precision."""
    found: dict[str, list[Tensor]] = defaultdict(lambda: [torch.zeros(())] * (1 + len(LEVELS)))
    hooks = [
        layer.register_forward_hook(compare(found, re.sub(r".*\.\d+\.", "", name), layer))
        for name, layer in model.network.named_modules()
        if isinstance(layer, Linear | Conv1D)
    ]
    value = likelihood(model, rows)
    for hook in hooks:
        hook.remove()
    return value, found


def compare(found: dict[str, list[Tensor]], kind: str, layer: Linear | Conv1D) -> Callable[..., None]:
    weight = dense(layer.weight.t() if isinstance(layer, Conv1D) else layer.weight)
    products = [Int8Product(weight, layer.bias, layer.activations, levels=most) for most in LEVELS.values()]

    def hook(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        without_bias = output if layer.bias is None else output - layer.bias
        errors = [product(inputs[0]) - output for product in products]
        squares = [(one.double() ** 2).sum() for one in (without_bias, *errors)]
        found[kind] = [old + new for old, new in zip(found[kind], squares, strict=True)]

    return hook


def of_tokens(model: LoadedModel, rows: list[list[int]]) -> float:
    """gpt2's negative log-likelihood of the rows."""
    begun = [[model.tokenizer.specials.bos, *row] for row in rows]
    return -sum(float(sequence_logprobs(model.network, [], [row])[0]) for row in begun)


def of_masked(model: LoadedModel, rows: list[list[int]]) -> float:
    """bert's negative log-likelihood of the tokens at one place in seven, all masked at once."""
    specials, total = model.tokenizer.specials, 0.0
    for row in rows:
        ids, at = torch.tensor([[specials.cls, *row, specials.sep]]), torch.arange(1, len(row) + 1, ONE_IN)
        ids[0, at] = specials.mask
        hidden = model.network.encode(ids, torch.tensor([ids.shape[1]]))[0, at]
        total -= float(
            model.network.logits(hidden).log_softmax(-1)[range(len(at)), torch.tensor(row)[at - 1]].sum()
        )
    return total


if __name__ == "__main__":
    main()
