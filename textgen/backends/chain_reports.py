"""Reports of chains: events of their steps while they run, and the report in a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from textgen.errors import DataError
from textgen.events import ChainStep, OnEvent, Steps, hears_steps
from textgen.mcmc.chain import Chain, Point, Step, Visit
from textgen.mcmc.diagnostics import effective_sample_size, split_rhat
from textgen.messages import Message, option
from textgen.schema import ChainReport

MOST_RHAT = 1.1  # of chains that agree (Gelman et al. 2013, 11.5)
EVERY = 10  # steps between two reports of progress

P = TypeVar("P", bound=Point)


class StepReports:
    """A listener of `run` that makes events of the steps of chains.

    Args:
        decode: Ids to text.
        on_event: The listener of the events.
        frame: Tokens of every state that are not of its text.
    """

    def __init__(self, decode: Callable[[list[int]], str], on_event: OnEvent, *, frame: int = 0) -> None:
        self.decode = decode
        self.on_event = on_event
        self.frame = frame
        self.total = 0
        self.done = 0

    def expect(self, steps: int) -> None:
        """Add steps to those that will be made."""
        self.total += steps

    def __call__(self, chain: Chain[P], step: Step[P]) -> None:
        """Report one step."""
        if not hears_steps(self.on_event):
            return
        self.done += 1
        if self.done % EVERY == 0 or self.done == self.total:
            self.on_event(Steps(self.done, self.total))
        ids = list(step.point.ids)
        first, last = step.edited or (0, 0)
        self.on_event(
            ChainStep(
                chain.name,
                chain.candidate,
                chain.steps,
                step.move,
                step.accepted,
                step.changed,
                step.log_target,
                self.decode(ids),
                (len(self.decode(ids[:first])), len(self.decode(ids[:last]))),
                len(ids) - self.frame,
            )
        )


class Reports:
    """Makes the reports of texts of a row's chains.

    Args:
        series: A series for each chain, to tell how they agree.
        search: The texts are the best that were visited; then no draws of a distribution could be counted.
    """

    def __init__(self, series: Sequence[Sequence[float]], *, search: bool) -> None:
        self.kind = "search" if search else "sample"
        counted = [] if search else series
        self.ess, self.rhat = effective_sample_size(counted), split_rhat(counted)

    def doubts(self, steps: str) -> tuple[Message, ...]:
        """A note where the chains do not agree; `steps` is the option that lets them run longer."""
        if self.rhat is None or self.rhat <= MOST_RHAT:
            return ()
        template = "R-hat is {rhat}, above {most}: the chains have not mixed (raise {option})"
        return (Message(template, rhat=f"{self.rhat:.2f}", most=MOST_RHAT, option=option(steps)),)

    def of(self, chain: Chain[P], visit: Visit[P]) -> ChainReport:
        """The report of the text of a visit."""
        return ChainReport(
            self.kind,
            visit.point.log_target,
            chain.candidate,
            visit.sweep,
            chain.steps // chain.period,
            chain.moves.acceptance,
            chain.moves.novelty,
            self.ess,
            self.rhat,
        )


def lost(what: str) -> DataError:
    """The error of a row whose text lacks what a chain cannot lose."""
    return DataError("{what} was lost", what=what, hint="this is a mistake of textgen: please report it")
