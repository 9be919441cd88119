"""The families of checkpoints of other makes, whose networks are those of transformers; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textgen.models.family import Family
from textgen.models.views import LanguageModel, MaskedLanguageModel, PromptedTitleModel, TitleModel

LOADER = "textgen.store.pretrained:load_pretrained"

CAUSAL = Family(
    "causal-lm",
    views=(LanguageModel,),
    loader=LOADER,
    sequences="textgen.models.whole_texts:WholeTexts",
)
ENCODER_DECODER = Family("encoder-decoder", views=(TitleModel,), loader=LOADER)
MASKED = Family("masked-lm", views=(MaskedLanguageModel,), loader=LOADER)
# no directory is found to be of this family: it is what a causal model is where titles are wanted
PROMPTED_TITLE = Family("prompted-title", views=(PromptedTitleModel,), loader=LOADER)

FAMILIES = {family.name: family for family in (CAUSAL, ENCODER_DECODER, MASKED, PROMPTED_TITLE)}
# how the names of transformers' classes end
ARCHITECTURES = {
    "ForCausalLM": CAUSAL,
    "LMHeadModel": CAUSAL,
    "ForConditionalGeneration": ENCODER_DECODER,
    "ForMaskedLM": MASKED,
    "ForPreTraining": MASKED,
}
# the usual family of a model_type, where config.json names no class that tells, such as BertModel
TYPES = {
    **dict.fromkeys(
        ("gpt2", "openai-gpt", "llama", "qwen2", "qwen3", "glm", "glm4", "minicpm3", "bloom"), CAUSAL
    ),
    **dict.fromkeys(("t5", "mt5", "bart", "mbart", "pegasus"), ENCODER_DECODER),
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "ernie", "roformer", "electra", "albert"), MASKED),
}


def pretrained_family(config: Mapping[str, Any]) -> Family | None:
    """The family of a checkpoint of another make; None if it writes and fills no text."""
    named = config.get("architectures") or [""]
    architecture = str(named[0]) if isinstance(named, list) else ""
    for ending, family in ARCHITECTURES.items():
        if architecture.endswith(ending):
            return family
    # a class for another task, such as BertForSequenceClassification, has no head that writes
    return None if "For" in architecture else TYPES.get(str(config.get("model_type")))
