"""Ctrl-C while `textgen train` is at work, and what a terminal shows of it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from child import CommandLine

from textgen.cli.render.training import stopping

Call = Callable[..., tuple[int, str, str]]
ENDLESS = ["--steps", "100000", "--log-every", "1", "--batch-size", "8"]
RUN = ["rnn-title", "news.jsonl", "-o", "run", "--tokenizer", "tok", "--width", "32", *ENDLESS]

pytestmark = pytest.mark.usefixtures("newsroom")


def started(*args: object) -> CommandLine:
    return CommandLine(["train", *args])


def test_the_first_ctrl_c_leaves_a_model_and_a_checkpoint(call: Call) -> None:
    process = started(*RUN, "--save-every", "100000")
    process.wait_for_steps(3)
    process.interrupt()
    code, out, err = process.ended()
    assert code == 130, err
    assert re.fullmatch(r"run\t\d+ of 100,000 steps\n", out)
    told = ["stopping after this step", "--resume goes on", "interrupted"]
    assert [word for line, word in zip(err.splitlines()[-3:], told, strict=True) if word in line] == told
    done = int(out.split("\t")[1].split()[0])
    assert [path.name for path in Path("run").glob("checkpoint-*")] == [f"checkpoint-{done:08}"]
    assert f"- steps: {done} of 100,000, stopped" in call("models", "info", "run")[1]
    Path("a.txt").write_text("今天，图书馆对外宣布，将减免门票。", encoding="utf-8")
    code, title, _ = call("title", "--model", "run", "a.txt", "--decode", "greedy", "--min-new-tokens", 2)
    assert code == 0
    assert title.strip()
    code, out, _ = call("train", *RUN, "--resume", "--minutes", 1e-6, "--save-every", 100000, "--json", "-q")
    assert code == 0
    assert json.loads(out)["step"] == done + 1


def test_the_second_ctrl_c_ends_it_at_once() -> None:
    """It is at work on a look at the dev file that would take for ever."""
    rows = Path("news.jsonl").read_text(encoding="utf-8") * 500
    Path("long.jsonl").write_text(rows, encoding="utf-8")
    process = started(*RUN, "--dev", "long.jsonl", "--eval-every", "3")
    process.wait_for_steps(3)
    process.interrupt()
    process.wait_for("stopping after this step")
    process.interrupt()
    code, out, err = process.ended()
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert not Path("run/model.safetensors").exists()


def test_while_files_are_read_one_ctrl_c_is_enough() -> None:
    os.mkfifo("endless.jsonl")
    process = started("rnn-title", "endless.jsonl", *RUN[2:])
    with Path("endless.jsonl").open("w", encoding="utf-8"):  # once it is at reading
        process.interrupt()
        code, out, err = process.ended()
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"


def test_a_terminal_shows_a_table(newsroom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And Ctrl-C, pressed there, ends it as everywhere."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "xterm")
    terminal = os.ttyname(theirs)
    process = CommandLine(["train", *RUN, "--dev", "dev.jsonl"], out=terminal, err=terminal)
    shown, pressed = b"", False
    while process.process.is_alive() or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 1 << 16)
        if not pressed and b"best" in shown:
            pressed = os.write(ours, b"\x03") > 0
    os.close(ours)
    os.close(theirs)
    assert process.process.exitcode == 130
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    for word in ("textgen train rnn-title", "step", "of 100,000", "tokens/s", "left", "best", "at step"):
        assert word in text
    assert "stopping after this step" in text
    assert text.rstrip().endswith("interrupted")
    assert list((newsroom / "run").glob("checkpoint-*"))


def test_ctrl_c_in_the_middle_of_a_line_stops_after_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffered writer refuses a second write of the thread that is in one."""

    class Terminal(io.RawIOBase):
        pressed = False

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            if not self.pressed:
                self.pressed = True
                signal.raise_signal(signal.SIGINT)
            return len(data)

    others = {threading.current_thread(), *threading.enumerate()}  # a progress bar's watcher never ends
    with stopping(quiet=False) as stopped:
        assert not stopped()
        with io.TextIOWrapper(io.BufferedWriter(Terminal()), write_through=True) as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)
            print("step 1", file=stderr, flush=True)
            for thread in set(threading.enumerate()) - others:
                thread.join(60)
        assert stopped()
