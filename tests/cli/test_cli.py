"""The command line on real input: what goes to stdout, what to stderr, and the exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from textgen.backends.gpt2 import Gpt2Backend
from textgen.cli.main import run

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
NEWS = SAMPLES / "articles" / "news.txt"
ARTICLE = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"
    "馆方说，新增的时段由志愿者参与服务。"
)
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
FAST = ("--decode", "greedy")


def refused(result: tuple[int, str, str], code: int, *words: str) -> None:
    """One clear line with a hint, nothing on stdout, the right exit code."""
    assert result[0] == code, result
    assert result[1] == ""
    lines = result[2].splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert lines[0].endswith(")"), "no hint"
    assert "Traceback" not in result[2]
    for word in words:
        assert word in lines[0]


def test_one_article_prints_its_titles_best_first(call):
    args = ("title", NEWS, "-n", 3, "--decode", "beam")
    code, out, err = call(*args)
    assert code == 0
    assert err == ""
    titles = out.splitlines()
    assert len(titles) == 3 == len(set(titles))
    code, out, _ = call(*args, "--json")
    record = json.loads(out)
    assert [candidate["text"] for candidate in record["candidates"]] == titles
    order = [("flags" in candidate, -candidate["score"]) for candidate in record["candidates"]]
    assert order == sorted(order)
    assert list(record) == ["id", "input_tokens", "used_tokens", "candidates", "model", "seed", "error"]
    assert record["seed"] is None
    assert record["id"] == "news.txt"
    assert record["candidates"][0]["score_kind"] == "mean_logprob"
    first = record["candidates"][0]
    assert first["score"] == pytest.approx(first["logprob"] / first["tokens"], abs=1e-4)


@small
def test_several_articles_print_name_tab_title(call):
    code, out, _ = call("title", SAMPLES / "articles", *FAST, "-q")
    assert code == 0
    names = [line.split("\t")[0] for line in out.splitlines()]
    assert names == sorted(path.name for path in (SAMPLES / "articles").iterdir())
    assert all(len(line.split("\t")) == 2 and line.split("\t")[1] for line in out.splitlines())


@small
@pytest.mark.parametrize("name", ["articles.jsonl", "articles.csv"])
def test_tables_write_records_in_input_order(call, tmp_path, name):
    out_file = tmp_path / "out.jsonl"
    code, out, err = call("title", SAMPLES / name, "-o", out_file, *FAST)
    assert (code, out) == (0, "")
    assert "wrote" in err
    records = [json.loads(line) for line in out_file.read_text(encoding="utf-8").splitlines()]
    prefix = "a" if name.endswith("jsonl") else "c"
    assert [record["id"] for record in records] == [f"{prefix}{n:02}" for n in range(1, len(records) + 1)]
    assert all(record["error"] is None for record in records)


@small
def test_stdin_is_an_article(call, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ARTICLE.encode("gb18030"))))
    from_stdin = call("title", "-", *FAST)
    assert from_stdin[0] == 0
    assert from_stdin[1].strip()


@small
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_every_encoding_gives_the_same_title(call, tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    expected = call("title", path, *FAST)
    assert expected[0] == 0
    path.write_bytes(ARTICLE.encode(encoding))
    assert call("title", path, *FAST) == expected  # and no more is told


@small
def test_big5_article_is_read_right(call, tmp_path):
    path = tmp_path / "a.txt"
    text = "國立圖書館昨天宣布，從下月起延長夜間開放時間，讀者可以借閱到晚上十點。"
    path.write_text(text, encoding="utf-8")
    expected = call("title", path, *FAST)
    assert expected[0] == 0
    path.write_bytes(text.encode("big5"))
    assert call("title", path, *FAST) == expected  # and no more is told


@small
def test_indents_do_not_change_the_title(call, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    expected = call("title", path, *FAST)[:2]
    assert expected[0] == 0
    path.write_text("\r\n\u3000\u3000" + ARTICLE + "  \r\n\r\n\r\n", encoding="utf-8")
    assert call("title", path, *FAST)[:2] == expected


@small
def test_first_line_is_skipped_when_asked(call, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    expected = call("title", path, *FAST)[:2]
    assert expected[0] == 0
    path.write_text("完全无关的一行标题\n" + ARTICLE, encoding="utf-8")
    assert call("title", path, "--skip-first-line", *FAST)[:2] == expected


@small
@pytest.mark.parametrize("how", ["head", "head-tail", "lead", "chunk"])
def test_long_articles_say_what_was_used(call, how):
    code, out, err = call("title", SAMPLES / "articles" / "tech.txt", "--long", how, "--json", *FAST)
    record = json.loads(out)
    assert code == 0
    assert record["input_tokens"] > 1200
    if how == "chunk":
        assert record["used_tokens"] == record["input_tokens"]
        assert "used" not in err
    else:
        assert 300 < record["used_tokens"] <= 460
        assert f"used {record['used_tokens']:,} of {record['input_tokens']:,} tokens" in err


def test_right_to_left_reads_forward(call):
    code, out, _ = call("title", NEWS, "--direction", "r2l", *FAST)
    assert code == 0
    assert len(set(out.strip()) & set(NEWS.read_text(encoding="utf-8"))) >= len(set(out.strip())) / 2


@small
def test_a_config_file_gives_options_and_flags_win(call, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('max-new-tokens = 12\n[title]\ndecode = "greedy"\n', encoding="utf-8")
    short = (*FAST, "--max-new-tokens", 12)
    assert call("title", NEWS, "--config", config) == call("title", NEWS, *short)
    config.write_text('[title]\ndecode = "sample"\nmax_new_tokens = 12\n', encoding="utf-8")
    code, out, _ = call("title", NEWS, "--config", config, "--decode", "greedy")
    assert (code, out) == (0, call("title", NEWS, *short)[1])


@small
def test_samples_repeat_with_their_seed_and_tell_a_fresh_one(call):
    code, first, err = call("sample", "春天来了", "--max-new-tokens", 8)
    assert code == 0
    seed = int(err.split("seed ")[1].split()[0])
    again = call("sample", "春天来了", "--max-new-tokens", 8, "--seed", seed)
    assert again[:2] == (0, first)
    assert "seed" not in again[2]
    assert first.startswith("春天来了")


@small
def test_the_first_samples_do_not_depend_on_how_many_there_are(call):
    two = call("sample", "春天", "--seed", 3, "-n", 2, "--max-new-tokens", 8)[1].split("\n\n")
    four = call("sample", "春天", "--seed", 3, "-n", 4, "--max-new-tokens", 8)[1].split("\n\n")
    assert len(set(four)) == 4
    assert [text.strip() for text in four[:2]] == [text.strip() for text in two]


@small
def test_streamed_text_is_the_text(call):
    args = ("sample", "今天早上", "--seed", 11, "--max-new-tokens", 16)
    assert call(*args, "--stream") == call(*args)
    args = (*args, "--end-at", "sentence", "-n", 2)
    assert call(*args, "--stream") == call(*args)


@small
def test_end_at_sentence(call):
    code, out, _ = call(
        "sample", "今天", "--seed", 2, "--max-new-tokens", 20, "--end-at", "sentence", "--json"
    )
    candidate = json.loads(out)["candidates"][0]
    assert code == 0
    assert candidate["finish_reason"] in ("sentence", "stop")
    if candidate["finish_reason"] == "sentence":
        assert candidate["text"].rstrip("”’」』）)】》〉\"'")[-1] in "。！？!?…"


@small
def test_prompts_from_a_file(call, tmp_path):
    out_file = tmp_path / "o.jsonl"
    args = ("sample", "-i", SAMPLES / "prompts.txt", "--seed", 1, "--max-new-tokens", 4)
    code, _, _ = call(*args, "-o", out_file)
    records = [json.loads(line) for line in out_file.read_text(encoding="utf-8").splitlines()]
    prompts = (SAMPLES / "prompts.txt").read_text(encoding="utf-8").split("\n")
    assert code == 0
    assert [record["prompt"] for record in records] == [prompt for prompt in prompts if prompt]
    assert all(r["candidates"][0]["text"].startswith(r["prompt"]) for r in records)
    # shuffled, and each with other neighbours: the same texts
    shuffled = tmp_path / "p.txt"
    shuffled.write_text("\n".join(reversed(prompts)), encoding="utf-8")
    args = ("sample", "-i", shuffled, "--seed", 1, "--max-new-tokens", 4, "--batch-size", 2, "--json")
    again = [json.loads(line) for line in call(*args)[1].splitlines()]
    assert {r["prompt"]: r["candidates"] for r in again} == {r["prompt"]: r["candidates"] for r in records}


@small
def test_gibbs_samples_have_the_length_asked_for(call):
    code, out, _ = call(
        "sample", "--model", "bert", "--length", "6-9", "--sweeps", 3, "-n", 3, "--seed", 5, "--json"
    )
    candidates = json.loads(out)["candidates"]
    assert code == 0
    assert len(candidates) == 3
    assert all(6 <= candidate["tokens"] <= 9 for candidate in candidates)
    assert {candidate["score_kind"] for candidate in candidates} == {"mean_pseudo_logprob"}
    assert all(" " not in candidate["text"] and "\n" not in candidate["text"] for candidate in candidates)


@small
def test_gibbs_starts_from_a_sentence(call):
    sentence = "今天天气很好😀。"
    code, out, _ = call("sample", sentence, "--model", "bert", "--sweeps", 2, "--seed", 5, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["prompt"] == sentence
    assert "😀" in record["candidates"][0]["text"], "bytes of one character are not resampled apart"


@small
def test_chains_are_told_in_records(call):
    args = ("sample", "今天天气很好。", "--model", "bert", "--sweeps", 4, "--seed", 5, "--json")
    chains = ("--method", "mh", "--energy", "local", "--scan", "block", "--block", 2, "--chains", 2, "-n", 3)
    code, out, _ = call(*args, *chains, "--keep", "天气", "--keep", "。", "--thin", 1, "--burn-in", 2)
    assert code == 0
    candidates = json.loads(out)["candidates"]
    assert [(c["chain"]["chain"], c["chain"]["step"]) for c in candidates] == [(0, 4), (1, 4), (0, 3)]
    for candidate in candidates:
        assert "天气" in candidate["text"]
        assert candidate["text"].endswith("。")
        assert candidate["chain"]["kind"] == "sample"
        assert candidate["chain"]["log_target"] < 0
        assert set(candidate["chain"]["acceptance"]) == {"block"}


@small
def test_a_search_is_called_one(call):
    args = ("sample", "--model", "bert", "--length", 5, "--sweeps", 3, "--seed", 5, "--json")
    code, out, _ = call(*args, "--method", "anneal", "--anneal", "1:0.2:geometric", "--top-k", 50)
    assert code == 0
    assert json.loads(out)["candidates"][0]["chain"]["kind"] == "search"


@small
def test_a_bad_row_becomes_an_error_record(call, tmp_path):
    rows = [
        json.dumps({"id": "good", "text": ARTICLE}, ensure_ascii=False),
        "{broken",
        json.dumps({"id": 7}),
        json.dumps({"id": "empty", "text": " \u3000"}),
        json.dumps(["no object"]),
        json.dumps({"text": 5}),
        '{"id": "lone", "text": "\\ud800"}',
        json.dumps({"text": ARTICLE}, ensure_ascii=False),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    code, out, err = call("title", path, "--json", *FAST)
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [record["id"] for record in records] == ["good", "2", "7", "empty", "5", "6", "lone", "8"]
    assert [record["error"] is None for record in records] == [True] + [False] * 6 + [True]
    assert "line 2" in records[1]["error"]
    assert "line 3" in records[2]["error"]
    assert records[0]["candidates"] == records[7]["candidates"]
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 6


@small
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["title", "nowhere.txt"], 2, ["no such file: nowhere.txt"]),
        (["title", "folder"], 1, ["no texts in the folder folder"]),
        (["title", "empty.txt"], 1, ["empty.txt is empty"]),
        (["title", "blank.txt"], 1, ["empty"]),
        (["title", "picture.txt"], 1, ["picture.txt", "not a text file"]),
        (["title", "a.txt", "--model", "./broken"], 1, ["config.json"]),
        (["title", "a.txt", "--model", "titel"], 2, ["no model titel", "did you mean title"]),
        (["title", "a.txt", "--model", "uer/gpt2-chinese"], 2, ["no directory uer/gpt2-chinese", "hub id"]),
        (["title", "a.txt", "--model", "gpt2"], 2, ["gpt2 is a gpt2 model"]),
        (["sample", "--model", "title"], 2, ["title is a title model"]),
        (["title", "a.txt", "--decode", "sample", "--top-p", "2"], 2, ["--top-p 2"]),
        (["title", "a.txt", "--beams", "0"], 2, ["--beams 0"]),
        (["title", "a.txt", "--beams", "two"], 2, ["--beams", "integer"]),
        (["title", "a.txt", "--temperature", "0.5"], 2, ["--temperature needs --decode sample"]),
        (["title", "a.txt", "--decode", "beams"], 2, ["--decode beams", "greedy"]),
        (["title", "a.txt", "--long", "all"], 2, ["--long all"]),
        (["title", "a.txt", "-n", "5", "--beams", "3"], 2, ["-n 5", "--beams 3"]),
        (["title", "a.txt", "--no-such-flag"], 2, ["--no-such-flag"]),
        (["title", "a.txt", "--config", "none.toml"], 2, ["none.toml"]),
        (["title", "a.txt", "--config", "a.txt"], 2, ["a.txt"]),
        (["title", "a.txt", "-o", "out.doc"], 2, ["out.doc"]),
        (["title", "t.jsonl", "-o", "t.jsonl"], 2, ["also an input"]),
        (["title", "a.txt", "-o", "t.jsonl"], 2, ["t.jsonl exists", "--force"]),
        (["title", "a.txt", "-o", "no/such/out.jsonl"], 2, ["cannot be written"]),
        (["title", "t.jsonl", "--field", "body"], 2, ["no field 'body'", "text"]),
        (["title"], 2, ["INPUT"]),
        (["sample", "--sweeps", "3"], 2, ["--sweeps does not apply to gpt2 models"]),
        (["sample", "--model", "bert", "--top-p", "0.3"], 2, ["--top-p does not apply to bert models"]),
        (["sample", "--model", "bert", "--keyword", "词"], 2, ["--keyword does not apply to bert models"]),
        (["sample", "--method", "mh"], 2, ["--method does not apply to gpt2 models"]),
        (["sample", "--model", "bert", "--energy", "raw"], 2, ["--energy needs --method mh or anneal"]),
        (["sample", "--model", "bert", "--block", "2"], 2, ["--block needs --scan block"]),
        (["sample", "--model", "bert", "--anneal", "1:0.3"], 2, ["--anneal needs --method anneal"]),
        (["sample", "--model", "bert", "--method", "anneal", "--anneal", "0.3:1"], 2, ["rises"]),
        (["sample", "--model", "bert", "--method", "anneal", "--thin", "2"], 2, ["--thin needs"]),
        (["sample", "--model", "bert", "--keep", "词"], 2, ["--keep needs a sentence"]),
        (["sample", " ", "--model", "bert", "--keep", "词"], 2, ["--keep needs a sentence"]),
        (
            ["sample", "--model", "bert", "-n", "9", "--chains", "1", "--sweeps", "6"],
            2,
            ["9 states of each", "record 4"],
        ),
        (
            ["sample", "今天很好", "--model", "bert", "--seed", "1", "--keep", "昨天"],
            1,
            ["昨天 is not in the sentence"],
        ),
        (["sample", "--model", "bert", "--length", "20-10"], 2, ["--length 20-10"]),
        (["sample", "--model", "bert", "--length", "long"], 2, ["--length long"]),
        (["sample", "--model", "bert", "--burn-in", "20"], 2, ["--burn-in 20"]),
        (["sample", "--model", "bert", "--stream"], 2, ["--stream"]),
        (["sample", "今天", "-i", "a.txt"], 2, ["-i"]),
        (["sample", "--stream", "--json"], 2, ["--stream"]),
        (["sample", "--temperature", "0"], 2, ["--temperature 0"]),
        (["models", "info", "bart"], 2, ["no model bart"]),
        (["models", "export", "bert", "folder", "--dtype", "int4"], 2, ["--dtype int4"]),
        (["models", "export", "bert", "full"], 2, ["full is not empty"]),
        (["titel"], 2, ["titel"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_with_a_hint(call, tmp_path, monkeypatch, args, code, words):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "broken", "full"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": ARTICLE}) + "\n", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text(" \n\u3000\n", encoding="utf-8")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x08\x06")
    refused(call(*args), code, *words)


@small
def test_a_seed_sentence_excludes_a_length(call):
    args = ("sample", "今天很好", "--model", "bert", "--length", "5", "--seed", "1")
    refused(call(*args), 2, "--length")


@small
def test_force_overwrites(call, tmp_path):
    out_file = tmp_path / "o.jsonl"
    out_file.write_text("old", encoding="utf-8")
    assert call("title", NEWS, "-o", out_file, "--force", *FAST)[0] == 0
    assert json.loads(out_file.read_text(encoding="utf-8"))["id"] == "news.txt"


def test_models_are_listed_and_described(call):
    code, out, _ = call("models", "list")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["bert", "gpt2", "title"]
    facts = json.loads(call("models", "info", "gpt2", "--json")[1])
    assert (facts["layers"], facts["width"], facts["positions"]) == (8, 512, 1024)


@small
def test_doctor_passes(call):
    code, out, _ = call("doctor", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["tests"] == {f"{name} sameness": True for name in ("title", "gpt2", "bert")}
    assert facts["models"] == ["bert", "gpt2", "title"]


def python(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, check=False, env={**os.environ, **env}, timeout=120
    )


def test_help_loads_neither_torch_nor_transformers():
    script = (
        "import sys; from textgen.cli.main import run\n"
        "codes = [run([*c, '--help']) for c in ([], ['title'], ['sample'], ['models'], ['doctor'])]\n"
        "heavy = {'torch', 'transformers', 'numpy', 'sentencepiece'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or any(codes) else 0)"
    )
    found = python("-c", script)
    assert found.returncode == 0, found.stderr


@small
def test_a_gbk_console_does_not_crash(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="gbk"))
    assert run(["sample", "😀✓", "--seed", "1", "--max-new-tokens", "2"]) == 0
    assert shown.getvalue().decode("utf-8").startswith("😀✓")


def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "textgen", "models", "list"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, error = process.communicate(timeout=120)
    assert error == b""
    assert process.returncode > 0


@small
def test_ctrl_c_ends_with_130(call, monkeypatch):
    monkeypatch.setattr(Gpt2Backend, "compute", lambda *_: signal.raise_signal(signal.SIGINT))
    assert call("sample", "春天", "--seed", "1") == (130, "", "interrupted\n")


def test_version(call):
    import textgen

    assert call("--version") == (0, f"textgen {textgen.__version__}\n", "")
