"""Nothing that others have named or written steers the terminal or forges a line."""

import json
import re

import pytest
from rich.console import Console

from textgen.cli.main import run
from textgen.cli.render import console
from textgen.events import Note, Shortened
from textgen.schema import Candidate, Record

EVIL = "甲\x1b[2J\nerror: all is lost\r\u202e\udcff"
SHOWN = "甲␛[2J␊error: all is lost␍��"
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]")


def lines(capsys) -> tuple[list[str], list[str]]:
    found = capsys.readouterr()
    assert not STEERS.search(found.out + found.err)
    return found.out.splitlines(), found.err.splitlines()


def test_a_row_that_is_an_error_is_told_in_one_line(capsys):
    errors = console.Errors(2)
    errors.see(Record(EVIL, [], "m", error=f"坏{EVIL}", notes=(EVIL,)))
    errors.end()
    assert lines(capsys) == ([], [f"warning: {SHOWN}: {SHOWN}", f"error: {SHOWN}: 坏{SHOWN}"])


def test_events_are_told_in_one_line(capsys):
    with console.listening(2, quiet=False) as on_event:
        on_event(Note(EVIL))
        on_event(Shortened(EVIL, 1, 2, "head"))
    assert lines(capsys)[1] == [f"note: {SHOWN}", f"warning: {SHOWN}: used 1 of 2 tokens (head)"]


def test_a_text_may_have_lines_and_a_cell_may_not(capsys):
    console.result("一\n二\x1b[31m")
    console.result(console.cells(EVIL, "a\tb"))
    assert lines(capsys)[0] == ["一", "二␛[31m", f"{SHOWN}\ta␉b"]


def test_json_has_the_same_content(capsys):
    record = Record(EVIL, [Candidate(f"文\u2028{EVIL}", 0.0, "none", None, 1, "stop")], "m")
    console.json_result(record.to_json())
    (line,), _ = lines(capsys)
    assert json.loads(line) == record.to_dict()


def test_what_has_a_style_is_shown_too(capsys, monkeypatch):
    monkeypatch.setattr("rich.console.Console", lambda **how: Console(force_terminal=False, width=200))
    console.styled(EVIL, (EVIL, "bold"))
    assert lines(capsys)[0] == [SHOWN + SHOWN]


@pytest.mark.parametrize(
    "args",
    [
        ["title", EVIL],
        ["title", "x.txt", "--model", EVIL],
        ["title", "x.txt", f"--{EVIL}"],
        ["title", "x.txt", "--beams", EVIL],
        [EVIL],
        ["models", "info", EVIL],
        ["sample", "-i", EVIL],
        ["title", "x.txt", "-o", EVIL],
        ["title", "x.txt", "--config", EVIL],
        ["eval", EVIL, EVIL],
        ["batch", EVIL],
        ["train", "gpt2", EVIL, "-o", "y"],
        ["title", EVIL, "--debug"],
    ],
    ids=lambda args: args[-2] if len(args) > 1 else "command",
)
def test_what_the_command_line_holds_is_shown(args, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.txt").write_text("春天来了。", encoding="utf-8")
    assert run(args) in (1, 2)
    out, err = lines(capsys)
    assert not any(line.startswith("error: all is lost") for line in out + err)
    assert "--debug" in args or len(err) == 1


def test_a_model_of_others_is_listed_and_described_in_its_lines(capsys, tmp_path, monkeypatch):
    from textgen.resources import models_dir

    folder = tmp_path / "models" / "坏\x1b[31m\t"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).symlink_to(models_dir() / "gpt2" / name)
    (folder / "CARD.md").write_text("# 卡\u202e春天来了\u2069。\n二", encoding="utf-8")
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "models"))
    assert run(["models", "list"]) == 0
    out, _ = lines(capsys)
    assert len(out) == 4
    assert any(line.startswith("坏␛[31m␉\tcausal-lm\t") for line in out)
    assert run(["models", "info", str(folder)]) == 0
    out, _ = lines(capsys)
    assert out[-2:] == ["# 卡�春天来了�。", "二"]
