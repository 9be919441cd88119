"""The table of model families: textgen's own records, and those that other packages bring; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from textgen.models.families import pretrained
from textgen.models.family import Family, Keys
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel, TitleRanker, TwoWayModel
from textgen.plugins import with_installed

GROUP = "textgen.families"  # of the entry points
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
    sequences="textgen.models.scoring:IncrementalGpt2",
)

GPT2_ML = replace(
    GPT2,
    name="gpt2-ml",
    network="textgen.models.families.gpt2_ml:Gpt2Ml",
    sizes="textgen.models.families.gpt2_ml:Gpt2MlConfig",
    builder="textgen.models.families.gpt2_ml:build",
    computed={"activation_function": "gelu"},
    unused=r"\.attn\.(masked_)?bias$",
    styles=False,
    architecture=None,
    frame=(),
)

BERT = Family(
    "bert",
    network="textgen.models.families.bert:Bert",
    sizes="textgen.models.families.bert:BertConfig",
    views=(MaskedLanguageModel,),
    keys=Keys("hidden_size", "num_attention_heads", "num_hidden_layers", "max_position_embeddings"),
    computed={"hidden_act": "gelu", "position_embedding_type": "absolute"},
    tied=("cls.predictions.decoder.weight", "cls.predictions.decoder.bias"),
    styles=True,
    architecture="BertForMaskedLM",
    frame=("cls", "sep"),
)

NEZHA = replace(
    BERT,
    name="nezha",
    network="textgen.models.families.nezha:Nezha",
    sizes="textgen.models.families.nezha:NezhaConfig",
    computed={"hidden_act": "gelu", "use_relative_position": True},
    unused=r"\.relative_positions_encoding\.|^nezha\.embeddings\.(position|token_type)_ids$"
    r"|^nezha\.pooler\.|^cls\.seq_relationship\.",
    styles=False,
    architecture=None,
    frame=(),
)

UNILM = replace(
    BERT,
    name="title",
    network="textgen.models.families.unilm:UniLM",
    builder="textgen.models.families.unilm:build",
    views=(TwoWayModel,),
    model_type="bert",
    marker="target_types",
    prefix="network.",
    prior=True,
    styles=False,
)

ROFORMER_TITLE = replace(
    UNILM,
    name="roformer-title",
    sizes="textgen.models.families.roformer:NarrowConfig",
    computed={"hidden_act": "gelu", "rotary_value": False},
    model_type="roformer",
    architecture=None,
    frame=(),
)

SIMBERT = replace(
    BERT,
    name="simbert",
    network="textgen.models.families.simbert:SimBert",
    sizes="textgen.models.families.roformer:NarrowConfig",
    views=(TitleModel,),
    prefix="network.",
    styles=False,
    architecture=None,
    frame=(),
)

ROFORMER_SIM = replace(
    SIMBERT,
    name="roformer-sim",
    network="textgen.models.families.simbert:RoFormerSim",
)

RNN_TITLE = Family(
    "rnn-title",
    network="textgen.models.families.rnn_title:RnnTitle",
    sizes="textgen.models.families.rnn_title:RnnTitleConfig",
    views=(TitleModel,),
    keys=Keys("hidden_size", "num_heads"),
)

TITLE_SCORER = Family(
    "title-scorer",
    network="textgen.models.families.title_scorer:TitleScorer",
    sizes=BERT.sizes,
    builder="textgen.models.families.title_scorer:build",
    views=(TitleRanker,),
    keys=BERT.keys,
    computed=BERT.computed,
    purpose="title models rank by it, with {@rank} scorer and {@scorer}",
)

TITLES = (UNILM, ROFORMER_TITLE, SIMBERT, ROFORMER_SIM, RNN_TITLE)
OWN = {family.name: family for family in (GPT2, GPT2_ML, BERT, NEZHA, *TITLES, TITLE_SCORER)}
BUILT_IN = OWN | pretrained.FAMILIES


def family_of(name: str) -> Family:
    """The family of a name; one that has no network, if there is none."""
    return BUILT_IN.get(name) or installed().get(name) or Family(name)


def family_for(config: Mapping[str, Any]) -> Family:
    """The family of the model that a config.json with a `model_type` describes."""
    known = _fitting(OWN.values(), config) or _fitting(installed().values(), config)
    return known or Family(config["model_type"])


@cache
def installed() -> Mapping[str, Family]:
    """The families that other packages bring; looked for once, and only where textgen's own do not do."""
    found = with_installed(GROUP, BUILT_IN, Family)
    return {family.name: family for name, family in found.items() if name not in BUILT_IN}


def _fitting(families: Iterable[Family], config: Mapping[str, Any]) -> Family | None:
    fitting = [family for family in families if family.fits(config)]
    # a marker tells a family from another of its model_type
    return max(fitting, key=lambda family: family.marker is not None, default=None)
