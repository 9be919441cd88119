"""Small checkpoints as known Chinese ones are laid out, their mistakes included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import checkpoints
import torch
import transformers
from checkpoints import TEXT, change_json, saved, write_json, write_vocabulary
from safetensors.torch import load_file, save_file

import textgen

TOKENS = checkpoints.vocabulary()
FIRST, SECOND = "明日小早。", "今日小雨。"  # of a dialogue
SIZES = {
    "vocab_size": len(TOKENS),
    "d_model": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 8,
    "decoder_ffn_dim": 8,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}


def gpt2_chinese(folder: Path, tokens: Sequence[str] = TOKENS, **config: Any) -> Path:
    """As `uer/gpt2-chinese-cluecorpussmall`: nothing is said of symbols, and GPT-2 has 50256 for them."""
    checkpoints.gpt2(folder, tokens, checkpoints.chain(tokens, "[CLS]", TEXT, "[SEP]"), **config)
    change_json(folder, "config.json", bos_token_id=None, eos_token_id=None)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=False)
    write_vocabulary(folder, tokens)
    return folder


def cdial(folder: Path, kind: str = "OpenAIGPTLMHeadModel") -> Path:
    """As `thu-coai/CDial-GPT*`: who speaks is a symbol before each turn and beside each of its tokens.

    The first speaker says `FIRST`, the second `SECOND`; what follows 小 the token alone does not tell.
    """
    tokens = checkpoints.vocabulary("[speaker1]", "[speaker2]")
    made: Any = getattr(transformers, kind)
    sizes = {"n_embd": 64, "n_layer": 1, "n_head": 2, "n_positions": 64, "tie_word_embeddings": False}
    network = made(made.config_class(vocab_size=len(tokens), **sizes))
    checkpoints.write_successors(network, {})
    weight = network.get_output_embeddings().weight.data.zero_()
    for speaker, turn in (("[speaker1]", FIRST), ("[speaker2]", SECOND)):
        for token, successor in pairwise([*turn, "[SEP]"]):
            weight[tokens.index(successor), tokens.index(token)] = checkpoints.SHARP
        weight[tokens.index(turn[0]), tokens.index(speaker)] = checkpoints.SHARP / 2
        weight[tokens.index(turn[3]), tokens.index(speaker)] = checkpoints.SHARP / 4
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=True)
    write_vocabulary(folder, tokens)
    return folder


def bart(folder: Path, **sizes: int) -> Path:
    """As `fnlp/bart-base-chinese`: the tokenizer calls another token the end than the model."""
    ends = {"bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3, "pad_token_id": 0}
    network = transformers.BartForConditionalGeneration(transformers.BartConfig(**SIZES | ends | sizes))
    saved(folder, network, checkpoints.chain(TOKENS, "[CLS]", TEXT, "[SEP]"))
    change_json(folder, "tokenizer_config.json", eos_token="[EOS]", tokenizer_class="BertTokenizer")
    write_vocabulary(folder, TOKENS)
    return folder


def bert(folder: Path) -> Path:
    config = transformers.BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
        tie_word_embeddings=False,
    )
    saved(folder, transformers.BertForMaskedLM(config), {TOKENS.index("[MASK]"): TOKENS.index("雨")})
    write_vocabulary(folder, TOKENS)
    return folder


def texts(folder: Path, prompts: Sequence[str], **options: Any) -> list[str]:
    model = textgen.load(str(folder), precision="fp32")
    records = model.generate(list(prompts), decode="greedy", max_new_tokens=14, **options)
    assert [record.error for record in records] == [None] * len(prompts)
    return [record.candidates[0].text for record in records]


def shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    listed = {name: file for file, part in parts.items() for name in part}
    write_json(folder, "model.safetensors.index.json", {"metadata": {}, "weight_map": listed})


def rewritten(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
