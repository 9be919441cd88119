"""Options models with the options of all strategies."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, create_model

from textgen.options.decoding import DecodingOptions

M = TypeVar("M", bound=BaseModel)


class _Composed(BaseModel):
    """The part of a composed model by which another process finds it, where no module has it."""

    composed_of: ClassVar[type[BaseModel]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (self.composed_of,), self.__getstate__()


def _empty(model: type[BaseModel]) -> BaseModel:
    """Composed options to which their state is still to be given."""
    kind: Any = composed(model)
    found: BaseModel = kind.__new__(kind)
    return found


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
    bases: Any = (_Composed, model, *missing)
    found: Any = create_model(model.__name__, __base__=bases, __doc__=model.__doc__)
    found.composed_of = model
    kind: type[M] = found
    return kind
