"""Options models with the options of all strategies."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from textgen.options.decoding import DecodingOptions

M = TypeVar("M", bound=BaseModel)


@cache
def composed(model: type[M]) -> type[M]:
    """A model with the options of all strategies that its users can choose.

    Groups that are among its bases already are left as they are; where there are no others, it is the model
    itself.
    """
    if not issubclass(model, DecodingOptions):
        return model
    brought = dict.fromkeys(group for one in model.offered().values() for group in one.groups)
    missing = tuple(group for group in brought if not issubclass(model, group))
    if not missing:
        return model
    bases: Any = (model, *missing)
    found: type[M] = create_model(model.__name__, __base__=bases, __doc__=model.__doc__)
    return found
