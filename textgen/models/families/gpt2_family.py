"""The family of GPT-2."""

from __future__ import annotations

from textgen.models.family import Family, Keys
from textgen.models.views import LanguageModel

GPT2 = Family(
    "gpt2",
    network="textgen.models.families.gpt2:Gpt2",
    sizes="textgen.models.families.gpt2:Gpt2Config",
    views=(LanguageModel,),
    keys=Keys("n_embd", "n_head", "n_layer", "n_positions"),
    computed={
        "activation_function": "gelu_new",
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
    },
    tied=("lm_head.weight",),
    styles=True,
    architecture="GPT2LMHeadModel",
    frame=("bos",),
    sequences="textgen.models.incremental_scoring:IncrementalGpt2",
)
