"""Bars of rows and of the steps of chains: when they are drawn, and that nothing of them stays."""

from __future__ import annotations

import io
import re
import sys

import pytest
from terminals import Terminal

from textgen.cli.render import console as cli_console
from textgen.cli.render.bars import Bars
from textgen.events import Note, Progress, Steps


@pytest.fixture
def terminal():
    return Terminal()


def run_bars(monkeypatch, total, *, out=None, **flags):
    """What stderr, a terminal, holds after a run of two batches of chains, and shows in the end."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", out or io.StringIO())
    with cli_console.listening(total, **{"quiet": False} | flags) as on_event:
        for batch in range(2):
            for done in range(1, 31):
                on_event(Steps(done, 30))
            on_event(Note("[b]first[/b] note"))
            on_event(Progress(batch + 1, total))
    return terminal


def drawn(terminal):
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", terminal.getvalue())


def test_a_single_row_has_a_bar_of_its_steps(monkeypatch):
    terminal = run_bars(monkeypatch, 1)
    assert "30/30 steps" in drawn(terminal)
    assert "rows" not in drawn(terminal)
    assert [line for line in terminal.screen if line] == ["note: [b]first[/b] note"] * 2


def test_rows_of_chains_have_both_bars(monkeypatch):
    terminal = run_bars(monkeypatch, 2)
    assert "2/2   rows" in drawn(terminal)
    assert "30/30 steps" in drawn(terminal)
    assert [line for line in terminal.screen if line] == ["note: [b]first[/b] note"] * 2


def test_no_bar_beside_frames(monkeypatch):
    assert run_bars(monkeypatch, 2, watched=True).getvalue() == "note: [b]first[/b] note\n" * 2


def test_beside_results_the_bar_of_steps_is_gone_when_they_come(monkeypatch):
    terminal = run_bars(monkeypatch, 2, out=Terminal())
    assert "30/30 steps" in drawn(terminal)
    assert "rows" not in drawn(terminal)
    assert [line for line in terminal.screen if line] == ["note: [b]first[/b] note"] * 2


def test_bars_beside_results_in_a_file(monkeypatch):
    assert "30/30 steps" in drawn(run_bars(monkeypatch, 1, out=Terminal(), to_file=True))


def test_quiet_draws_nothing(monkeypatch):
    assert run_bars(monkeypatch, 2, quiet=True).getvalue() == ""


def test_another_batch_is_a_bar_that_is_not_done(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    bars = Bars(1)
    bars.see(Steps(30, 30))
    assert bars._bar.finished
    bars.see(Steps(1, 30))
    [task] = bars._bar.tasks
    bars.stop()
    assert (task.finished, task.completed) == (False, 1)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_one_row_without_chains_draws_nothing(monkeypatch, term):
    terminal = Terminal()
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with cli_console.listening(1, quiet=False) as on_event:
        on_event(Progress(1, 1))
    assert terminal.getvalue() == ""
