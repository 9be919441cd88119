"""The options that every backend takes, and the check of options."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from textgen.errors import DataError, UsageError
from textgen.messages import Message, OptionError, option
from textgen.options.fields import CONTENT, RUN, OptionGroup, Seed, field
from textgen.text.house_style import Quotes, Width
from textgen.text.keywords import keywords_of
from textgen.text.line_ends import LINE_END
from textgen.text.names import clean_name
from textgen.text.normalize import check_encodable


def _list(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of texts")
    return tuple(value)


def words_of(value: object) -> object:
    """A word, or a list of words, as a tuple."""
    if not isinstance(value, str | list | tuple):
        raise ValueError("must be a word or a list of words")
    return (value,) if isinstance(value, str) else tuple(value)


def _keywords(value: object) -> object:
    """A list is one of keywords; a string holds one or several, as a cell of a table does."""
    if not isinstance(value, str):
        return words_of(value)
    try:
        return keywords_of(value) or (value,)
    except DataError as error:
        raise OptionError("{line}", line=error.line) from None


def _word(value: str) -> str:
    word = clean_name(value)
    if not word or LINE_END.search(word):
        raise ValueError("must be a word, without line breaks")
    return word


WINDOW = 4  # batches
SHOWN = 5  # of the options that there are instead of an unknown one
# what a user reads of a kind of error, in the place of pydantic's words for programmers
WORDS = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "should be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
    "string_type": "should be a text",
    "greater_than_equal": "should be at least {ge}",
    "less_than_equal": "should be at most {le}",
    "greater_than": "should be more than {gt}",
    "less_than": "should be less than {lt}",
    "missing": "a value is missing",
}
NUMBERS = ("int_type", "float_type")  # what pydantic calls the lack of a number
UNBOUND = 2**31
# options that name files and models, whose names need not be UTF-8
FILES = {"start", "tokenizer", "writer", "lm", "mlm"}
FILES |= {"dev", "reference", "against", "output", "trace", "plot"}
MOST_GUIDANCE = 100  # far more than any text survives, and no logit overflows
Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], BeforeValidator(words_of)]
Keywords = Annotated[tuple[Word, ...], BeforeValidator(_keywords)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_list)]


class Options(OptionGroup):
    """The options of every model."""

    num_candidates: int = field(1, "Number of texts per row.", ge=1, le=10_000)
    seed: Seed | None = field(
        None, "The same seed gives the same texts (default: a fresh one, which is shown).", RUN
    )
    batch_size: int = field(
        32, "Maximum number of rows per batch; does not change the texts.", RUN, ge=1, le=4096
    )

    width: Width | None = field(
        None,
        "Width of what is written: half makes letters and marks narrow that can be, full makes the marks of "
        "Chinese sentences wide; numerals stay as they are (default: all as it comes).",
        CONTENT,
    )
    quotes: Quotes | None = field(
        None,
        "Quotation marks of what is written; ‘’ stand within “”, 『』 within 「」 (default: as they come).",
        CONTENT,
    )

    @property
    def rows_at_once(self) -> int:
        """Most rows of a batch."""
        return self.batch_size

    @property
    def tokens_at_once(self) -> int:
        """Most tokens of a batch, padding included, if it has several rows."""
        return UNBOUND

    @property
    def window(self) -> int:
        """Rows looked at together to find batches of one size: what an interruption loses at most."""
        return WINDOW * self.rows_at_once

    @property
    def draws(self) -> bool:
        """True if random numbers are drawn."""
        return True

    @property
    def models(self) -> dict[str, str]:
        """Names of the models needed beside the one that writes, by purpose."""
        return {}


class StyleOptions(Options):
    """The option of models that may know styles."""

    style: Annotated[str, AfterValidator(clean_name)] | None = field(
        None, "Style to write in, for a model that was trained with styles.", CONTENT, min_length=1
    )


class StyledOptions(StyleOptions):
    """The options of models that may know styles, and be led towards one."""

    guidance: float = field(
        0.0,
        "Strength w of classifier-free guidance: (1 + w) styled - w unstyled logits.",
        CONTENT,
        ge=0,
        le=MOST_GUIDANCE,
    )

    @model_validator(mode="after")
    def _check_guidance(self) -> Self:
        if "guidance" in self.model_fields_set and self.style is None:
            raise OptionError("{@guidance} needs {@style}: it leads towards a style")
        return self


M = TypeVar("M", bound=BaseModel)


def needs(
    name: str | Message, options: BaseModel, other: str, known: Sequence[str], found: str
) -> OptionError:
    """The error where an option has no use beside the value of another.

    Args:
        name: The option, or the option and its value.
        options: Those that were set.
        other: The option that it needs.
        known: The values of that option with which it has a use.
        found: The value that it has.
    """
    given = other in options.model_fields_set
    return OptionError(
        "{option} needs {other} {known}, not {found}"
        if given
        else "{option} needs {other} {known}; the default is {found}",
        option=name if isinstance(name, Message) else option(name),
        other=option(other),
        known=" or ".join(known),
        found=found,
    )


def parse(kind: type[M], given: dict[str, Any], *, user: str = "this model") -> M:
    """Validate options.

    Args:
        kind: The backend's options class.
        given: What the user set, by field name; None is an empty list.
        user: Who would use them, for the message about one that does not apply.

    Raises:
        UsageError: An unknown option, a value out of range, or options that exclude each other; one
            line that names the flag.
    """
    for name, value in given.items():
        if name not in FILES:
            _check_encodable(name, value)
    lists = [name for name, info in kind.model_fields.items() if info.default == ()]
    empty = [name for name in lists if given.get(name) in (None, [], ())]  # as if it were not given
    try:
        return kind.model_validate({name: value for name, value in given.items() if name not in empty})
    except ValidationError as error:
        raise _usage_error(error, kind, given, user) from None


def _check_encodable(name: str, value: object) -> None:
    """Refuse text that is no Unicode, such as bytes of a command line in another encoding; wherever it is."""
    if isinstance(value, str):
        try:
            check_encodable(value)
        except DataError as error:
            raise UsageError(
                "{option}: {reason}", option=option(name), reason=error.message, hint=error.hint
            ) from None
    elif isinstance(value, dict):
        _check_encodable(name, [*value, *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            _check_encodable(name, part)


def _usage_error(
    error: ValidationError, kind: type[BaseModel], given: dict[str, Any], user: str
) -> UsageError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return _unknown(name, kind, user)
    cause = first.get("ctx", {}).get("error")
    reason = cause.message if isinstance(cause, OptionError) else _in_words(first)
    if not isinstance(reason, Message):
        reason = reason.removeprefix("Value error, ").replace("Input should", "should")
    if not name:
        return UsageError("{reason}", reason=reason, hint="see {@help} for what goes together")
    value = given[name] if isinstance(given.get(name), str) else first["input"]  # that may be a part
    return UsageError(
        "{option} {value}: {reason}",
        option=option(name),
        value=_shown(value, number=first["type"] in NUMBERS),
        reason=reason,
        hint="see {@help} for {option}",
    )


def _in_words(error: ErrorDetails) -> str:
    words = WORDS.get(error["type"])
    bounds = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in error.get("ctx", {}).items()
    }
    return error["msg"] if words is None else words.format(**bounds)


def _unknown(name: str, kind: type[BaseModel], user: str) -> UsageError:
    known = list(kind.model_fields)
    similar, negated = get_close_matches(name, known, n=3, cutoff=0.7), name.removeprefix("no_")
    if negated != name and negated in known and kind.model_fields[negated].annotation is bool:
        similar, hint = [negated], "write {names} = false"
    elif similar:
        hint = "did you mean {names}?"
    else:
        similar, hint = (
            get_close_matches(name, known, n=SHOWN, cutoff=0),
            "it takes {names} and {more} others",
        )
        if len(known) <= SHOWN + 1:
            similar, hint = known, "it takes {names}"
    return UsageError(
        "{option} does not apply to {user}",
        option=option(name),
        user=user,
        hint=hint,
        names=[option(field) for field in similar],
        more=len(known) - len(similar),
    )


def _shown(given: object, *, number: bool) -> str:
    """A value as a message shows it: one from a file may have several lines, or be a number in quotes."""
    if number and isinstance(given, str) and given.replace(".", "", 1).isdecimal():
        return f'"{given}"'
    return " ".join((", ".join(map(str, given)) if isinstance(given, list) else str(given)).split())
