"""Observers of running Markov chains: a screen, a file with every step, a figure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from textgen.cli.spelling import flag
from textgen.errors import UsageError
from textgen.events import ChainStep, Event, Note, OnEvent
from textgen.options import ChainOptions
from textgen.options.fields import OptionGroup, field

if TYPE_CHECKING:
    from textgen.batch.run import Job

PANEL = "Watching the chains"

SUFFIXES = {"trace": (".jsonl",), "plot": (".png", ".svg", ".pdf")}
DUMB = ("dumb", "unknown")  # terminals that cannot move their cursor


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) else value


FilePath = Annotated[Path, BeforeValidator(_path)]


class Observation(OptionGroup):
    """The options of looking at chains."""

    watch: bool = field(False, "Show the chains while they run.", PANEL)
    trace: FilePath | None = field(None, "Write every step to this file.", PANEL, metavar="FILE.jsonl")
    plot: FilePath | None = field(
        None, "Draw energy, acceptance, length, autocorrelation.", PANEL, metavar="FILE.png"
    )

    @property
    def wanted(self) -> bool:
        """True if anything is observed."""
        return self.watch or bool(self.files)

    @property
    def files(self) -> list[Path]:
        """The files that are written."""
        return [path for path in (self.trace, self.plot) if path]


def check_observable(job: Job) -> None:
    """Refuse to observe a job that runs no chains, or runs them in several processes. Raises UsageError."""
    hint = "leave out {@watch}, {@trace} and {@plot}"
    if not isinstance(job.task.options, ChainOptions):
        raise UsageError(f"a {job.task.files.kind} model runs no chains", hint=hint)
    if not job.task.options.draws:
        raise UsageError("this search has no steps to watch", hint=f"{hint}, or set {{@steps}} to run chains")
    if job.options.engine != "local" or (job.options.workers or 1) > 1:
        raise UsageError("chains are watched in one process", hint="leave out {@workers} and {@engine}")


def check_observation(observation: Observation, others: Sequence[Path], *, force: bool) -> None:
    """Refuse what cannot be shown or written or would destroy something, before any work is done.

    Args:
        observation: What is wanted.
        others: The files that the command reads and writes beside these.
        force: Files that exist are overwritten.

    Raises:
        UsageError: There is no terminal to draw on, no matplotlib, or a file cannot be written.
    """
    if observation.watch and not (sys.stderr.isatty() and os.environ.get("TERM") not in DUMB):
        hint = "leave out {@watch}; {@trace} FILE.jsonl writes every step"
        raise UsageError("{@watch} draws on a terminal, and stderr is none", hint=hint)
    if observation.plot and find_spec("matplotlib") is None:
        raise UsageError("{@plot} needs matplotlib", hint="pip install '.[plot]'")
    for name, suffixes in SUFFIXES.items():
        if path := getattr(observation, name):
            _check_file(flag(name), path, suffixes, others, force=force)
            others = [*others, path]


@contextmanager
def observing(observation: Observation, on_event: OnEvent) -> Iterator[OnEvent]:
    """Pass events on, and show them to those who look.

    Files are closed and the figure is drawn in the end, also after an error or Ctrl-C: what was seen
    until then is kept.

    Args:
        observation: What is wanted.
        on_event: Told of every event.
    """
    if not observation.wanted:
        yield on_event  # as it is: chains spare themselves the telling where nobody listens
        return
    chains = False
    with ExitStack() as stack:
        observers = _observers(observation, stack)

        def tell(event: Event) -> None:
            nonlocal chains
            chains = chains or isinstance(event, ChainStep)
            for observer in observers:  # first, so that the screen is clear when something is printed
                observer(event)
            on_event(event)

        yield tell
    if not chains and observation.files:
        on_event(Note("no chain made a step; not written: {files}", files=observation.files))


def _observers(observation: Observation, stack: ExitStack) -> list[OnEvent]:
    """The observers; the screen is entered last and so left first, lest it be drawn through."""
    found: list[OnEvent] = []
    if observation.plot:
        from textgen.cli.render.plot import plotting

        found.append(stack.enter_context(plotting(observation.plot)))
    if observation.trace:
        from textgen.cli.render.trace import tracing

        found.append(stack.enter_context(tracing(observation.trace)))
    if observation.watch:
        from textgen.cli.render.watch import watching

        found.append(stack.enter_context(watching()))
    return found


def _check_file(
    option: str, path: Path, suffixes: Sequence[str], others: Sequence[Path], *, force: bool
) -> None:
    from textgen.batch.output import check_writable, same_file

    if path.suffix.lower() not in suffixes:
        hint = f"give a name that ends in {' or '.join(suffixes)}"
        raise UsageError("{option} {path}: it cannot have this ending", option=option, path=path, hint=hint)
    exists = check_writable(option, path)
    if any(same_file(path, other) for other in others):
        wrong = "{option} {path} is also another input or output"
        raise UsageError(wrong, option=option, path=path, hint="write to another file")
    if exists and not force:
        raise UsageError("{option} {path} exists", option=option, path=path, hint="{@force} overwrites it")
