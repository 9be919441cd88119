"""Chains on the terminal: what is drawn, when, and that nothing of it stays."""

from __future__ import annotations

import io
import sys
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from terminals import HEIGHT, Terminal

from textgen.cli.observers import Observation, check_observation, observing
from textgen.cli.render import console as cli_console
from textgen.cli.render.watch import BLOCKS, MARK, View, Watch, edited_text, frame, sparkline
from textgen.errors import UsageError
from textgen.events import ChainStep, Note, Progress, Shortened, Steps, ignore
from textgen.mcmc.diagnostics import Moves


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def step(number=1, **fields) -> ChainStep:
    defaults = {
        "name": "1",
        "chain": 0,
        "step": number,
        "move": "replace",
        "accepted": True,
        "changed": True,
        "log_target": -20.5,
        "text": "春天来了",
        "edited": (2, 3),
        "tokens": 4,
    }
    return ChainStep(**defaults | fields)


@pytest.fixture(autouse=True)
def ordinary_terminal(monkeypatch):
    """What rich reads of the environment, as on a terminal, wherever the tests run."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal():
    return Terminal()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(terminal, clock):
    return Watch(Console(file=terminal, force_terminal=True, width=80, height=HEIGHT), clock)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([-3.0], "▄"),
        ([5.0, 5.0, 5.0], "▄▄▄"),
        (range(8), BLOCKS),
        ([nan, -1.0, -inf, 1.0, inf], " ▁ █ "),
        ([nan, -inf], "  "),
    ],
)
def test_a_sparkline_goes_from_the_least_to_the_greatest(values, line):
    assert sparkline(values) == line


@given(st.lists(st.floats(-1e300, 1e300) | st.sampled_from([nan, inf, -inf]), max_size=80))
def test_a_sparkline_has_a_block_a_value(values):
    line = sparkline(values)
    assert len(line) == len(values)
    assert set(line) <= set(BLOCKS + " ")


def test_a_chain_is_shown_with_its_text_and_its_figures(watch, clock, terminal):
    for number, accepted in enumerate([True, False, False, True], 1):
        clock.now += 1
        watch(Steps(number, 40))
        watch(step(number, accepted=accepted, log_target=-20.0 - number))
    lines = terminal.screen
    assert lines[0] == "1 chain, 4 of 40 steps"
    assert lines[1] == "1, chain 0, step 4: replace accepted; so far replace 50%"
    assert lines[2:4] == ["  春天来了", "  log target -24.00 █▆▃▁"]


def test_the_edited_place_is_marked_by_how_it_went():
    def marked(**fields):
        text = edited_text(step(**fields))
        [span] = text.spans
        return text.plain, text.plain[span.start : span.end], "green" in str(span.style)

    assert marked() == ("春天来了", "来", True)
    assert marked(accepted=False) == ("春天来了", "来", False)
    assert marked(move="delete", edited=(2, 2)) == (f"春天{MARK}来了", MARK, True)
    assert marked(edited=(4, 4)) == (f"春天来了{MARK}", MARK, True)
    assert marked(edited=(3, 9)) == ("春天来了", "了", True)
    assert marked(text="", edited=(0, 0)) == (MARK, MARK, True)


@pytest.mark.parametrize("edited", [(7, 9), (3, 1), (-2, 1), (9, 2)])
def test_a_place_outside_the_text_loses_nothing_of_it(edited):
    assert edited_text(step(edited=edited)).plain.replace(MARK, "") == "春天来了"


def test_texts_are_shown_literally(watch, terminal):
    watch(step(text="[red]红[/red]\x1b[31m\r\n\x07\u202e\u3000完", name="[bold]a\x1b[2J", edited=(0, 0)))
    assert "[red]红[/red]␛[31m␍␊␇�\u3000完" in terminal.shown
    assert "[bold]a␛[2J, chain 0" in terminal.shown
    assert "\x1b[31m" not in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()


def test_wide_characters_are_wrapped_by_their_width(watch, terminal):
    watch(step(text="春" * 100, edited=(0, 1)))
    lines = [line for line in terminal.screen if "春" in line]
    assert "".join(lines).count("春") == 100
    assert max(len(line.strip()) for line in lines) == 39  # two cells each, of 80 less the indent


def test_nothing_is_drawn_before_its_time(watch, clock, terminal):
    for number in range(1, 1001):
        watch(step(number))
    assert "step 1:" in terminal.shown
    before = terminal.getvalue()
    clock.now += 0.05
    watch(step(1001))
    assert terminal.getvalue() == before
    clock.now += 0.06
    watch(step(1002))
    assert "step 1,002:" in terminal.shown


def test_a_terminal_that_draws_slowly_is_drawn_to_less_often(watch, clock, terminal, monkeypatch):
    write = terminal.write

    def slow(text):
        clock.now += 1
        return write(text)

    monkeypatch.setattr(terminal, "write", slow)
    watch(step(1))
    took, before = clock.now, terminal.getvalue()
    clock.now += 10 * took
    watch(step(2))
    assert terminal.getvalue() == before
    clock.now += 20 * took
    watch(step(3))
    assert "step 3:" in terminal.shown


def test_only_what_fits_is_shown(watch, clock, terminal):
    for number in (1, 2):
        for chain in range(20):
            clock.now += 1
            watch(step(number, chain=chain))
    lines = terminal.screen
    assert len([line for line in lines if line]) < HEIGHT
    shown = [int(line.split()[2][:-1]) for line in lines if ", chain " in line]
    assert shown == list(range(len(shown)))
    assert f"and {20 - len(shown)} more" in lines


def test_at_most_eight_chains_are_shown(terminal, clock):
    watch = Watch(Console(file=terminal, force_terminal=True, width=80, height=200), clock)
    for chain in range(12):
        clock.now += 1
        watch(step(chain=chain))
    assert terminal.shown.count(", chain ") == 8
    assert "and 4 more" in terminal.shown


def test_a_text_longer_than_the_screen_is_cut_and_still_cleared(watch, clock, terminal):
    long = step(text="长" * 5000)
    watch(long)
    assert len(frame([View(long, Moves({"replace": 1}, {"replace": 1}))], None, watch.console)) < HEIGHT - 1
    watch.clear()
    assert terminal.shown.strip() == ""


def test_the_next_batch_takes_the_place_of_the_last(watch, clock, terminal):
    for name in ("a", "b"):
        for number in (1, 2, 3):
            for chain in (0, 1):
                clock.now += 1
                watch(step(number, name=name, chain=chain))
    assert "b, chain 1" in terminal.shown
    assert "a, chain" not in terminal.shown


def test_chains_that_ended_make_room_for_those_that_run(watch, clock, terminal):
    for number in range(1, 10):
        for chain in range(12):
            if number < 4 or chain == 11:
                clock.now += 1
                watch(step(number, chain=chain))
    assert terminal.screen[1].startswith("1, chain 11, step 9:")


@pytest.mark.parametrize("event", [Progress(1, 1), Note("look"), Shortened("1", 5, 9, "head")])
def test_the_screen_is_clear_when_something_else_is_printed(watch, clock, terminal, event):
    watch(step(1))
    watch(event)
    assert terminal.shown.strip() == ""
    clock.now += 1
    watch(step(2))
    assert "step 2:" in terminal.shown


def test_notes_and_results_stand_where_the_frames_were(monkeypatch, clock):
    """The whole way of a command: listening, observing, and results between the batches."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    observation = Observation(watch=True)
    with (
        cli_console.listening(2, quiet=False, watched=True) as listen,
        observing(observation, listen) as on_event,
    ):
        for name in ("a", "b"):
            for number in range(1, 6):
                on_event(Steps(number, 5))
                on_event(step(number, name=name))
                if number == 3:
                    on_event(Note(f"{name} is slow"))
            on_event(Progress(1, 2))
            cli_console.result(f"text of {name}")
    assert "step 1:" in terminal.getvalue()
    lines = [line for line in terminal.screen if line]
    assert lines == ["note: a is slow", "text of a", "note: b is slow", "text of b"]


def test_an_error_takes_the_frame_off_the_screen(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(KeyboardInterrupt), observing(Observation(watch=True), ignore) as on_event:
        on_event(step())
        raise KeyboardInterrupt
    assert terminal.getvalue()
    assert terminal.shown.strip() == ""
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")  # a cursor again


@pytest.mark.parametrize(("file", "term"), [(io.StringIO(), "xterm"), (Terminal(), "dumb")])
def test_watching_needs_a_terminal(monkeypatch, file, term):
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setenv("TERM", term)
    with pytest.raises(UsageError, match="watch draws on a terminal"):
        check_observation(Observation(watch=True), [], force=False)


def test_watching_on_a_terminal_is_not_refused(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    check_observation(Observation(watch=True), [], force=False)


def test_who_does_not_look_is_not_told():
    with observing(Observation(), ignore) as on_event:
        assert on_event is ignore
    with cli_console.listening(1, quiet=True) as on_event:
        assert on_event is ignore
