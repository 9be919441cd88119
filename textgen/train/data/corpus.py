"""The training corpus: every row of the files, read and tokenised once, before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgen.errors import DataError, UsageError
from textgen.events import Note, OnEvent, Progress, ignore
from textgen.files.rows import FileRows, source_rows, unusable
from textgen.files.sources import Source
from textgen.messages import Message, option
from textgen.schema import Row
from textgen.text.blank import is_blank
from textgen.text.names import clean_name
from textgen.text.normalize import check_encodable, clean
from textgen.train.data.arrays import Arrays, ArrayWriter
from textgen.train.data.lost import LostCharacters
from textgen.train.data.preprocessor import Preprocessor

PREFIX = 64  # characters; two texts that begin with the same so many are taken for one
NOT_LETTERS = re.compile(r"\W+")
EVERY = 1000  # rows between two events
SOURCE, LABEL = "source", "label"


def weights_of(arrays: Arrays, given: Mapping[str, float]) -> NDArray[np.float64]:
    """The weight of each example: how often an epoch has it.

    Raises:
        UsageError: No row is of a source that has a weight, or no example is left.
    """
    sources = arrays.about["sources"]
    if strange := [name for name in given if name not in sources]:
        known, hint = sources[:20], "there are {known}"
        raise UsageError(
            "{@weight} {name}: no row is of that source", name=strange[0], known=known, hint=hint
        )
    found: NDArray[np.float64] = np.array([given.get(name, 1.0) for name in sources])[arrays.numbers(SOURCE)]
    if not found.any():
        raise UsageError("{@weight} leaves no rows to train on", hint="give some source a weight above 0")
    return found


def digests_of(text: str) -> tuple[bytes, ...]:
    """The digests of a text and of its beginning, whatever its punctuation and white space."""
    letters = NOT_LETTERS.sub("", text)
    begins = (letters[:PREFIX],) if len(letters) >= PREFIX else ()
    return tuple(
        blake2b(part.encode("utf-8", "replace"), digest_size=8).digest() for part in (letters, *begins)
    )


def dev_rows(files: FileRows, recipe: Preprocessor[Any]) -> list[Row]:
    """The rows of a dev file, which must all be usable. Raises DataError for the first that is not."""
    found = [row for _, row in checked_rows(files, recipe.needs, recipe.options.named_fields)]
    if not found:
        raise DataError("the dev file has no rows", hint="leave out {@dev}, or give rows")
    return found


def kept_corpus(files: FileRows, recipe: Preprocessor[Any], directory: Path) -> Arrays | None:
    """The corpus that `build_corpus` has left in a directory, if it is of the same rows."""
    try:
        kept = Arrays(directory)
    except (OSError, ValueError, KeyError):
        return None
    if kept.about.get("shape") != _shape(files, recipe):
        return None
    recipe.restore(kept.about)
    return kept


def build_corpus(
    files: FileRows,
    recipe: Preprocessor[Any],
    directory: Path,
    stopped: Callable[[], bool],
    on_event: OnEvent,
    held_out: Sequence[Row] = (),
) -> Arrays | None:
    """Tokenise the rows of files into a directory, or take what lies there if it is of the same rows.

    Args:
        files: What is read.
        recipe: What is learned from a row.
        directory: Where the arrays lie.
        stopped: Asked between `EVERY` rows.
        on_event: Told of progress, and of rows that are held out, too.
        held_out: Rows of the dev file.

    Returns:
        None where it was stopped.

    Raises:
        DataError: A row cannot be used; the message has its line. Nothing is left to train on.
        UsageError: No row has the field that names its source.
    """
    if (kept := kept_corpus(files, recipe, directory)) is not None:
        return kept
    fields = recipe.options.named_fields
    writer = ArrayWriter(directory, recipe.columns, (*recipe.numbers, SOURCE))
    sources: dict[str, int] = {}
    leaked, lost = _Leaks(held_out), LostCharacters(recipe.tokenizer)
    count = examples = with_source = 0
    for count, (source, row) in enumerate(checked_rows(files, recipe.needs, fields, on_event), 1):
        number = sources.setdefault(_source_of(source, row, fields), len(sources))
        try:
            for example in recipe.examples(row, number):
                writer.add(example)
                examples += 1
        except DataError as error:
            raise _misplaced(source, row, error) from None
        leaked.see(source, row)
        lost.see(recipe.text(row), str((row.fields or {}).get("title", "")))
        with_source += bool((row.fields or {}).get(SOURCE))
        if count % EVERY == 0:
            on_event(Progress(count, None))
            if stopped():
                return None
    for example in recipe.remaining():
        writer.add(example)
        examples += 1
    if not examples:
        raise DataError("there is nothing to train on", hint="every row is blank, or there are no rows")
    if SOURCE in fields and not with_source:
        raise UsageError("no row has a field {name}", name=repr(fields[SOURCE]), hint="see {@source_field}")
    remarks = [remark for remark in (leaked.warning(), lost.warning(), recipe.warning()) if remark]
    for remark in remarks:
        on_event(Note(remark))
    about = {"sources": list(sources), "rows": count, "remarks": remarks}
    writer.finish({"shape": _shape(files, recipe)} | about | recipe.learned())
    return Arrays(directory)


class _Leaks:
    """Finds rows of the dev file among those that are trained on."""

    def __init__(self, held_out: Sequence[Row]) -> None:
        self._held_out = {key: number for number, row in enumerate(held_out) for key in digests_of(row.text)}
        self._total = len(held_out)
        self._found: dict[int, str] = {}

    def see(self, source: Source, row: Row) -> None:
        for key in digests_of(row.text) if self._held_out else ():
            if key in self._held_out:
                self._found.setdefault(self._held_out[key], _place(source, row))

    def warning(self) -> Message | None:
        if not self._found:
            return None
        return Message(
            "warning: {count} of {total} rows of the dev file are trained on, too "
            "(the first at {first}): its figures will be too good",
            count=len(self._found),
            total=self._total,
            first=next(iter(self._found.values())),
        )


def checked_rows(
    files: FileRows, needs: Sequence[str], fields: Mapping[str, str], on_event: OnEvent = ignore
) -> Iterator[tuple[Source, Row]]:
    """The rows of files, with their fields under the names that recipes know.

    Args:
        files: What is read.
        needs: What every row must have.
        fields: Names of the fields, by what they hold.
        on_event: Told what their user should know of how the files are read.

    Raises:
        UsageError: The first row of a file has not the field for something.
        DataError: A row lacks something, or cannot be read; the message has its line.
    """
    for source in files.sources:
        for number, row in enumerate(source_rows(source, files.options, alone=True, on_event=on_event)):
            yield source, _checked(source, row, needs, fields, first=number == 0)


def _checked(
    source: Source, row: Row, needs: Sequence[str], fields: Mapping[str, str], *, first: bool
) -> Row:
    if row.error is not None:
        raise unusable(source.name, row)
    given = dict(row.fields or {})
    found: dict[str, Any] = {SOURCE: given.get(fields.get(SOURCE, SOURCE))}
    for what in needs:
        field = fields.get(what, what)
        value = row.text if what == "text" else given.get(field)
        if what == LABEL and isinstance(value, int | float):  # classes are often numbers
            value = str(value)
        try:
            if not isinstance(value, str) or is_blank(clean(value)):
                if first and what != "text" and field not in given:
                    raise _unnamed(source, row, what, field)
                empty = "nothing in the" if isinstance(value, str) else "no text in the"
                state = "no" if value is None else empty
                raise DataError(
                    "{state} field {name}", state=state, name=repr(field), hint="every row needs it"
                )
            check_encodable(value, name=what)
        except DataError as error:
            raise _misplaced(source, row, error) from None
        found[what] = value
    return Row(row.text, name=row.name, id=row.id, fields=found, place=row.place)


def _unnamed(source: Source, row: Row, what: str, field: str) -> UsageError:
    """The error for a file whose first row lacks a field: it was probably meant to be another."""
    hint: str = "rows come in a table, such as .jsonl or .csv"
    if row.fields:
        hint = Message("{option} one of: {names}", option=option(f"{what}_field"), names=[*row.fields])
    template = "the first row of {file} has no field {name}"
    return UsageError(template, file=source.name, name=repr(field), hint=hint)


def _source_of(source: Source, row: Row, fields: Mapping[str, str]) -> str:
    """The name of the row's source: by its field, else by its file."""
    given = (row.fields or {}).get(SOURCE)
    return (clean_name(str(given)) if given is not None else "") or source.path.name


def _place(source: Source, row: Row) -> str:
    return f"{source.name}, {row.place}" if row.place else source.name


def _misplaced(source: Source, row: Row, error: DataError) -> DataError:
    place = _place(source, row)
    return DataError("{place}: {reason}", place=place, reason=error.message, hint=error.hint)


def _shape(files: FileRows, recipe: Preprocessor[Any]) -> dict[str, Any]:
    """All that the examples of some rows depend on."""
    named = recipe.options.named_fields
    return {"files": files.fingerprint(), "fields": named, "recipe": recipe.cache_key()}
