"""Small language models of other makes that write a title behind a prompt."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import checkpoints
import torch
import transformers
from checkpoints import TEXT, change_json, write_vocabulary
from foreign_vocabularies import llama_model
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor

TOKENS = checkpoints.vocabulary(*"文章：标题夜间")
# as Qwen's, in short
CHAT = (
    "{%- for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}"
    "{% endif %}{% endif %}"
)
SYMBOLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")


def gpt2(folder: Path, *, random: bool = False) -> Path:
    """A GPT-2 over a vocabulary of BERT, which writes one title behind a colon; or anything."""
    torch.manual_seed(3)
    successors = checkpoints.chain(TOKENS, "：", TEXT, "[SEP]")
    checkpoints.gpt2(folder, TOKENS, successors, n_positions=128)
    change_json(folder, "config.json", bos_token_id=None, eos_token_id=None)
    write_vocabulary(folder, TOKENS)
    if random:
        change_weights(folder, lambda name, tensor: torch.randn(tensor.shape) * 0.4)
    return folder


def qwen(folder: Path, text: str, **config: Any) -> Path:
    """A Qwen 2 over bytes, which writes `text`, of different bytes, from any of them on."""
    count = 256 + len(SYMBOLS)
    made = transformers.Qwen2Config(
        vocab_size=count,
        hidden_size=272,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=False,
    )
    checkpoints.byte_level(folder, transformers.Qwen2ForCausalLM(made), text, end="<|im_end|>")
    added = {str(256 + n): {"content": mark, "special": True} for n, mark in enumerate(SYMBOLS)}
    change_json(folder, "tokenizer_config.json", added_tokens_decoder=added, **config)
    return folder


def change_weights(folder: Path, change: Any) -> None:
    """Replace each tensor of a checkpoint by what a function makes of its name and it."""
    file = folder / "model.safetensors"
    tensors = {name: change(name, tensor) for name, tensor in load_file(file).items()}
    save_file(tensors, file, {"format": "pt"})


def llama(folder: Path, text: str) -> Path:
    """A Llama 2, whose SentencePiece model puts a space before texts; it writes `text` behind a colon."""
    folder.mkdir(parents=True)
    processor = SentencePieceProcessor(model_file=str(llama_model(folder / "tokenizer.model")))
    written = processor.encode(f"：{text}")[1:]  # without the space
    made = transformers.LlamaConfig(
        vocab_size=len(processor),
        hidden_size=len(processor),
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
    )
    return checkpoints.saved(folder, transformers.LlamaForCausalLM(made), dict(pairwise([*written, 2])))
