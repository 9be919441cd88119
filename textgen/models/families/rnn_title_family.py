"""The family of title models by LSTMs."""

from __future__ import annotations

from textgen.models.family import Family, Keys
from textgen.models.views import TitleModel

RNN_TITLE = Family(
    "rnn-title",
    network="textgen.models.families.rnn_title:RnnTitle",
    sizes="textgen.models.families.rnn_title:RnnTitleConfig",
    views=(TitleModel,),
    keys=Keys("hidden_size", "num_heads"),
)
