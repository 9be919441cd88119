"""The check of a model: all steps, one after the other, those that a broken one leaves possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from textgen.backends.registry import precision_for
from textgen.check.files import of_config, of_tensors, of_weights
from textgen.check.finding import BROKEN, SKIPPED, Finding, broken
from textgen.check.subject import Subject
from textgen.check.uses import of_commands
from textgen.check.vocabulary import of_round_trip, of_symbols, of_vocabulary
from textgen.check.writing import of_sameness, of_sample
from textgen.errors import ModelError, TextgenError
from textgen.messages import Message
from textgen.models.place import AUTO, Place, choose_device
from textgen.store.catalog import find_model


class Step(NamedTuple):
    """A step of a check.

    Attributes:
        name: What is looked at.
        needs: Steps without which it cannot be taken.
        find: What it finds; what is broken raises.
        textgen_alone: Whether it asks what another package's models may have otherwise.
    """

    name: str
    needs: tuple[str, ...]
    find: Callable[[Subject], Iterator[Finding]]
    textgen_alone: bool = False


FILES = ("weights", "tensors", "vocabulary", "symbols", "round trip")
STEPS = (
    Step("config", (), of_config),
    Step("weights", (), of_weights),
    Step("tensors", ("weights",), of_tensors),
    Step("vocabulary", (), of_vocabulary, textgen_alone=True),
    Step("symbols", (), of_symbols, textgen_alone=True),
    Step("round trip", (), of_round_trip, textgen_alone=True),
    Step("commands", (), of_commands),
    Step("sample", FILES, of_sample),
    Step("sameness", ("sample",), of_sameness),
)


def check_model(name: str, *, precision: str = AUTO) -> Iterator[Finding]:
    """Look at a model from its files to what it writes.

    Args:
        name: An embedded or added name, or a directory.
        precision: What it is to write in; see `textgen.load`.

    Returns:
        What is found, step by step; a model is sound if no finding's state is `broken`.

    Raises:
        UsageError: There is no such model, or the machine cannot compute in that precision.
    """
    try:
        files = find_model(name, whole=False)
    except ModelError as error:  # without it nothing can be told of the rest
        return iter([broken("config", error), *(_skipped(step.name, "config") for step in STEPS[1:])])
    place = Place(choose_device())
    with place.entered():
        files = replace(files, precision=precision_for(precision, files))
    return place.each(_findings(Subject(files)))


def _findings(subject: Subject) -> Iterator[Finding]:
    unsound: dict[str, str] = {}  # steps, and the first of those that they are broken by
    errors: dict[str, str] = {}  # what was said already, and by which step
    for step in STEPS:
        if step.textgen_alone and not subject.known:
            text = Message("another package loads {kind} models", kind=subject.files.kind)
            yield Finding(step.name, SKIPPED, text)
            continue
        if lacking := next((unsound[need] for need in step.needs if need in unsound), None):
            unsound[step.name] = lacking
            yield _skipped(step.name, lacking)
            continue
        try:
            for finding in step.find(subject):
                if finding.state == BROKEN:
                    unsound[step.name] = step.name
                yield finding
        except TextgenError as error:
            unsound[step.name] = errors.setdefault(str(error.line), step.name)
            same = unsound[step.name] != step.name
            yield _skipped(step.name, unsound[step.name]) if same else broken(step.name, error)


def _skipped(step: str, lacking: str) -> Finding:
    return Finding(step, SKIPPED, Message("not looked at: see {step}", step=lacking))
