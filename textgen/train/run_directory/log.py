"""The log of a run, a line of JSON an event, and its curves."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textgen.events import Scored, Trained
from textgen.files.atomic import write_whole
from textgen.files.lines import lines_in

LOG, CURVE = "log.jsonl", "curve.png"
DECIMALS = 6


class Log:
    """The log of a run.

    Args:
        directory: Of the run.
        step: Where the run goes on: lines of later steps, of a part that is run again, are cut off.
    """

    def __init__(self, directory: Path, step: int = 0) -> None:
        self.path = directory / LOG
        kept = [line for line in read_log(directory) if line["step"] <= step] if step else []
        write_whole(self.path, "".join(_line(entry) for entry in kept).encode())

    def write(self, event: Trained | Scored) -> None:
        """Add a line."""
        entry = {"event": type(event).__name__.lower(), **asdict(event)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(entry))


def read_log(directory: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; a torn last one is left out."""
    path = directory / LOG
    if not path.is_file():
        return []
    found = []
    for line in lines_in(path.read_text(encoding="utf-8")):
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def draw_curve(directory: Path) -> Path | None:
    """Draw the losses and figures of a run; None where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    entries = read_log(directory)
    trained = [entry for entry in entries if entry["event"] == "trained"]
    scored = [entry for entry in entries if entry["event"] == "scored"]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([e["step"] for e in trained], [e["loss"] for e in trained], lw=1, label="training loss")
    axes.set(xlabel="step", ylabel="nats a prediction")
    names = [name for name in (scored[0]["figures"] if scored else {}) if name != "loss"]
    if scored:
        axes.plot([e["step"] for e in scored], [e["figures"]["loss"] for e in scored], "o-", label="dev loss")
    axes.legend(loc="upper right")
    if names:
        other = axes.twinx()
        for name in names:
            values = [e["figures"][name] for e in scored]
            other.plot([e["step"] for e in scored], values, "s--", color="tab:green", label=f"dev {name}, %")
        other.legend(loc="lower right")
    path = directory / CURVE
    figure.savefig(path, dpi=120)
    return path


def _line(entry: dict[str, Any]) -> str:
    rounded = {k: round(v, DECIMALS) if isinstance(v, float) else v for k, v in entry.items()}
    return json.dumps(rounded, ensure_ascii=False) + "\n"
