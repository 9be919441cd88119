"""What chains tell: while they run, to the events' listener, and in the end, in records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textgen.errors import DataError
from textgen.events import ChainStep, OnEvent, Steps, hears_steps
from textgen.mcmc.cgmh.chain import Step
from textgen.mcmc.cgmh.edits import DELETE, INSERT, SWAP, Ids
from textgen.mcmc.diagnostics import Moves, effective_sample_size, split_rhat
from textgen.schema import ChainReport

EVERY = 10  # steps between two reports of progress


class Narrator:
    """Turns the steps of chains into events.

    Args:
        decode: Ids to text.
        steps: Steps that each chain was asked for.
        on_event: The listener.
    """

    def __init__(self, decode: Callable[[list[int]], str], steps: int, on_event: OnEvent) -> None:
        self.decode = decode
        self.steps = steps
        self.total = 0
        self.done = 0
        self.on_event = on_event

    def expect(self, chains: int) -> None:
        """So many chains more will be run."""
        self.total += self.steps * chains

    def __call__(self, step: Step, name: str) -> None:
        """Tell of one step of a chain of the row of that name."""
        if not hears_steps(self.on_event):
            return
        chain = step.chain
        self.done += 1
        if self.done % EVERY == 0 or self.done == self.total:
            self.on_event(Steps(self.done, self.total))
        ids = chain.point.state.ids
        self.on_event(
            ChainStep(
                name,
                chain.candidate,
                chain.steps,
                step.move,
                step.accepted,
                step.changed,
                chain.point.log_target,
                self.decode(list(ids)),
                self._edited(step, ids),
                len(ids),
            )
        )

    def _edited(self, step: Step, ids: Ids) -> tuple[int, int]:
        """Where the text's characters were, or would have been, edited."""
        if step.choice is None:
            return 0, 0
        first, last = _pieces(step)
        return len(self.decode(list(ids[:first]))), len(self.decode(list(ids[:last])))


def _pieces(step: Step) -> tuple[int, int]:
    """The edited places of the state after the step, from the first to behind the last."""
    choice = step.choice
    assert choice is not None
    if choice.move == SWAP:
        spans = [
            s for s in step.chain.point.state.spans if step.chain.point.state.labels[s.start] in choice.pair
        ]
        return spans[0].start, spans[-1].stop
    if choice.move == DELETE:
        return choice.place, choice.place + (not step.accepted)
    return choice.place, choice.place + (step.accepted or choice.move != INSERT)


class Reports:
    """Makes the reports of texts of a row's chains.

    Args:
        series: What tells how the chains agree, one series a chain.
        search: The texts are the best that were visited; then there is no law whose draws could be counted.
    """

    def __init__(self, series: Sequence[Sequence[float]], *, search: bool) -> None:
        self.kind = "search" if search else "sample"
        counted = [] if search else series
        self.ess, self.rhat = effective_sample_size(counted), split_rhat(counted)

    def of(
        self, candidate: int, moves: Moves, *, log_target: float | None, step: int, steps: int
    ) -> ChainReport:
        """The report of a text that the chain of that number was at after a step."""
        return ChainReport(
            self.kind,
            log_target,
            candidate,
            step,
            steps,
            moves.acceptance,
            moves.novelty,
            self.ess,
            self.rhat,
        )


def lost(what: str) -> DataError:
    """The error of a row whose text lacks what a chain cannot lose."""
    return DataError(f"{what} was lost", hint="this is a mistake of textgen: please report it")
