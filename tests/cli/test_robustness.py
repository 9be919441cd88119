"""What must not lose work, mix up rows or end in a traceback; each was once a fault."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from child import CommandLine, ended, wait_until
from small_networks import GPT2, network_of, save

from textgen.cli.main import run

ARTICLE = "本市图书馆昨天宣布，从下月起延长夜间开放时间。"
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
FAST = ("--decode", "greedy", "--max-new-tokens", "6")


def shell(command: str) -> subprocess.CompletedProcess[bytes]:
    textgen = f"{sys.executable} -m textgen"
    return subprocess.run(
        ["bash", "-c", command.format(textgen=textgen)], capture_output=True, check=False, timeout=120
    )


@small
def test_a_quotation_mark_in_a_table_with_tabs_is_text(call, tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text(f'id\ttext\n1\t"{ARTICLE}\n2\t{ARTICLE}\n', encoding="utf-8")
    code, out, _ = call("title", path, *FAST)
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["1", "2"]


@small
def test_an_unclosed_quotation_mark_in_a_csv_costs_its_row(call, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f'id,text\n1,"{ARTICLE}\n2,{ARTICLE}\n', encoding="utf-8")
    code, out, err = call("title", path, *FAST)
    assert code == 3
    assert out.startswith("2\t")
    assert "line 2 is no row" in err


@small
def test_a_row_with_too_many_cells_is_an_error(call, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"id,text\n1,{ARTICLE}\n2,{ARTICLE},more\n", encoding="utf-8")
    code, _, err = call("title", path, *FAST)
    assert code == 3
    assert "more cells than the header" in err


@small
@pytest.mark.parametrize("extra", [("--max-new-tokens", "600"), ("--model", "broken")])
def test_a_run_that_cannot_begin_leaves_the_output_alone(call, tmp_path, monkeypatch, extra):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "broken").mkdir()
    (tmp_path / "old.jsonl").write_text("precious", encoding="utf-8")
    assert call("title", "a.txt", "-o", "old.jsonl", "--force", *extra)[0] in (1, 2)
    assert (tmp_path / "old.jsonl").read_text(encoding="utf-8") == "precious"
    assert call("title", "a.txt", "-o", "new.jsonl", *extra)[0] in (1, 2)
    assert not (tmp_path / "new.jsonl").exists()


def test_an_interrupted_run_keeps_its_finished_rows(tmp_path, monkeypatch, small_models):
    monkeypatch.chdir(tmp_path)
    rows, out, part = (tmp_path / name for name in ("rows.jsonl", "out.jsonl", "out.jsonl.part"))
    rows.write_text("".join(json.dumps({"text": ARTICLE}) + "\n" for n in range(3000)), encoding="utf-8")
    args = ["title", rows, "-o", out, "--batch-size", 1, "--model", small_models / "title", "--workers", 1]
    process = CommandLine([*args, "--decode", "greedy"])
    assert wait_until(process.process, lambda: part.exists() and part.read_bytes().count(b"\n") >= 2), (
        process.told
    )
    process.interrupt()
    assert process.ended()[0] == 130
    records = [json.loads(line) for line in part.read_text(encoding="utf-8").splitlines()]
    assert not out.exists()
    assert 2 <= len(records) < 3000
    assert [record["id"] for record in records] == [str(n) for n in range(1, len(records) + 1)]


@small
def test_a_lone_surrogate_in_an_id_is_escaped(call, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"id": "\ud800", "text": ARTICLE}) + "\n", encoding="utf-8")
    out = tmp_path / "o.jsonl"
    assert call("title", path, "-o", out, *FAST)[0] == 0
    assert json.loads(out.read_text(encoding="utf-8"))["id"] == "\\ud800"


@small
def test_the_text_itself_instead_of_a_path(call):
    code, out, err = call("title", ARTICLE * 20)
    assert (code, out) == (2, "")
    assert "inputs are paths" in err
    assert len(err) < 200


@small
def test_an_unreadable_input_beside_good_ones(call, tmp_path):
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "folder").mkdir()
    code, out, err = call(
        "title", tmp_path / "a.txt", tmp_path / "empty.jsonl", tmp_path / "folder", "--decode", "greedy"
    )
    assert code == 3
    assert out.startswith("a.txt\t")
    assert len([line for line in err.splitlines() if not line.startswith("warning: a.txt")]) == 2


@small
def test_deeply_nested_json_is_an_error_record(call, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"text": ARTICLE}) + "\n" + "[" * 100_000 + "\n", encoding="utf-8")
    assert call("title", path, *FAST)[0] == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line():
    done = shell("{textgen} models list > /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr


@small
def test_closed_streams(call, capsys, monkeypatch):
    done = shell("{textgen} models list >&- 2>&- <&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    # Python begins so where they are closed
    monkeypatch.setattr(sys, "stdin", None)
    assert call("title", "-")[0] == 1
    sample = ["sample", "春", "-n", "2", "--max-new-tokens", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert run(sample) == 0
    out, err = capsys.readouterr()
    assert (out, err.startswith("seed ")) == ("", True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert run(sample) == 0
    assert capsys.readouterr().out.startswith("春"), "the seed goes to stderr or nowhere"


@small
@pytest.mark.parametrize(
    "extra",
    [
        ("--length-penalty", "1000"),
        ("--repetition-penalty", "1e-39"),
        ("--threads", "-3"),
        ("--threads", "0"),
        ("-n", "300"),
        ("--model", ""),
        ("--json", "-o", "x.jsonl"),
    ],
    ids=" ".join,
)
def test_values_that_nothing_can_be_done_with(call, tmp_path, monkeypatch, extra):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    code, out, err = call("title", "a.txt", *extra)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


@small
def test_nothing_is_streamed_before_the_checks(call):
    code, out, _ = call("sample", "春", "--stream", "--decode", "beam")
    assert (code, out) == (2, "")
    code, out, _ = call("sample", "春", "--stream", "--seed", "1", "--max-new-tokens", "2000")
    assert (code, out) == (2, "")


@small
def test_a_config_file_holds_any_option(call, tmp_path):
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    config = tmp_path / "c.toml"
    out = tmp_path / "o.jsonl"
    config.write_text(f'output = "{out}"\nquiet = true\n[title]\ndecode = "greedy"\n', encoding="utf-8-sig")
    assert call("title", tmp_path / "a.txt", "--config", config) == (0, "", "")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1
    config.write_text("force = 3\n", encoding="utf-8")
    assert call("title", tmp_path / "a.txt", "--config", config)[0] == 2
    config.write_text("[titel]\nn = 3\n", encoding="utf-8")
    assert call("title", tmp_path / "a.txt", "--config", config)[0] == 2


def test_no_arguments_show_the_help(call):
    code, out, err = call()
    assert code == 2
    assert "Usage: textgen" in out + err
    assert "error" not in err


def test_a_model_with_few_positions(call, tmp_path):
    config = GPT2 | {"n_positions": 100}
    folder = save(network_of(config), config, tmp_path / "small")
    prompt = "一二三四五六七八九十" * 9
    code, out, _ = call("sample", prompt, "--model", folder, "--seed", 1, "--max-new-tokens", 3)
    assert code == 0
    assert out.startswith(prompt)


def test_a_progress_bar_leaves_redirected_results_alone(tmp_path, monkeypatch, small_models):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        (tmp_path / f"{number}.txt").write_text(ARTICLE, encoding="utf-8")
    ours, theirs = pty.openpty()
    args = ["title", tmp_path, *FAST, "--model", small_models / "title"]
    process = CommandLine(args, out="out", err=os.ttyname(theirs))
    assert ended(process.process) == 0
    assert b"\x1b[" in os.read(ours, 1 << 16), "a bar is drawn"
    os.close(ours)
    os.close(theirs)
    assert len(Path("out").read_text(encoding="utf-8").splitlines()) == 2


@small
@pytest.mark.parametrize("name", ["loop.jsonl", "folder", "folder/", "folder/o.jsonl"])
@pytest.mark.parametrize("flags", [(), ("--force",)])
def test_an_output_whose_links_lead_in_a_circle(call, tmp_path, monkeypatch, name, flags):
    monkeypatch.chdir(tmp_path)
    for link in (Path("loop.jsonl"), Path("folder")):
        link.symlink_to(link)
    Path("a.txt").write_text(ARTICLE, encoding="utf-8")
    code, out, err = call("title", "a.txt", "-o", name, *flags, *FAST)
    assert (code, out) == (2, "")
    assert f"-o {name.rstrip('/')}" in err
    assert "symbolic links" in err


@small
def test_an_option_that_is_no_utf8(call):
    code, out, err = call("sample", "春", "--avoid", "\udcff", "--seed", "1")
    assert (code, out) == (2, "")
    assert err == (
        "error: --avoid: text has a lone surrogate (U+DCFF) at character 1 "
        "(remove it, or read the text again in its true encoding)\n"
    )
