"""`--plot`: a figure of the chains, with matplotlib, which is only needed here."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from math import isfinite, nan
from pathlib import Path
from re import fullmatch
from statistics import fmean
from typing import TYPE_CHECKING, Any

from textgen.errors import TextgenError
from textgen.events import ChainStep, Event, OnEvent
from textgen.mcmc.diagnostics import Moves, autocorrelation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MOST_CURVES = 200  # chains drawn one by one, which bounds what is kept of them
LEGIBLE = 10  # chains that can be told apart by their colours
MOST_LAGS = 100
PLAIN_NAME = r"[A-Za-z0-9._ -]{1,16}"  # the figure's font need not have Chinese characters
MEAN = "black"


@dataclass
class Curve:
    """The numbers of a chain, one a step.

    Attributes:
        label: What it is called.
        energies: Log target, nan where the text is impossible.
        lengths: Tokens.
    """

    label: str
    energies: array[float] = field(default_factory=lambda: array("d"))
    lengths: array[int] = field(default_factory=lambda: array("l"))

    def autocorrelation(self) -> list[float]:
        """Autocorrelation of the log target over the second half, as for the effective sample size."""
        half = list(self.energies[len(self.energies) // 2 :])
        gaps = [number for number, value in enumerate(half) if not isfinite(value)]
        settled = half[gaps[-1] + 1 :] if gaps else half
        return autocorrelation(settled, min(MOST_LAGS, len(settled) // 2))


class Curves:
    """Collects the numbers of chains from their events.

    Attributes:
        curves: The first `MOST_CURVES` chains.
        more: How many chains there were beyond them.
        moves: What became of the proposals of all chains.
    """

    def __init__(self) -> None:
        self.curves: list[Curve] = []
        self.more = 0
        self.moves = Moves()
        self._running: dict[tuple[str, int], Curve] = {}
        self._rows: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        """Take the numbers of a step; other events are none of its business."""
        if not isinstance(event, ChainStep):
            return
        if event.step == 1:
            self._begin(event)
        self.moves.count(event.move, accepted=event.accepted, changed=event.changed)
        if curve := self._running.get((event.name, event.chain)):
            curve.energies.append(event.log_target if isfinite(event.log_target) else nan)
            curve.lengths.append(event.tokens)

    def _begin(self, step: ChainStep) -> None:
        key = step.name, step.chain
        self._running.pop(key, None)  # of another row of the same name
        if len(self.curves) == MOST_CURVES:
            self.more += 1
            return
        row = self._rows.setdefault(step.name, len(self._rows) + 1)
        name = step.name if fullmatch(PLAIN_NAME, step.name) else f"#{row}"
        self._running[key] = Curve(f"row {name}, chain {step.chain}")
        self.curves.append(self._running[key])


@contextmanager
def plotting(path: Path) -> Iterator[OnEvent]:
    """A listener that draws a figure of the chains in the end, if there were any.

    Raises:
        TextgenError: The figure cannot be written.
    """
    curves = Curves()
    try:
        yield curves
    except BaseException:
        with suppress(TextgenError):  # what ended the run is what matters
            draw(curves, path)
        raise
    draw(curves, path)


def draw(curves: Curves, path: Path) -> None:
    """Write the figure; the file's ending tells the format. Raises TextgenError if it cannot be written."""
    if not curves.curves:
        return
    image = BytesIO()  # whole before an old file is touched
    figure(curves).savefig(image, format=path.suffix[1:].lower())
    try:
        path.write_bytes(image.getvalue())
    except OSError as error:
        hint = "is the disk full, or a path gone?"
        failed = "writing {path} failed: {reason}"
        raise TextgenError(failed, path=path, reason=error.strerror, hint=hint) from None


def figure(curves: Curves) -> Figure:
    """Four panels: log target, acceptance by move, length, autocorrelation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(12, 8), dpi=110, layout="constrained")
    FigureCanvasAgg(drawn)  # no window, and none of pyplot's global state
    energies, shares, lengths, correlations = drawn.subplots(2, 2).flat
    drawn.suptitle(_title(curves))
    _energies(energies, curves.curves)
    _shares(shares, curves.moves)
    _lengths(lengths, curves.curves)
    _correlations(correlations, curves.curves)
    return drawn


def _title(curves: Curves) -> str:
    chains, steps = len(curves.curves) + curves.more, curves.moves.steps
    title = f"{chains:,} chain{'s' * (chains > 1)}, {steps:,} step{'s' * (steps > 1)}"
    return f"{title} (curves of the first {len(curves.curves)} chains)" if curves.more else title


def _energies(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        axes.plot(range(1, len(curve.energies) + 1), curve.energies, label=curve.label, **_line(curves))
    _by_step(axes, "log target")
    if len(curves) <= LEGIBLE:
        axes.legend(fontsize="small", loc="lower right")


def _lengths(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        steps = range(1, len(curve.lengths) + 1)
        axes.plot(steps, curve.lengths, drawstyle="steps-post", **_line(curves))
    _by_step(axes, "length in tokens")
    _whole(axes.yaxis)


def _shares(axes: Axes, moves: Moves) -> None:
    names = sorted(moves.proposed)
    shares = [100 * moves.acceptance[name] for name in names]
    bars = axes.bar(names, shares, color="tab:green", width=0.6)
    counts = [f"{moves.accepted[name]:,} of {moves.proposed[name]:,}" for name in names]
    axes.bar_label(bars, counts, fontsize="small", padding=2)
    axes.set(title="acceptance by move", ylabel="accepted, %", ylim=(0, max(1.0, 1.15 * max(shares))))
    axes.margins(x=0.2 if len(names) > 1 else 1)


def _correlations(axes: Axes, curves: Sequence[Curve]) -> None:
    found = [lags for curve in curves if (lags := curve.autocorrelation())]
    for lags in found:
        axes.plot(range(len(lags)), lags, **_line(curves) | {"linewidth": 0.6, "alpha": 0.4})
    if found:
        # without chains that had hardly begun when the run was interrupted
        whole = [lags for lags in found if 2 * len(lags) > max(map(len, found))]
        mean = [fmean(at) for at in zip(*whole, strict=False)]
        axes.plot(range(len(mean)), mean, color=MEAN, linewidth=1.8, label="mean of the chains")
        axes.legend(fontsize="small", loc="upper right")
    axes.axhline(0, color="gray", linewidth=0.8)
    title = "autocorrelation of the log target, second half of each chain"
    axes.set(title=title if found else f"{title}: nothing varied", xlabel="lag in steps")
    _whole(axes.xaxis)


def _by_step(axes: Axes, what: str) -> None:
    axes.set(title=f"{what} by step", xlabel="step", ylabel=what)
    _whole(axes.xaxis)


def _whole(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def _line(curves: Sequence[Curve]) -> dict[str, Any]:
    """Thin where there are many."""
    few = len(curves) <= LEGIBLE
    return {"linewidth": 1.2 if few else 0.5, "alpha": 0.9 if few else 0.5}
