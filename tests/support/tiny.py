"""A tokenizer of some 300 pieces, models of two narrow layers, small files, and short runs over them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from textgen.events import ignore
from textgen.files.rows import FileRows
from textgen.models.families import BERT, GPT2
from textgen.models.initialization import bert_config, gpt2_config, initialized, padded_vocabulary
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.store.save import save_model
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import FIXED, train_tokenizer
from textgen.train.data.corpus import build_corpus
from textgen.train.recipes import recipe_class
from textgen.train.run import Outcome, never, train
from textgen.train.step.loop import Loop
from textgen.train.step.lora import add_adapters
from textgen.train.step.machine import Machine

LETTERS = "春夏秋冬风花雪月山川河海日星云雨东南西北红黄蓝绿大小高低前后左右天地人和金木水火"
# recipes that need no model of another recipe
FIRST_STAGES = [
    name
    for name, options in OPTIONS.items()
    if options.model_fields["start"].default != "title" and "writer" not in options.model_fields
]
# five steps, whose weights lie in the files as they are
SHORT: dict[str, Any] = {
    "steps": 5,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "dropout": 0.0,
    "storage": "fp32",
    "log_every": 1,
}


def make_tokenizer(folder: Path) -> Path:
    """Train a tokenizer with a piece for each of LETTERS, and for the full stop."""
    path = folder / "tiny.model"
    size = FIXED + len(LETTERS) + 2
    train_tokenizer([LETTERS, "。 "], path, TokenizerTrainOptions(vocab_size=size, latin_pieces=0))
    return path


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """The network, all of whose tensors matter."""
    noise = torch.Generator().manual_seed(seed)
    for _, weight in sorted(network.named_parameters()):
        weight.data += 0.1 * torch.randn(weight.shape, generator=noise)
    return network


def make_bert(folder: Path, tokenizer: Path, *, width: int = 16, positions: int = 80) -> Path:
    """Save a small BERT."""
    pieces = padded_vocabulary(len(SentencePieceTokenizer(tokenizer).vocabulary))
    config = bert_config(vocab_size=pieces, layers=2, width=width, heads=2, positions=positions)
    save_model(folder, randomised(initialized(BERT, config, 1), 2), config, tokenizer, storage="fp32")
    return folder


def make_gpt2(folder: Path, tokenizer: Path, *, width: int = 16, positions: int = 80) -> Path:
    """Save a small GPT-2."""
    known = SentencePieceTokenizer(tokenizer)
    config = gpt2_config(
        vocab_size=padded_vocabulary(len(known.vocabulary)),
        layers=2,
        width=width,
        heads=2,
        positions=positions,
        bos=known.specials.bos,
        eos=known.specials.eos,
        pad=known.specials.pad,
    )
    save_model(folder, randomised(initialized(GPT2, config, 1), 2), config, tokenizer, storage="fp32")
    return folder


def some_text(length: int, seed: int, letters: str = LETTERS) -> str:
    """Letters drawn at random."""
    return "".join(random.Random(seed).choices(letters, k=length))


def some_pairs(count: int, *, article: int = 14, title: int = 4) -> list[dict[str, Any]]:
    """Articles of different lengths with titles made of their letters."""
    rows = []
    for number in range(count):
        text = some_text(article + number % 5, number)
        rows.append({"text": text + "。", "title": text[1 : 1 + title + number % 3]})
    return rows


def some_texts(count: int, *, length: int = 12) -> list[dict[str, Any]]:
    """Texts of different lengths with labels."""
    return [{"text": some_text(length + n % 7, n) + "。", "label": "甲乙"[n % 2]} for n in range(count)]


def write_lines(path: Path, rows: Sequence[dict[str, Any] | str]) -> Path:
    """Write rows as JSONL; a string is a line as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def weights_of(folder: Path) -> dict[str, Tensor]:
    """The tensors of a model on disk."""
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    """Whether two models have the same weights, bit for bit."""
    ours, theirs = weights_of(one), weights_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def furthest(one: Path, other: Path) -> float:
    """The greatest difference between weights of two models that matter.

    What is added to all keys changes no attention: its gradient is rounding, which Adam makes large.
    """
    ours, theirs = weights_of(one), weights_of(other)
    found = 0.0
    for name in ours:
        apart = (ours[name] - theirs[name]).abs()
        if name.endswith("c_attn.bias"):
            apart[len(apart) // 3 : 2 * len(apart) // 3] = 0
        found = found if name.endswith("key.bias") else max(found, float(apart.max()))
    return found


class Countdown:
    """Wants a run to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


class Bench:
    """Small models, and runs from them.

    Args:
        folder: Where the runs go.
        tokenizer: The small tokenizer.
        models: Small models by kind.
    """

    def __init__(self, folder: Path, tokenizer: Path, models: dict[str, Path]) -> None:
        self.folder, self.tokenizer, self.models = folder, tokenizer, models
        self.events: list[Any] = []

    def rows(self, recipe: str) -> list[dict[str, Any]]:
        """What the recipe can learn from."""
        return some_pairs(10) if "title" in recipe else some_texts(10)

    def kind(self, recipe: str) -> str:
        """The kind of model that the recipe starts from."""
        return {"title": "bert", "conditional": "gpt2"}.get(recipe, recipe)

    def starts(self, recipe: str) -> dict[str, Any]:
        """What the recipe starts from: the small model of that kind, else the small tokenizer."""
        kind = self.kind(recipe)
        short = {"title_length": 8} if "title" in recipe else {"window": 8} if recipe == "gpt2" else {}
        if kind in self.models:
            return {"start": str(self.models[kind])} | short
        return {"tokenizer": str(self.tokenizer), "width": 16} | short

    def train(self, recipe: str, name: str = "run", rows: Any = None, **options: Any) -> Outcome:
        """Train on rows, or a file, five steps if nothing else is said; its events are kept."""
        given = self.rows(recipe) if rows is None else rows
        if not isinstance(given, Path):
            given = write_lines(self.folder / f"{name}.jsonl", given)
        if "epochs" in options:
            options["steps"] = None
        self.events = []
        made = SHORT | self.starts(recipe) | options
        return train(recipe, [given], self.folder / name, on_event=self.events.append, **made)

    def loop(self, recipe: str, name: str = "loop", rows: Any = None, **options: Any) -> Loop:
        """A loop over rows that has done no step yet."""
        path = write_lines(self.folder / f"{name}.jsonl", self.rows(recipe) if rows is None else rows)
        kind = recipe_class(recipe)
        made = kind(parse(OPTIONS[recipe], SHORT | self.starts(recipe) | options, user=recipe))
        corpus = build_corpus(
            FileRows([str(path)], made.options.reading), made, self.folder / name, never, ignore
        )
        network = made.build(corpus).requires_grad_(True)
        if made.options.lora:
            add_adapters(network, made.options.lora, alpha=2.0, seed=3, still_trained=made.still_trained)
        return Loop(made, network, corpus, Machine(None), made.options.steps)


def gradients_of(loop: Loop, examples: Sequence[int], *, number: int = 0) -> dict[str, Tensor]:
    """What the optimizer is given in a step; the weights stay."""
    found: dict[str, Tensor] = {}

    def look(closure: Any = None) -> None:
        found.update({name: weight.grad.clone() for name, weight in loop.weights.items()})

    before, loop.optimizer.step = loop.optimizer.step, look  # type: ignore[method-assign]
    try:
        loop.step(number, 0, examples)
    finally:
        loop.optimizer.step = before  # type: ignore[method-assign]
    return found
