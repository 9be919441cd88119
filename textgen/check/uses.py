"""The commands that a model serves, by the views that its family offers."""

from __future__ import annotations

from collections.abc import Iterator

from textgen.backends.registry import for_command
from textgen.check.finding import NOTE, OK, Finding
from textgen.check.subject import Subject
from textgen.commands import EDITING, GENERATING
from textgen.errors import TextgenError
from textgen.messages import Message
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel, TitleRanker
from textgen.options.recipes import OPTIONS
from textgen.store.catalog import ModelFiles
from textgen.tokenizers.base import ABSENT
from textgen.train.recipes import recipe_class


def of_commands(subject: Subject) -> Iterator[Finding]:
    """What it can be used for."""
    files = subject.files
    commands = [command for command in GENERATING if _serves(files, command)]
    recipes = [name for name in OPTIONS if recipe_class(name).takes(files)]
    proposes, ranks = _proposes(subject), files.family.offers(TitleRanker)
    facts = {"commands": commands, "proposes": proposes, "ranks": ranks, "train": recipes}
    texts = []
    if commands:
        texts.append(Message("{commands}", commands=commands))
    if proposes:
        texts.append(Message("{@proposals} of {editors}", editors=EDITING))
    if ranks:
        texts.append(Message("{@scorer} of title"))
    if recipes:
        texts.append(Message("train {recipes} can start from it", recipes=recipes))
    if not texts:
        texts.append(Message("no command takes a {kind} model", kind=files.kind))
    none = not (commands or proposes or ranks or recipes)
    for text in texts:
        yield Finding("commands", NOTE if none else OK, text, facts=facts)


def _serves(files: ModelFiles, command: str) -> bool:
    try:
        for_command(files, command)
    except TextgenError:  # it is of another kind, or writes nothing itself
        return False
    return True


def _proposes(subject: Subject) -> bool:
    """Whether it can propose tokens to a chain; a title model is asked from both sides."""
    family = subject.files.family
    if family.offers(TitleModel):
        return not subject.profiled and subject.tokenizer.specials.r2l != ABSENT
    return family.offers(MaskedLanguageModel) or family.offers(LanguageModel)
