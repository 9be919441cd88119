"""Small checkpoints with the files of real ones, whose text shows whether their conventions are kept.

A network's blocks are zero and its head maps each token to its successor, so that it writes one text: what it
is begun with, where it ends, and how its tokens become text can be read off it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

BERT_SYMBOLS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TEXT = "今日小雨，明早转晴。"
WORDS = (*TEXT, *"的了在天气上山下国國這们", "ai", "##b", "iphone", "15", "##5", "3", ".", "hello", "world")
SHARP = 20.0  # so that a softmax is all but sure


def vocabulary(*more: str, symbols: Sequence[str] = BERT_SYMBOLS, words: Sequence[str] = WORDS) -> list[str]:
    """A BERT vocabulary."""
    return [*symbols, *words, *more]


def write_vocabulary(folder: Path, tokens: Sequence[str]) -> None:
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")


def write_json(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def change_json(folder: Path, name: str, **changes: Any) -> None:
    """Change what a JSON file says; None takes a key out."""
    file = folder / name
    content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    content |= changes
    write_json(folder, name, {key: value for key, value in content.items() if value is not None})


def chain(tokens: Sequence[str], first: str, text: Sequence[str], last: str) -> dict[int, int]:
    """Successors by which `text` follows `first`, and `last` the text."""
    ids = {token: number for number, token in enumerate(tokens)}
    path = [ids[token] for token in (first, *text, last)]
    return dict(pairwise(path))


def write_successors(network: Any, successors: Mapping[int, int]) -> None:
    """Let a network write, behind each token, its successor; where it has none, itself."""
    for name, parameter in network.named_parameters():
        norm = name.endswith("weight") and parameter.dim() == 1  # only normalisations have such
        nn.init.constant_(parameter, 1.0 if norm else 0.0)
    embedding, head = network.get_input_embeddings(), network.get_output_embeddings()
    rows, width = embedding.weight.shape
    assert rows <= width, "a token has a direction of its own"
    if head.weight is embedding.weight:  # a T5 is made so; tied, a token would follow itself
        head.weight = nn.Parameter(torch.zeros_like(embedding.weight))
    with torch.no_grad():
        for name, module in network.named_modules():
            if (
                isinstance(module, nn.Embedding) and module.num_embeddings == rows
            ):  # a decoder may have its own
                module.weight.copy_(torch.eye(rows, width))
            elif name.endswith("transform.dense"):  # of the head of a masked network
                module.weight.copy_(torch.eye(width))
        for token in range(rows):
            head.weight[successors.get(token, token), token] += SHARP


def gpt2(folder: Path, tokens: Sequence[str], successors: Mapping[int, int], **config: Any) -> Path:
    """A GPT-2 in a directory; what the class fills in for symbols is not in its config, as in real ones."""
    made = transformers.GPT2Config(
        **{
            "vocab_size": len(tokens),
            "n_embd": 64,
            "n_layer": 1,
            "n_head": 2,
            "n_positions": 64,
            "tie_word_embeddings": False,
        }
        | config
    )
    return saved(folder, transformers.GPT2LMHeadModel(made), successors)


def saved(folder: Path, network: Any, successors: Mapping[int, int]) -> Path:
    """A network that writes successors, in a directory."""
    write_successors(network, successors)
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return folder


def byte_level(folder: Path, network: Any, text: str, *, end: str) -> Path:
    """A network over the bytes in a directory as Qwen's: `<|endoftext|>` and `end` both end a text.

    It writes `text`, of different bytes, and `end`.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    ids = {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}
    path = [*text.encode(), 258]
    saved(folder, network, dict(pairwise(path)))
    write_json(folder, "vocab.json", ids)
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    marks = ("<|endoftext|>", "<|im_start|>", end)
    added = {str(256 + n): {"content": mark, "special": True} for n, mark in enumerate(marks)}
    write_json(folder, "tokenizer_config.json", {"added_tokens_decoder": added, "eos_token": end})
    change_json(folder, "config.json", bos_token_id=256, eos_token_id=256)
    write_json(folder, "generation_config.json", {"eos_token_id": [256, 258], "bos_token_id": 256})
    return folder
