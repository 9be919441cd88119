"""Fields of options with all that is known of them: flags, config files and documents are made from it."""

from __future__ import annotations

from copy import copy
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

# panels of help
DECODING = "Decoding"
SAMPLING = "Sampling"
CONTENT = "What the text may say"
PROMPT = "Titles by a prompt"
CHAIN = "Chains"
TARGET = "Target distribution"
BAR = "What is good enough"
FILES = "Files"
BATCH = "Runs over files"
DATA = "Data"
RECIPE = "Recipe"
MODEL = "Model"
STEPS = "Steps"
OPTIMIZER = "Optimizer"
REGULARISERS = "Regularisers"
DEV = "Dev file"
RUN = "Run"
OF_TRAINING = (DATA, RECIPE, MODEL, STEPS, OPTIMIZER, REGULARISERS, DEV, RUN)

# numbers in the ranges that options often have
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Portion = Annotated[float, Field(gt=0, le=1)]
Penalty = Annotated[float, Field(ge=-10, le=10)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]

G = TypeVar("G")
STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class OptionGroup(BaseModel):
    """Fields that several options models take as they are."""

    model_config = STRICT


def field(
    default: Any,
    description: str,
    panel: str | None = None,
    *,
    metavar: str | None = None,
    **constraints: Any,
) -> Any:
    """A field of options.

    Args:
        default: Its value where nothing is set.
        description: A sentence or two for help and documents, without the default; `{@top_p}` stands for
            the name of an option.
        panel: Where help shows it; None is the panel of the command itself.
        metavar: What help shows of its values, if not their type or choices.
        **constraints: Of `pydantic.Field`, such as `ge=0`.
    """
    shown: dict[str, Any] = {"panel": panel, "metavar": metavar}
    return Field(default, description=description, json_schema_extra=shown, **constraints)


def changed(model: type[BaseModel], name: str, default: Any, description: str | None = None) -> Any:
    """A field of a model with another default, for a subclass; and with another description, if given."""
    found = copy(model.model_fields[name])
    found.default = default
    found.description = description or found.description
    return found


def shown(info: FieldInfo, key: str) -> Any:
    """The `panel` or `metavar` of a field."""
    extra = info.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None


def pair(separator: str, number: type, like: str, *, alone: bool = True) -> BeforeValidator:
    """A reader of texts such as `12-24` and of lists, for fields that hold two numbers.

    Args:
        separator: What stands between the numbers.
        number: Their type.
        like: Examples for the message that refuses others.
        alone: Whether a single number stands for itself twice.
    """

    def read(value: object) -> object:
        if isinstance(value, str):
            first, found, second = value.partition(separator)
            try:
                return number(first), number(second if found or not alone else first)
            except ValueError:
                raise ValueError(f"must be like {like}") from None
        if alone and isinstance(value, int | float) and not isinstance(value, bool):
            return value, value
        return tuple(value) if isinstance(value, list) else value

    return BeforeValidator(read)


def rising(numbers: tuple[Any, Any]) -> tuple[Any, Any]:
    """Check a range, for a field. Raises ValueError if its end is below its beginning."""
    if numbers[0] > numbers[1]:
        raise ValueError("it ends below its beginning")
    return numbers


def own(options: object, group: type[G]) -> G:
    """Options as those of a group, such as what a strategy brings. Raises TypeError if they are others."""
    if not isinstance(options, group):
        raise TypeError(f"{type(options).__name__} has no {group.__name__}")
    return options
