"""The classes of the recipes, imported on use; `textgen.options.recipes` has their options."""

from __future__ import annotations

from typing import Any

from textgen.errors import UsageError
from textgen.options.recipes import OPTIONS
from textgen.plugins import resolved


def recipe_class(name: str) -> Any:
    """The class of a recipe: that of `title-rank` is `title_rank:TitleRankRecipe`. Raises UsageError."""
    if name == "tokenizer":
        hint = "textgen.train.recipes.tokenizer.train_tokenizer does"
        raise UsageError("train does not make tokenizers", hint=hint)
    if name not in OPTIONS:
        raise UsageError("there is no recipe {name}", name=name, known=[*OPTIONS], hint="recipes: {known}")
    return resolved(f"{__name__}.{name.replace('-', '_')}:{name.title().replace('-', '')}Recipe")
