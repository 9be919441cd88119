"""The family of BERT, and what the families that are built on a BERT have from it."""

from __future__ import annotations

from textgen.models.family import Family, Keys
from textgen.models.views import MaskedLanguageModel

SIZES = "textgen.models.families.bert:BertConfig"
KEYS = Keys("hidden_size", "num_attention_heads", "num_hidden_layers", "max_position_embeddings")
COMPUTED = {"hidden_act": "gelu", "position_embedding_type": "absolute"}
TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")

BERT = Family(
    "bert",
    network="textgen.models.families.bert:Bert",
    sizes=SIZES,
    views=(MaskedLanguageModel,),
    keys=KEYS,
    computed=COMPUTED,
    tied=TIED,
    styles=True,
    architecture="BertForMaskedLM",
    frame=("cls", "sep"),
)
