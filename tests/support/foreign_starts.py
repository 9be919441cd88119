"""Small random checkpoints of other makes, and runs that start from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from checkpoints import BERT_SYMBOLS, change_json, vocabulary, write_vocabulary
from foreign_networks import BART_SIZES, BERT_SIZES, GPT2_SIZES, ROTARY_SIZES, T5_SIZES, randomised
from foreign_vocabularies import gpt2_files
from tiny import some_pairs, some_texts, write_lines
from torch import Tensor

from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model
from textgen.train.run import Outcome, train

LETTERS = "春夏秋冬风花雪月山川河海日星云雨东南西北红黄蓝绿大小高低前后左右天地人和金木水火。"
UNUSED = ("[unused1]", "[unused2]", "[unused3]")
TOKENS = vocabulary(symbols=(*BERT_SYMBOLS, *UNUSED), words=tuple(LETTERS))
WORD_TOKENS = [*TOKENS, "春风", "秋月", "东南", "前后"]
BARE_TOKENS = vocabulary(words=tuple(LETTERS))
BYTES = 401  # of `gpt2_files`
OF_WORDS = ("roformer-words", "wobert")
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2LMHeadModel", GPT2_SIZES),
    "qwen2": ("Qwen2ForCausalLM", ROTARY_SIZES),
    "bart": ("BartForConditionalGeneration", BART_SIZES),
    "pegasus": ("PegasusForConditionalGeneration", BART_SIZES),
    "t5": ("T5ForConditionalGeneration", T5_SIZES),
    "bert": ("BertForMaskedLM", BERT_SIZES),
    "roformer": ("RoFormerForMaskedLM", BERT_SIZES | {"embedding_size": 8}),
    "roformer-words": ("RoFormerForMaskedLM", BERT_SIZES),
    "ernie": ("ErnieForMaskedLM", BERT_SIZES | {"use_task_id": True, "type_vocab_size": 4}),
    "ernie-1": ("ErnieForMaskedLM", BERT_SIZES | {"hidden_act": "relu"}),
    "wobert": ("BertForMaskedLM", BERT_SIZES),
    "electra": ("ElectraForMaskedLM", BERT_SIZES | {"embedding_size": 8}),
}
SHORT: dict[str, Any] = {
    "steps": 8,
    "batch_size": 5,
    "learning_rate": 1e-2,
    "dropout": 0.1,
    "storage": "fp32",
    "log_every": 1,
}
SHORTER: dict[str, dict[str, Any]] = {"gpt2": {"window": 16}, "title": {"title_length": 8}}
Starts = Callable[[str], Path]


def start(folder: Path, kind: str, *, unused: bool = True) -> Path:
    """A checkpoint over a vocabulary of BERT, or over bytes."""
    name, sizes = KINDS[kind]
    tokens = WORD_TOKENS if kind in OF_WORDS else TOKENS if unused else BARE_TOKENS
    rows = BYTES if kind == "qwen2" else len(tokens)
    made = getattr(transformers, name)
    network = made(made.config_class(**sizes | {"vocab_size": rows}))
    randomised(network.requires_grad_(False), len(kind))
    for part in network.modules():
        if hasattr(part, "create_weight"):  # sines, which no training changes
            part.weight.copy_(part.create_weight())
    folder.mkdir(parents=True)
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    change_json(folder, "config.json", bos_token_id=None, eos_token_id=None)
    if kind == "qwen2":
        gpt2_files(folder)
        change_json(folder, "tokenizer_config.json", eos_token="<|endoftext|>")
    else:
        write_vocabulary(folder, tokens)
        change_json(folder, "tokenizer_config.json", do_lower_case=True)
    return folder


def run(folder: Path, recipe: str, begin: Path, events: list[Any] | None = None, **options: Any) -> Outcome:
    """Train in a folder from a checkpoint, eight steps if nothing else is said."""
    rows = (
        some_pairs(10)
        if recipe in ("title", "bidirectional", "title-rank", "title-scorer")
        else some_texts(10)
    )
    given = write_lines(folder.with_suffix(".jsonl"), rows)
    made = SHORT | SHORTER.get(recipe, {}) | {"start": str(begin)} | options
    told = (lambda event: None) if events is None else events.append
    return train(recipe, [given], folder, on_event=told, **made)


def loaded(folder: Path) -> LoadedModel:
    return load_model(find_model(str(folder)))


def logits_there(folder: Path, kind: str, starts: tuple[int, ...] = ()) -> Tensor:
    """What transformers computes of the same."""
    network, report = getattr(transformers, KINDS[kind][0]).from_pretrained(
        folder, output_loading_info=True, dtype=torch.float32
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    ids = torch.tensor([[9, 12, 10, 11]])
    more = {"decoder_input_ids": torch.tensor([[*starts, 12, 10, 11]])} if starts else {}
    with torch.no_grad():
        return network.eval()(input_ids=ids, **more).logits[:, len(starts) :]
