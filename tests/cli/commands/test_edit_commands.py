"""compose, rewrite, correct and fill from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textgen.backends.editing.correct import COSTS
from textgen.cli.render.texts import KINDS
from textgen.text.confusion.changes import SHOWN

small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
# whatever is written may be shown
ANY = ("--no-checks", "--least-similarity", "0", "--fluency-loss", "1000")
SHORT = ("--steps", "15", "--chains", "1", "--seed", "3", "-q")


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@small
def test_words_are_arguments(call):
    code, out, err = call("compose", "广州", "美食", *SHORT)
    assert (code, err) == (0, "")
    [line] = out.splitlines()
    assert "广州" in line
    assert "美食" in line
    assert call("compose", "广州", "美食", *SHORT) == (code, out, err)


@small
def test_order_is_kept_where_it_counts(call):
    for seed in range(4):
        _, out, _ = call(
            "compose", "开幕", "广州", "--ordered", "--steps", "12", "--chains", "1", "--seed", seed, "-q"
        )
        assert out.find("开幕") < out.find("广州")


@small
@pytest.mark.parametrize("name", ["words.txt", "words.jsonl", "words.csv"])
def test_sets_of_words_come_from_files(call, tmp_path: Path, name: str):
    content = {
        "words.txt": "广州 美食\n\n春天，New York\n",
        "words.jsonl": '{"keywords": ["广州", "美食"]}\n{"keywords": "春天，New York"}\n',
        "words.csv": "keywords\n广州、美食\n春天、New York\n",
    }[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    code, out, _ = call("compose", "-i", tmp_path / name, "--length", "4-24", *SHORT)
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith("1\t")
    assert all(word in first for word in ("广州", "美食"))
    assert second.startswith("3\t" if name == "words.txt" else "2\t")  # the number of its line
    assert all(word in second for word in ("春天", "New York"))


@small
def test_bad_rows_are_reported_and_the_others_go_on(call, tmp_path: Path):
    rows = [
        '{"keywords": ["春天"]}',
        "{broken",
        '{"keywords": []}',
        '{"keywords": 3}',
        '{"id": "a", "keywords": "雨"}',
    ]
    (tmp_path / "w.jsonl").write_text("\n".join(rows), encoding="utf-8")
    code, _, err = call(
        "compose", "-i", tmp_path / "w.jsonl", "-o", tmp_path / "out.jsonl", "--length", "4-12", *SHORT
    )
    assert code == 3
    found = records((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert [record["id"] for record in found] == ["1", "2", "3", "4", "a"]
    assert [record["error"] is None for record in found] == [True, False, False, False, True]
    assert [record.get("prompt") for record in found] == ["春天", None, None, None, "雨"]
    assert err.count("error:") == 3


@small
def test_lines_of_words(call, tmp_path: Path):
    lines = ['["GDP 增长"]', "GDP 增长,", "GDP 增长", "[1]", "雨"]
    (tmp_path / "w.txt").write_text("\n".join(lines), encoding="utf-8")
    code, out, err = call("compose", "-i", tmp_path / "w.txt", "--json", "--length", "8-12", *SHORT)
    assert code == 3
    assert [record.get("prompt") for record in records(out)] == [
        "GDP 增长",
        "GDP 增长",
        "GDP、增长",
        None,
        "雨",
    ]
    assert "line 4" in err


@small
def test_a_record_tells_of_the_chain(call):
    _, out, _ = call(
        "compose", "春天", "--json", "--method", "mh", "--steps", "40", "--seed", "1", "--chains", "2", "-q"
    )
    [record] = records(out)
    [candidate] = record["candidates"]
    chain = candidate["chain"]
    assert chain["kind"] == "sample"
    assert set(chain["acceptance"]) <= {"replace", "insert", "delete", "swap"}
    assert 0 < chain["novel"] < 1
    assert chain["rhat"] > 0
    assert chain["ess"] > 0
    assert candidate["score"] == pytest.approx(candidate["logprob"] / candidate["tokens"], abs=1e-4)
    assert record["model"].startswith("gpt2@sha256:")
    assert "+bert@sha256:" in record["model"]
    _, out, _ = call("compose", "春天", "--json", *SHORT)
    [found] = records(out)[0]["candidates"]
    assert found["chain"]["kind"] == "search"


@small
def test_what_is_kept_stays(call):
    code, out, _ = call(
        "rewrite", "他昨天在图书馆看了一整天的书。", "--keep", "图书馆", *ANY, *SHORT, "--steps", "30"
    )
    assert code == 0
    assert "图书馆" in out
    assert out.strip() != "他昨天在图书馆看了一整天的书。"


@small
def test_facts_stay_unless_they_are_freed_and_are_explained(call, tmp_path: Path):
    (tmp_path / "keep.txt").write_text("看\n不在此\n", encoding="utf-8")
    told = (*SHORT, "--steps", "30", "--explain", *ANY)
    code, out, _ = call("rewrite", "他昨天在图书馆看了三本书。", "--keep-file", tmp_path / "keep.txt", *told)
    assert code == 0
    text, locks = out.splitlines()
    assert all(part in text for part in ("昨天", "看", "三本"))
    assert (
        locks
        == "  locked: 他 (names: pronoun), 昨天 (numbers: time), 看 (--keep-file), 三本 (numbers: number)"
    )
    code, out, _ = call("rewrite", "他昨天在图书馆看了三本书。", "--free", "all", *told, "--json")
    assert code == 0
    assert records(out)[0]["locks"] == []
    (tmp_path / "run.toml").write_text('[correct]\nfree = ["names"]\nexplain = true\n', encoding="utf-8")
    code, out, _ = call("correct", "“好。”", "--explain", *SHORT)
    assert (code, out) == (1, "  locked: “好。” (quotes: quote)\n")
    code, out, _ = call("correct", "李老师有２本书。", "--config", tmp_path / "run.toml", *SHORT, "--json")
    assert code == 0
    place = {"start": 4, "end": 6, "kind": "numbers", "reason": "number"}
    assert records(out)[0]["locks"] == [{"text": "２本", **place}]


def test_a_correction_shows_what_it_changed(call):
    code, out, _ = call("correct", "我们再图书馆里看书。", "-q")
    assert code == 0
    assert out == "我们在图书馆里看书。\n  我们[-再-]{+在+}图书馆里看书。\n"
    code, out, _ = call("correct", "我们再图书馆里看书。", "--explain", "-q")
    assert code == 0
    assert "\n    再 → 在  sounds alike\n" in out


def test_sentences_to_correct_come_from_a_file(call, tmp_path: Path):
    (tmp_path / "s.txt").write_text("这个问题需要尽快解决。\n我很高心。\n", encoding="utf-8")
    code, out, _ = call("correct", "-i", tmp_path / "s.txt", "--json", *SHORT)
    assert code == 0
    first, second = records(out)
    assert first["prompt"] == first["candidates"][0]["text"] == "这个问题需要尽快解决。"
    assert first["candidates"][0]["changes"] == []
    assert second["prompt"] == "我很高心。"


@small
def test_texts_are_in_the_style_of_the_house(call, tmp_path):
    style = ("--width", "half", "--quotes", "「」")
    given = "他说：“今天___很好，１２：３０去。”"
    code, out, _ = call("fill", given, *style, "--length", "1-1", "-q")
    assert code == 0
    assert out.startswith("他说:「今天")
    assert out.endswith("很好,１２：３０去。」\n")
    (tmp_path / "c.toml").write_text('[correct]\nwidth = "full"\n', encoding="utf-8")
    code, out, _ = call("correct", "我很高兴,谢谢!", "--config", tmp_path / "c.toml", "-q")
    assert code == 0
    assert out.splitlines()[0].endswith("，谢谢！")
    # what was given to be continued was not written
    code, out, _ = call("sample", "“你好，", *style, "--max-new-tokens", "4", "--seed", "1", "-q")
    assert code == 0
    assert out.startswith("“你好，")
    code, _, err = call("sample", "你好", *style, "--stream")
    assert code == 2
    assert "--width changes whole texts" in err


@small
def test_blanks_are_filled(call):
    code, out, _ = call("fill", "今天___很好，我们去___", *SHORT)
    assert code == 0
    assert out.startswith("今天")
    assert "很好，我们去" in out
    assert "_" not in out


@small
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["compose"], 2, ["no words"]),
        (["compose", " "], 2, ["no words"]),
        (["compose", "春天", "-i", "x.txt"], 2, ["exclude"]),
        (["compose", "-i", "missing.txt"], 2, ["no such file"]),
        (["compose", "广州美食节开幕式", "--length", "3-5"], 1, ["8 characters", "--length"]),
        (["compose", "春天", "--length", "9-3"], 2, ["ends below its beginning"]),
        (["compose", "春天", "--anneal", "hot"], 2, ["--anneal", "0.3"]),
        (["compose", "春天", "--method", "gibbs"], 2, ["--method"]),
        (["compose", "春天", "-m", "bert"], 2, ["--proposals takes it"]),
        (["compose", "春天", "-m", "title"], 2, ["title"]),
        (["compose", "春天", "--proposals", "brt"], 2, ["bert"]),
        (["compose", "春天", "--chains", "1", "-n", "2"], 2, ["--chains"]),
        (["compose", "春天", "--watch"], 2, ["--watch"]),
        (["compose", "春天", "--trace", "x.txt"], 2, ["--trace"]),
        (["compose", "春天", "--plot", "x.jsonl"], 2, ["--plot"]),
        (["rewrite"], 2, ["no sentence"]),
        (["rewrite", "一句话。", "--keep", "两句"], 1, ["两句"]),
        (["rewrite", "一句话。", "--keep", "一句话。"], 1, ["nothing", "--free numbers"]),
        (["rewrite", "一句话。", "--free", "dates"], 2, ["--free", "negation", "all"]),
        (
            ["correct", "句子", "--free", "quote"],
            2,
            ["--free", "numbers, names, negation, quotes, latin, all"],
        ),
        (["rewrite", "一句话。", "--keep-file", "missing.txt"], 2, ["no such file"]),
        (["rewrite", " "], 2, ["no sentence"]),
        (["correct", "-"], 2, ["-i -"]),
        (["correct", "句子", "--method", "mh"], 2, ["--steps"]),
        (["compose", "-"], 2, ["-i -"]),
        (["correct", "句子", "-i", "x"], 2, ["exclude"]),
        (["fill", "没有空白"], 1, ["no blank", "___"]),
        (["fill", "____"], 1, ["nothing but blanks"]),
    ],
)
def test_what_cannot_be_done_is_one_line_with_a_hint(call, tmp_path, monkeypatch, args, code, words):
    monkeypatch.chdir(tmp_path)
    found, out, err = call(*args, "-q", "--seed", "1")
    assert found == code
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("error: ")
    assert all(word in line for word in words), line
    assert "(" in line


@small
def test_options_of_a_command_come_from_its_table(call, tmp_path: Path):
    (tmp_path / "run.toml").write_text(
        'seed = 3\n[compose]\nsteps = 15\nchains = 1\nlength = "4-24"\n', encoding="utf-8"
    )
    told = call("compose", "广州", "美食", "-q", "--config", tmp_path / "run.toml")
    assert told[0] == 0
    assert told == call("compose", "广州", "美食", "--length", "4-24", *SHORT)


@small
def test_steps_are_written_and_drawn(call, tmp_path: Path):
    code, out, _ = call(
        "compose", "春天", *SHORT, "--trace", tmp_path / "t.jsonl", "--plot", tmp_path / "p.png"
    )
    assert code == 0
    steps = records((tmp_path / "t.jsonl").read_text(encoding="utf-8"))
    assert [step["step"] for step in steps][:15] == list(range(1, 16))
    assert steps[0]["chain"] == 0
    assert any(step["text"] == out.strip() for step in steps)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@small
def test_sample_with_cgmh_is_compose(call, tmp_path: Path):
    short = (*SHORT, "--length", "4-24")
    wanted = call("compose", "--keyword", "广州", "--keyword", "美食", *short)
    assert wanted[0] == 0
    flags = ("sample", "--model", "cgmh", *short)
    assert call(*flags, "--keyword", "广州", "--keyword", "美食") == wanted
    refused = call("compose", "['广州'", *short)[:2], call("compose", "--keyword", "[广州]", *short)[:2]
    assert refused == ((2, ""), (2, ""))
    (tmp_path / "w.txt").write_text("广州 美食\n", encoding="utf-8")
    assert call(*flags, "-i", tmp_path / "w.txt") == call("compose", "-i", tmp_path / "w.txt", *short)
    assert call(*flags)[0] == call(*flags, "春天")[0] == call(*flags, "--keyword", "春", "--stream")[0] == 2


@small
def test_only_chains_can_be_watched(call, tmp_path: Path):
    code, _, err = call("sample", "春天", "--trace", tmp_path / "t.jsonl", "--seed", "1")
    assert code == 2
    assert "runs no chains" in err
    for command in ("fill", "correct"):
        code, _, err = call(command, "我___他。", "--trace", tmp_path / "t.jsonl")
        assert code == 2
        assert "has no steps to watch (leave out --watch, --trace and --plot, or set --steps" in err
    code, _, _ = call(
        "sample", "-m", "bert", "--length", "4", "--sweeps", "2", "--trace", tmp_path / "t.jsonl", "-q"
    )
    assert code == 0
    assert len(records((tmp_path / "t.jsonl").read_text(encoding="utf-8"))) >= 8


@small
def test_choices_of_a_row_are_ranked(call, tmp_path: Path):
    rows = [
        '{"text": "我___他。", "choices": ["爱", "想"]}',
        '{"text": "我___他。", "choices": "爱，想，看", "x": 1}',
        '{"text": "我___他。", "choices": ["爱"]}',
        '{"text": "我___他___。", "choices": ["爱", "想"]}',
        '{"text": "我___他。"}',
    ]
    (tmp_path / "c.jsonl").write_text("\n".join(rows), encoding="utf-8")
    code, out, _ = call(
        "fill", "-i", tmp_path / "c.jsonl", "--json", "--keep-fields", "--length", "1-1", "-q"
    )
    assert code == 3
    found = records(out)
    chosen = [{candidate.get("choice") for candidate in record["candidates"]} for record in found]
    assert chosen == [{"爱", "想"}, {"爱", "想", "看"}, set(), set(), {None}]
    assert found[1]["fields"] == {"x": 1}
    assert "choose from" in found[2]["error"]
    assert "one blank" in found[3]["error"]
    assert sum(candidate["probability"] for candidate in found[1]["candidates"]) == pytest.approx(1, abs=1e-3)


@small
@pytest.mark.parametrize(
    "args",
    [
        ("我___他。", "--choices", "爱"),
        ("我___他___。", "--choices", "爱,想"),
        ("我___他。", "--choices", "爱,想", "--length", "1-2"),
        ("我___他。", "--method", "search", "--steps", "3"),
    ],
)
def test_choices_need_one_blank_and_two_of_them(call, args: tuple[str, ...]):
    code, out, err = call("fill", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_every_kind_of_error_has_words_for_a_person():
    assert KINDS.keys() == {SHOWN.get(kind, kind) for kind in COSTS}
