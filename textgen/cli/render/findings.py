"""What a check of a model finds, a line each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textgen.cli.render import console
from textgen.cli.spelling import flag

if TYPE_CHECKING:
    from textgen.check.finding import Finding

STYLES = {"ok": "green", "note": "yellow", "skipped": "dim", "broken": "bold red"}


def show(finding: Finding) -> None:
    """Print a finding: its step, its state and a sentence."""
    step, line = f"{finding.step:11} ", finding.line.spelled(flag)
    if sys.stdout.isatty():
        console.styled(step, (f"{finding.state:8}", STYLES[finding.state]), line)
    else:
        console.result(f"{step}{finding.state:8}{line}")
