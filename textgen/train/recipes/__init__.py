"""The recipes by name, resolved on use; their options are in `textgen.options.recipes`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from textgen.errors import UsageError

RECIPES = {
    "gpt2": "gpt2:Gpt2Recipe",
    "bert": "bert:BertRecipe",
    "title": "title:TitleRecipe",
    "rnn-title": "rnn_title:RnnTitleRecipe",
    "conditional": "conditional:ConditionalRecipe",
    "bidirectional": "bidirectional:BidirectionalRecipe",
    "title-rank": "title_rank:TitleRankRecipe",
    "title-scorer": "title_scorer:TitleScorerRecipe",
}


def recipe_class(name: str) -> Any:
    """The class of a recipe. Raises UsageError if there is none."""
    if name == "tokenizer":
        hint = "textgen.train.recipes.tokenizer.train_tokenizer does"
        raise UsageError("train does not make tokenizers", hint=hint)
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name}", hint=f"recipes: {', '.join(RECIPES)}")
    module, _, found = RECIPES[name].partition(":")
    return getattr(import_module(f"textgen.train.recipes.{module}"), found)
