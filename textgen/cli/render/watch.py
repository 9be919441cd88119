"""`--watch`: chains on the terminal while they run."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING

from textgen.events import ChainStep, Event, OnEvent, Steps
from textgen.mcmc.diagnostics import Moves
from textgen.text.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.segment import Segment
    from rich.text import Text

MOST_CHAINS = 8
RECENT = 60  # steps whose log targets are drawn
INTERVAL = 0.1  # seconds between two frames, at least
SHARE = 0.05  # of the time may go into drawing
BLOCKS = "▁▂▃▄▅▆▇█"
MARK = "▏"  # where something was deleted, or would have been inserted
INDENT = 2
ACCEPTED, REJECTED, FAINT = "bold green underline", "red underline", "dim"

Lines = list[list["Segment"]]


@dataclass
class View:
    """A chain as it is shown.

    Attributes:
        step: Its last step.
        moves: What became of its proposals.
        energies: Its last log targets.
    """

    step: ChainStep
    moves: Moves = field(default_factory=Moves)
    energies: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def see(self, step: ChainStep) -> None:
        """Take in a step."""
        self.step = step
        self.moves.count(step.move, accepted=step.accepted, changed=step.changed)
        self.energies.append(step.log_target)


class Watch:
    """Frames on a terminal, drawn while events come, without a thread of its own.

    A frame never stands where something is printed: every event that is no step clears it, and a batch of
    rows ends with one.

    Args:
        console: The terminal.
        clock: Tells the time in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = monotonic) -> None:
        self.console = console
        self.clock = clock
        self.views: dict[tuple[str, int], View] = {}
        self.steps: Steps | None = None
        self._live: Live | None = None
        self._due = clock()

    def __call__(self, event: Event) -> None:
        """Take in an event, and draw if it is time."""
        if isinstance(event, ChainStep):
            self._see(event)
            if self.clock() >= self._due:
                self._draw()
        elif isinstance(event, Steps):
            self.steps = event
        else:
            self.clear()

    def clear(self) -> None:
        """Take the frame off the screen until the next step."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _see(self, step: ChainStep) -> None:
        key = step.name, step.chain
        if step.step == 1:
            # chains that run together begin together: those that are further belonged to others
            self.views = {k: view for k, view in self.views.items() if view.step.step == 1 and k != key}
        self.views.setdefault(key, View(step)).see(step)

    def _draw(self) -> None:
        from rich.live import Live
        from rich.segment import SegmentLines

        begun = self.clock()
        if self._live is None:
            self._live = Live(
                console=self.console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start()
        lines = frame(list(self.views.values()), self.steps, self.console)
        self._live.update(SegmentLines(lines, new_lines=True), refresh=True)
        now = self.clock()
        self._due = now + max(INTERVAL, (now - begun) / SHARE)


@contextmanager
def watching() -> Iterator[OnEvent]:
    """A listener that shows the chains on stderr, which must be a terminal."""
    from rich.console import Console

    watch = Watch(Console(file=sys.stderr, force_terminal=True))
    try:
        yield watch
    finally:
        watch.clear()


def frame(views: Sequence[View], steps: Steps | None, console: Console) -> Lines:
    """The lines of a frame: chains that fit in, those that still run first, and the number of others."""
    from rich.text import Text

    ahead = max(view.step.step for view in views)
    ordered = sorted(views, key=lambda view: view.step.step < ahead - 1)
    room = max(1, console.height - 3)  # a line above, one below, and the cursor's
    lines, shown = _rendered(_headline(steps, len(views)), console), 0
    for view in ordered[:MOST_CHAINS]:
        added = [line for text in block(view, console.width) for line in _rendered(text, console)]
        if shown and len(lines) + len(added) > room:
            break
        lines += added
        shown += 1
    lines = lines[: room + 1]  # a single text may be longer than the screen
    hidden = len(views) - shown
    return lines + (_rendered(_one_line(Text(f"and {hidden} more", FAINT)), console) if hidden else [])


def block(view: View, width: int) -> list[Text]:
    """A chain: what it did, its text, how it fares."""
    from rich.text import Text

    step = view.step
    head = Text.assemble(
        (visible(step.name), "bold"), f", chain {step.chain}, step {step.step:,}: {visible(step.move)} "
    )
    head.append(*(("accepted", "green") if step.accepted else ("rejected", "red")))
    shares = view.moves.acceptance.items()
    head.append("; so far " + ", ".join(f"{visible(move)} {share:.0%}" for move, share in shares), FAINT)
    fate = f"log target {step.log_target:,.2f} "
    line = sparkline(list(view.energies)[-max(1, width - INDENT - len(fate)) :])
    below = Text.assemble((" " * INDENT + fate, FAINT), (line, "cyan"))
    return [_one_line(head), edited_text(step), _one_line(below)]


def edited_text(step: ChainStep) -> Text:
    """The text, with the place of the edit marked."""
    from rich.text import Text

    shown, style = visible(step.text), ACCEPTED if step.accepted else REJECTED
    start, end = (min(max(0, at), len(shown)) for at in step.edited)
    edited = shown[start:end] or MARK
    return Text.assemble(shown[:start], (edited, style), shown[max(start, end) :], overflow="fold")


def sparkline(values: Sequence[float]) -> str:
    """Numbers as blocks from the least to the greatest; a blank for what is no number."""
    finite = [value for value in values if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_bar(value, low, high) if isfinite(value) else " " for value in values)


def _bar(value: float, low: float, high: float) -> str:
    top = len(BLOCKS) - 1
    return BLOCKS[round((value - low) / (high - low) * top)] if high > low else BLOCKS[top // 2]


def _headline(steps: Steps | None, chains: int) -> Text:
    from rich.text import Text

    done = f", {steps.done:,} of {steps.total:,} steps" if steps else ""
    return _one_line(Text(f"{chains} chain{'s' * (chains > 1)}{done}", FAINT))


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _rendered(text: Text, console: Console) -> Lines:
    from rich.padding import Padding

    indented = Padding(text, (0, 0, 0, 0 if text.no_wrap else INDENT))
    return console.render_lines(indented, pad=False)
