"""`textgen train`: what a run prints, leaves and refuses, and that what it leaves can be used at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from child import CommandLine
from pydantic import BaseModel
from refusals import refused

from textgen.options import fields
from textgen.options.recipes import OPTIONS
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.train.run_directory import log

Call = Callable[..., tuple[int, str, str]]
TINY = ("--layers", 1, "--width", 16, "--heads", 2, "--positions", 64, "--batch-size", 4)
STEPS = ("--steps", 3, "--log-every", 1)


def gpt2(call: Call, *more: object, output: str = "runs/mine") -> tuple[int, str, str]:
    return call("train", "gpt2", "news.jsonl", "-o", output, "--tokenizer", "tok", *TINY, *STEPS, *more)


@pytest.mark.parametrize("recipe", ["tokenizer", *OPTIONS])
def test_every_recipe_shows_its_options(call: Call, recipe: str) -> None:
    code, out, err = call("train", recipe, "--help")
    assert (code, err) == (0, "")
    options = OPTIONS.get(recipe, TokenizerTrainOptions)
    missing = [name for name in options.model_fields if f"--{name.replace('_', '-')[:20]}" not in out]
    assert missing == []
    panels = [line.split("─")[1].strip() for line in out.splitlines() if line.startswith("╭")]
    order = ["Arguments", "Options", *fields.OF_TRAINING]
    assert panels == [panel for panel in dict.fromkeys(order) if panel in panels]
    assert panels[:3] == ["Arguments", "Options", "Data"]
    assert panels[-1] == "Run"


@pytest.mark.parametrize("options", [*OPTIONS.values(), TokenizerTrainOptions])
def test_every_option_has_a_panel_and_a_description(options: type[BaseModel]) -> None:
    for info in options.model_fields.values():
        assert fields.shown(info, "panel") in fields.OF_TRAINING
        assert info.description


def test_the_recipes_are_listed(call: Call) -> None:
    code, out, _ = call("train", "--help")
    assert code == 0
    assert all(f"│ {name} " in out for name in ("tokenizer", *OPTIONS))


def test_help_needs_neither_the_options_nor_torch() -> None:
    script = (
        "import sys; import textgen.cli.main\n"
        "early = {'pydantic', 'textgen.options', 'numpy'} & set(sys.modules)\n"
        "textgen.cli.main.run(['train', 'title', '--help'])\n"
        "sys.exit(str(early | ({'torch', 'numpy', 'sentencepiece'} & set(sys.modules)) or ''))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=120)
    assert found.stderr.strip() == b""
    assert b"--title-length" in found.stdout


@pytest.mark.usefixtures("newsroom")
def test_a_run_prints_its_result_and_tells_the_rest(call: Call) -> None:
    code, out, err = gpt2(call, "--dev", "dev.jsonl", "--eval-every", 2)
    assert code == 0
    model, steps, loss = out.removesuffix("\n").split("\t")
    assert (model, steps) == ("runs/mine", "3 of 3 steps")
    assert loss.startswith("loss ")
    lines = err.splitlines()
    assert lines[0].startswith("step 1 of 3: loss ")
    assert "tokens/s" in lines[0]
    assert any(line.startswith("step 2: dev loss ") for line in lines)
    assert lines[-1].startswith("step 3: dev loss ")
    names = {path.name for path in Path("runs/mine").iterdir()}
    assert {
        "CARD.md",
        "config.json",
        "log.jsonl",
        "model.safetensors",
        "run.json",
        "tokenizer.model",
    } <= names
    assert not {"data", "data-dev"} & names
    assert not list(Path("runs/mine").glob("checkpoint*"))


@pytest.mark.usefixtures("newsroom")
def test_json_is_one_object_and_quiet_is_quiet(call: Call) -> None:
    code, out, err = gpt2(call, "--json", "-q")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"model": "runs/mine", "step": 3, "steps": 3, "finished": True, "figures": {}}


@pytest.mark.usefixtures("newsroom")
def test_a_trained_model_has_a_card_and_writes(call: Call) -> None:
    assert gpt2(call, "--dev", "dev.jsonl", "--weight", "news.jsonl=0.5", "--no-bucketing")[0] == 0
    code, out, _ = call("models", "info", "runs/mine")
    assert code == 0
    assert "# mine\n\nMade by `textgen train gpt2` of textgen " in out
    assert ", from fresh weights.\n" in out
    assert "- rows: 26, of `news.jsonl`\n" in out
    assert "- steps: 3 of 3\n" in out
    assert "- dev file: `dev.jsonl`: loss " in out
    assert "- tokenizer: `tok`\n" in out
    assert 'steps = 3, batch_size = 4, bucketing = false, weight = {"news.jsonl" = 0.5}, ' in out
    assert "None" not in out
    args = ("--seed", 1, "--min-new-tokens", 4, "--max-new-tokens", 8, "--json", "-q")
    code, out, err = call("sample", "今天", "--model", "runs/mine", *args)
    assert (code, err) == (0, "")
    assert json.loads(out)["candidates"][0]["tokens"] >= 4


@pytest.mark.usefixtures("newsroom")
def test_the_card_names_the_model_at_the_start(call: Call) -> None:
    assert gpt2(call)[0] == 0
    args = ("--start", "runs/mine", "--lora", 2, "--steps", 1, "-q")
    assert call("train", "gpt2", "news.jsonl", "-o", "runs/next", *args)[0] == 0
    card = Path("runs/next/CARD.md").read_text(encoding="utf-8")
    assert ", from `mine@sha256:" in card
    assert "- options: `steps = 1, lora = 2`" in card


@pytest.mark.usefixtures("newsroom")
def test_from_text_to_titles(call: Call) -> None:
    bert = ("--tokenizer", "tok", *TINY, "--positions", 128, "--steps", 2, "-q")
    assert call("train", "bert", "news.jsonl", "-o", "runs/bert", *bert)[0] == 0
    title = ("--start", "runs/bert", "--title-length", 16, "--steps", 2, "--batch-size", 4, "-q")
    dev = ("--dev", "dev.jsonl", "--dev-metric", "rouge-l", "--dev-rows", 2)
    code, out, _ = call("train", "title", "news.jsonl", "-o", "runs/title", *title, *dev, "--json")
    assert code == 0
    assert set(json.loads(out)["figures"]) == {"loss", "rouge-l"}
    Path("a.txt").write_text("今天，本市图书馆对外宣布，将减免门票。", encoding="utf-8")
    code, out, err = call(
        "title", "--model", "runs/title", "a.txt", "--decode", "greedy", "--min-new-tokens", 2
    )
    assert (code, "error" in err) == (0, False)  # two steps of training make no sound title
    assert len(out.splitlines()) == 1


@pytest.mark.usefixtures("newsroom")
def test_a_run_is_the_same_in_any_process(call: Call) -> None:
    args = ["gpt2", "news.jsonl", "-o", "runs/other", "--tokenizer", "tok", *TINY, *STEPS, "--json", "-q"]
    other, told, err = CommandLine(["train", *args]).ended()
    assert (other, err) == (0, "")
    code, out, _ = gpt2(call, "--json", "-q")
    assert code == 0
    assert json.loads(out) == json.loads(told) | {"model": "runs/mine"}
    weights = [Path(run, "model.safetensors").read_bytes() for run in ("runs/other", "runs/mine")]
    assert weights[0] == weights[1]


@pytest.mark.usefixtures("newsroom")
def test_of_several_processes_one_speaks(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # as accelerate launch sets it; alone it is no launch
    assert gpt2(call) == (0, "", "")


@pytest.mark.usefixtures("newsroom")
def test_options_come_from_a_file_and_flags_win(call: Call) -> None:
    config = (
        'steps = 2\nbatch-size = 4\ntokenizer = "tok"\nlayers = 1\nwidth = 16\nheads = 2\npositions = 64\n'
    )
    rest = 'weight = ["news.jsonl=0.5"]\nbucketing = false\nquiet = true\n[title]\nbeams = 3\n'
    Path("train.toml").write_text("[train]\n" + config + rest, encoding="utf-8")
    args = (
        "train",
        "gpt2",
        "news.jsonl",
        "-o",
        "runs/mine",
        "--config",
        "train.toml",
        "--steps",
        1,
        "--json",
    )
    code, out, err = call(*args)
    assert (code, err) == (0, "")
    assert json.loads(out)["steps"] == 1
    options = json.loads(Path("runs/mine/run.json").read_text(encoding="utf-8"))["options"]
    assert (options["width"], options["bucketing"], options["weight"]) == (16, False, {"news.jsonl": 0.5})


@pytest.mark.usefixtures("newsroom")
def test_a_run_that_is_there_is_not_overwritten(call: Call) -> None:
    assert gpt2(call)[0] == 0
    before = Path("runs/mine/model.safetensors").read_bytes()
    refused(gpt2(call), 2, "runs/mine is not empty", "--resume", "--force")
    refused(gpt2(call, "--seed", 2, "--resume"), 2, "--resume: --seed was 0, not 2", "--force")
    refused(gpt2(call, "--resume", "--force"), 2, "exclude each other")
    code, out, err = gpt2(call, "--resume")
    assert (code, out) == (0, "runs/mine\t3 of 3 steps\n")
    assert err == "note: runs/mine is finished after 3 steps\n"
    assert Path("runs/mine/model.safetensors").read_bytes() == before
    assert gpt2(call, "--seed", 2, "--force")[0] == 0
    assert Path("runs/mine/model.safetensors").read_bytes() != before


def test_what_a_run_reads_is_not_deleted(call: Call, newsroom: Path) -> None:
    assert gpt2(call)[0] == 0
    again = ("train", "gpt2", "news.jsonl", "-o", "runs/mine", "--force", "--steps", 1)
    refused(call(*again, "--start", "runs/mine"), 2, "--force would delete runs/mine")
    (newsroom / "dev.jsonl").rename("runs/mine/more.jsonl")
    refused(call(*again, "--tokenizer", "tok", "--dev", "runs/mine/more.jsonl"), 2, "more.jsonl")
    refused(call(*again, "--tokenizer", "runs/mine"), 2, "--force would delete runs/mine")
    assert (newsroom / "runs" / "mine" / "more.jsonl").is_file()


def test_a_mended_row_needs_no_force(call: Call, newsroom: Path) -> None:
    """What failed before its first step has left nothing that is worth a question."""
    whole = (newsroom / "news.jsonl").read_text(encoding="utf-8")
    (newsroom / "news.jsonl").write_text(whole + "{broken\n", encoding="utf-8")
    refused(gpt2(call), 1, "news.jsonl: line 27 is not JSON")
    (newsroom / "news.jsonl").write_text(whole, encoding="utf-8")
    assert gpt2(call)[0] == 0


@pytest.mark.usefixtures("newsroom")
def test_stopped_by_the_clock_and_resumed(call: Call) -> None:
    code, out, err = gpt2(call, "--minutes", 1e-6)
    assert (code, out) == (0, "runs/mine\t1 of 3 steps\n")
    assert "--resume goes on" in err
    card = Path("runs/mine/CARD.md").read_text(encoding="utf-8")
    assert "- steps: 1 of 3, stopped before the end\n" in card
    assert call("models", "info", "runs/mine")[0] == 0
    assert gpt2(call, "--resume", "-q") == (0, "runs/mine\t3 of 3 steps\n", "")
    assert "stopped" not in Path("runs/mine/CARD.md").read_text(encoding="utf-8")
    assert gpt2(call, "-q", output="runs/whole")[0] == 0
    weights = [Path(run, "model.safetensors").read_bytes() for run in ("runs/mine", "runs/whole")]
    assert weights[0] == weights[1]


@pytest.mark.usefixtures("newsroom")
@pytest.mark.parametrize(
    ("missing", "args", "words"),
    [
        ("accelerate", (), "training needs accelerate (pip install '.[train]')"),
        ("peft", ("--start", "gpt2", "--lora", 2), "--lora needs peft (pip install '.[train]')"),
    ],
)
def test_missing_extras_are_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, missing: str, args: tuple[object, ...], words: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    refused(call("train", "gpt2", "news.jsonl", "-o", "runs/mine", "--steps", 1, *args), 2, words)


@pytest.mark.usefixtures("newsroom")
def test_without_matplotlib_there_is_no_curve(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.train.session.draw_curve", log.draw_curve)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = gpt2(call)
    assert code == 0
    assert err.splitlines()[-1] == "note: no curve.png: pip install '.[train]' brings matplotlib"
