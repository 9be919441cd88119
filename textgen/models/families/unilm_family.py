"""The family of title models: a BERT that writes titles, with a copy prior."""

from __future__ import annotations

from dataclasses import replace

from textgen.models.families.bert_family import BERT
from textgen.models.views import TwoWayModel

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
