"""Small random networks of transformers, made once, by the names of their kinds."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import transformers as hf
from torch import nn

VOCABULARY = 97
WIDTH = 16
POSITIONS = 64
BERT_SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": POSITIONS,
}
ROTARY_SIZES = BERT_SIZES | {"num_key_value_heads": 1, "head_dim": 8, "initializer_range": 0.5}
GPT2_SIZES = {"vocab_size": VOCABULARY, "n_embd": WIDTH, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}
BART_SIZES = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": POSITIONS,
    "forced_eos_token_id": None,
}
T5_SIZES = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 24,
    "num_layers": 2,
    "num_heads": 2,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 16,
    "pad_token_id": 0,
    "decoder_start_token_id": 0,
}
NO_IDS: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}

CAUSAL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2_SIZES),
    "gpt1": ("OpenAIGPTLMHeadModel", "OpenAIGPTConfig", GPT2_SIZES),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", ROTARY_SIZES),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", ROTARY_SIZES),
    "llama": ("LlamaForCausalLM", "LlamaConfig", ROTARY_SIZES),
    "glm": ("GlmForCausalLM", "GlmConfig", ROTARY_SIZES),
    # keys and values of few numbers, and scaled logits
    "minicpm3": (
        "MiniCPM3ForCausalLM",
        "MiniCPM3Config",
        ROTARY_SIZES
        | {"num_key_value_heads": 2, "q_lora_rank": 8, "kv_lora_rank": 8, "v_head_dim": 8}
        | {"qk_nope_head_dim": 4, "qk_rope_head_dim": 4},
    ),
    "bloom": (
        "BloomForCausalLM",
        "BloomConfig",
        {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "n_layer": 2, "n_head": 2},
    ),
    # half of its layers see eight tokens back, and its logits are capped
    "gemma2": (
        "Gemma2ForCausalLM",
        "Gemma2Config",
        ROTARY_SIZES | {"sliding_window": 8, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 8},
    ),
    # a state that is no keys and values
    "mamba": (
        "MambaForCausalLM",
        "MambaConfig",
        {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": 2, "state_size": 4},
    ),
}
ENCODER_DECODER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bart": ("BartForConditionalGeneration", "BartConfig", BART_SIZES),
    "pegasus": ("PegasusForConditionalGeneration", "PegasusConfig", BART_SIZES),
    "t5": ("T5ForConditionalGeneration", "T5Config", T5_SIZES),
    "mt5": (
        "MT5ForConditionalGeneration",
        "MT5Config",
        T5_SIZES | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
}
MASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertForMaskedLM", "BertConfig", BERT_SIZES),
    # its positions begin behind the id of its padding
    "roberta": (
        "RobertaForMaskedLM",
        "RobertaConfig",
        BERT_SIZES | {"max_position_embeddings": POSITIONS + 2, "pad_token_id": 1},
    ),
    "roformer": ("RoFormerForMaskedLM", "RoFormerConfig", BERT_SIZES | {"embedding_size": 8}),
    "ernie": ("ErnieForMaskedLM", "ErnieConfig", BERT_SIZES | {"use_task_id": True}),
}
ALL = CAUSAL | ENCODER_DECODER | MASKED


@cache
def foreign(kind: str) -> Any:
    """The network of a kind, in evaluation mode, each of whose tensors matters."""
    network, config, sizes = ALL[kind]
    made = getattr(hf, network)(getattr(hf, config)(**NO_IDS | sizes)).eval().requires_grad_(False)
    randomised(made, sorted(ALL).index(kind))
    return made


def randomised(network: nn.Module, seed: int) -> None:
    """Give every tensor numbers that matter."""
    noise = torch.Generator().manual_seed(seed)
    for name, weight in sorted(network.named_parameters()):
        drawn = torch.randn(weight.shape, generator=noise)
        norm = weight.ndim == 1 and name.endswith("weight")
        weight.copy_(1 + 0.2 * drawn if norm else 0.3 * drawn)
