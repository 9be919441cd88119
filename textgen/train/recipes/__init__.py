"""The recipes by name, resolved on use; their options are in `textgen.options.recipes`."""

from __future__ import annotations

from typing import Any

from textgen.errors import UsageError
from textgen.plugins import resolved

RECIPES = {
    "gpt2": "textgen.train.recipes.gpt2:Gpt2Recipe",
    "bert": "textgen.train.recipes.bert:BertRecipe",
    "title": "textgen.train.recipes.title:TitleRecipe",
    "rnn-title": "textgen.train.recipes.rnn_title:RnnTitleRecipe",
    "conditional": "textgen.train.recipes.conditional:ConditionalRecipe",
    "bidirectional": "textgen.train.recipes.bidirectional:BidirectionalRecipe",
    "title-rank": "textgen.train.recipes.title_rank:TitleRankRecipe",
    "title-scorer": "textgen.train.recipes.title_scorer:TitleScorerRecipe",
}


def recipe_class(name: str) -> Any:
    """The class of a recipe. Raises UsageError if there is none."""
    if name == "tokenizer":
        hint = "textgen.train.recipes.tokenizer.train_tokenizer does"
        raise UsageError("train does not make tokenizers", hint=hint)
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name}", hint=f"recipes: {', '.join(RECIPES)}")
    return resolved(RECIPES[name])
