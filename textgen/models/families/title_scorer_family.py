"""The family of models that rank titles."""

from __future__ import annotations

from textgen.models.families.bert_family import BERT
from textgen.models.family import Family
from textgen.models.views import TitleRanker

TITLE_SCORER = Family(
    "title-scorer",
    network="textgen.models.families.title_scorer:TitleScorer",
    sizes=BERT.sizes,
    builder="textgen.models.families.title_scorer:build",
    views=(TitleRanker,),
    keys=BERT.keys,
    computed=BERT.computed,
    purpose="textgen title {@rank} scorer {@scorer} DIR ranks titles by it",
)
