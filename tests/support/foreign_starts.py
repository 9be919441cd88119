"""Small random checkpoints of other makes, from which a training starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from checkpoints import BERT_SYMBOLS, change_json, vocabulary, write_vocabulary
from foreign_networks import BART_SIZES, BERT_SIZES, GPT2_SIZES, ROTARY_SIZES, T5_SIZES, randomised
from foreign_vocabularies import gpt2_files

LETTERS = "春夏秋冬风花雪月山川河海日星云雨东南西北红黄蓝绿大小高低前后左右天地人和金木水火。"
UNUSED = ("[unused1]", "[unused2]", "[unused3]")
TOKENS = vocabulary(symbols=(*BERT_SYMBOLS, *UNUSED), words=tuple(LETTERS))
BARE_TOKENS = vocabulary(words=tuple(LETTERS))
BYTES = 401  # of `gpt2_files`
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2LMHeadModel", GPT2_SIZES),
    "qwen2": ("Qwen2ForCausalLM", ROTARY_SIZES),
    "bart": ("BartForConditionalGeneration", BART_SIZES),
    "pegasus": ("PegasusForConditionalGeneration", BART_SIZES),
    "t5": ("T5ForConditionalGeneration", T5_SIZES),
    "bert": ("BertForMaskedLM", BERT_SIZES),
    "roformer": ("RoFormerForMaskedLM", BERT_SIZES | {"embedding_size": 8}),
}


def start(folder: Path, kind: str, *, unused: bool = True) -> Path:
    """A checkpoint over a vocabulary of BERT, or over bytes."""
    name, sizes = KINDS[kind]
    tokens = TOKENS if unused else BARE_TOKENS
    rows = BYTES if kind == "qwen2" else len(tokens)
    made = getattr(transformers, name)
    network = made(made.config_class(**sizes | {"vocab_size": rows}))
    randomised(network.requires_grad_(False), len(kind))
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
