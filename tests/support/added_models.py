"""Models that were trained, to be added; and what the command line says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textgen.resources import models_dir

Call = Callable[..., tuple[int, str, str]]
TOKENIZER = models_dir() / "tokenizer" / "zh8k.model"
SIZES = {
    "vocab_size": 8192,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


def refused(result: tuple[int, str, str], code: int, line: str) -> None:
    assert result == (code, "", f"error: {line}\n")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
