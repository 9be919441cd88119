"""Small random checkpoints of transformers with the files of real ones, to be named on a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import transformers as hf
from checkpoints import change_json, vocabulary, write_vocabulary
from foreign_networks import randomised
from foreign_vocabularies import GPT2_END, gpt2_files

POSITIONS = 64
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": POSITIONS,
}
MASKED = {
    "bert": (hf.BertConfig, hf.BertForMaskedLM),
    "ernie": (hf.ErnieConfig, hf.ErnieForMaskedLM),
    "roformer": (hf.RoFormerConfig, hf.RoFormerForMaskedLM),
}
# what a chinese text never has: a character as if it went on with a word
TOKENS = vocabulary("##天", "c", "##a", "##f", "##e")


def masked(folder: Path, kind: str = "bert", tokens: Sequence[str] = TOKENS) -> Path:
    """A masked model over a vocabulary of BERT, without capitals."""
    config, network = MASKED[kind]
    _save(folder, network(config(vocab_size=len(tokens), pad_token_id=0, **SIZES)))
    write_vocabulary(folder, tokens)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=True)
    return folder


def roberta(folder: Path) -> Path:
    """A masked model over runs of bytes, its symbols first."""
    folder.mkdir(parents=True)
    ids = json.loads(gpt2_files(folder).read_text(encoding="utf-8"))
    del ids[GPT2_END]
    symbols = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    ids = {token: i + len(symbols) for token, i in ids.items()} | {name: n for n, name in enumerate(symbols)}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    _save(folder, hf.RobertaForMaskedLM(hf.RobertaConfig(vocab_size=len(ids), pad_token_id=1, **SIZES)))
    change_json(folder, "tokenizer_config.json", tokenizer_class="RobertaTokenizer", mask_token="<mask>")
    return folder


def encoder_decoder(folder: Path, tokens: Sequence[str] = TOKENS) -> Path:
    """A BART over a vocabulary of BERT."""
    sizes = {
        f"{part}_{name}": n
        for part in ("encoder", "decoder")
        for name, n in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 16))
    }
    sizes |= {
        "vocab_size": len(tokens),
        "d_model": 16,
        "max_position_embeddings": POSITIONS,
        "pad_token_id": 0,
    }
    _save(folder, hf.BartForConditionalGeneration(hf.BartConfig(**sizes, forced_eos_token_id=None)))
    write_vocabulary(folder, tokens)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=True)
    return folder


def causal(folder: Path, tokens: Sequence[str] = TOKENS) -> Path:
    """A GPT-2 over a vocabulary of BERT, without capitals."""
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": POSITIONS}
    symbols = {"bos_token_id": None, "eos_token_id": None}
    _save(folder, hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=len(tokens), **sizes, **symbols)))
    write_vocabulary(folder, tokens)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=True)
    return folder


def _save(folder: Path, network: Any) -> None:
    randomised(network.requires_grad_(False), 3)
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
