"""The recipes by name, resolved on use; `textgen.options.recipes` lists them with their options."""

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
        raise UsageError(f"there is no recipe {name}", hint=f"recipes: {', '.join(OPTIONS)}")
    module, words = name.replace("-", "_"), name.title().replace("-", "")
    return resolved(f"{__name__}.{module}:{words}Recipe")
