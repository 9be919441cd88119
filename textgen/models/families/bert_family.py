"""The family of BERT, and what the families that are built on a BERT have from it."""

from __future__ import annotations

from textgen.models.family import Family, Keys
from textgen.models.views import MaskedLanguageModel

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
