"""`textgen eval` on the command line: tables, JSON, comparison, and what it says of mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
TITLES = {
    "1": "全县秋粮收获进度超六成",
    "b": "首条跨海地铁线路试运行",
    "c": "女排联赛海燕队四连胜",
    "d": "图书馆开放",
}
PREDICTED = {
    "1": "全县秋粮收获超六成",
    "b": "跨海地铁线路开始试运行",
    "c": "海燕队取得四连胜",
    "d": "图书馆延长开放",
}
OTHER = {"1": "秋粮收获", "b": "地铁试运行", "c": "女排联赛", "d": "图书馆"}


def records(path: Path, texts: dict[str, str | None]) -> Path:
    rows = (
        {
            "id": name,
            "candidates": [{"text": text}, {"text": "无关"}] if text is not None else [],
            "error": None if text is not None else "the text is empty",
        }
        for name, text in texts.items()
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """pred.jsonl, other.jsonl and ref.jsonl in the working directory."""
    monkeypatch.chdir(tmp_path)
    records(tmp_path / "pred.jsonl", PREDICTED)
    records(tmp_path / "other.jsonl", OTHER)
    rows = [{"title": TITLES["1"], "text": "秋粮收获超六成", "keywords": ["秋粮", "进度"], "head": "秋收"}]
    rows += [
        {"id": name, "title": TITLES[name], "text": title} for name, title in PREDICTED.items() if name != "1"
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "ref.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def found(call, *args: object) -> dict:
    code, out, err = call("eval", *args, "--json")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    return json.loads(out)


def test_json_is_one_object_with_the_intervals_last(call, files):
    report = found(call, "pred.jsonl", "--reference", "ref.jsonl")
    assert list(report)[:6] == ["rows", "missing", "errors", "rouge-1", "rouge-2", "rouge-l"]
    assert list(report)[-1] == "ci"
    assert (report["rows"], report["missing"], report["errors"]) == (4, 0, 0)
    assert report["copied"] == round(100 * 33 / 35, 2)
    assert report["keyword-coverage"] == 50
    assert report["length-ratio"] == round(100 * 35 / 37, 2)
    assert report["rouge-variant"] == "google"
    for name, (low, high) in report["ci"].items():
        assert low <= report[name] <= high
    assert report == found(call, "pred.jsonl", "--reference", "ref.jsonl")


def test_the_figures_are_those_of_the_library(call, files):
    from textgen.metrics.overlap import mean_rouge

    report = found(call, "pred.jsonl", "--reference", "ref.jsonl")
    score = mean_rouge(list(PREDICTED.values()), list(TITLES.values()))
    expected = [round(100 * value, 2) for value in (score.rouge1, score.rouge2, score.rougeL)]
    assert [report[f"rouge-{kind}"] for kind in "12l"] == expected


def test_the_table_says_the_same(call, files):
    report = found(call, "pred.jsonl", "--reference", "ref.jsonl")
    code, out, err = call("eval", "pred.jsonl", "--reference", "ref.jsonl")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["rows", "4"] in lines
    low, high = report["ci"]["rouge-l"]
    assert ["rouge-l", f"{report['rouge-l']:.2f}", f"[{low:.2f},", f"{high:.2f}]"] in lines
    assert "difference" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_against_another_system(call, files):
    args = ("pred.jsonl", "--reference", "ref.jsonl")
    ours = found(call, *args)
    theirs = found(call, "other.jsonl", "--reference", "ref.jsonl")
    report = found(call, *args, "--against", "other.jsonl")
    assert list(report)[-2:] == ["against", "ci"]
    for name, compared in report["against"].items():
        assert compared["difference"] == pytest.approx(ours[name] - theirs[name], abs=0.011)
        assert compared["low"] <= compared["difference"] <= compared["high"]
        assert 0 < compared["p"] <= 1
    assert report["against"]["rouge-1"]["low"] > 0
    assert report["few-rows"].startswith("fewer than 20 rows")
    opposite = found(call, "other.jsonl", "--reference", "ref.jsonl", "--against", "pred.jsonl")
    assert opposite["against"]["bleu"]["difference"] == -report["against"]["bleu"]["difference"]
    _, out, _ = call("eval", *args, "--against", "other.jsonl")
    line = next(line.split() for line in out.splitlines() if line.startswith("bleu"))
    assert line[4] == f"{report['against']['bleu']['difference']:+.2f}"
    assert line[-1] == f"{report['against']['bleu']['p']:.4f}"


def test_without_reference(call, files):
    report = found(call, "pred.jsonl", "--against", "other.jsonl")
    names = ["distinct-1", "distinct-2", "self-bleu", "repetition"]
    assert list(report) == ["rows", "missing", "errors", *names, "few-rows", "compared", "against", "ci"]


def test_what_is_missing_is_counted_and_told(call, files):
    records(files / "pred.jsonl", {"1": PREDICTED["1"], "c": None})
    args = ("eval", "pred.jsonl", "--reference", "ref.jsonl", "--against", "other.jsonl", "--json")
    code, out, err = call(*args)
    report = json.loads(out)
    assert code == 0
    assert (report["rows"], report["missing"], report["errors"], report["compared"]) == (4, 2, 1, 2)
    assert report["rouge-1"] == round(100 * 18 / 20 / 4, 2)
    assert [line.split(":")[0] for line in err.splitlines()] == ["warning"] * 3
    assert "2 of 4 rows of the reference have no prediction" in err
    assert "warning: 1 prediction is an error; it counts as an empty text\n" in err
    assert "compared on 2 of 4 rows" in err
    assert call(*args, "-q") == (0, out, "")


def test_the_variants_of_rouge(call, files):
    records(files / "pred.jsonl", {"1": "天天GPT"})
    (files / "ref.jsonl").write_text('{"title": "天gpt"}\n', encoding="utf-8")
    args = ("pred.jsonl", "--reference", "ref.jsonl")
    plain = found(call, *args)
    other = found(call, *args, "--rouge-variant", "set")
    words = found(call, *args, "--rouge-variant", "set", "--segment", "jieba")
    assert (plain["rouge-1"], plain["rouge-l"]) == (22.22, 22.22)
    assert (other["rouge-1"], other["rouge-l"]) == (88.89, 100)
    assert (words["rouge-1"], words["segment"]) == (50, "jieba")
    assert plain["ci"] == {}


def test_fields_and_a_csv_reference(call, files):
    lines = [
        "id,head,body,words",
        '1,"全县,秋粮",秋粮收获,秋粮、全县',
        "b,地铁,地铁,地铁",
        "c,女排,女排,",
        "d,馆,,甲",
    ]
    (files / "ref.csv").write_text("\n".join(lines), encoding="gbk")
    fields = ("--reference-field", "head", "--source-field", "body", "--keywords-field", "words")
    report = found(call, "pred.jsonl", "--reference", "ref.csv", *fields)
    assert report["keyword-coverage"] == 75
    assert report["copied"] == round(100 * (4 + 2 + 0 + 0) / 35, 2)


def test_records_that_are_packed_or_a_table(call, files):
    import gzip

    plain = (files / "pred.jsonl").read_bytes()
    (files / "pred.jsonl.gz").write_bytes(gzip.compress(plain))
    rows = ["id,candidate,text,error", *(f"{name},1,{text}," for name, text in PREDICTED.items())]
    (files / "pred.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    report = found(call, "pred.jsonl", "--reference", "ref.jsonl")
    for name in ("pred.jsonl.gz", "pred.csv"):
        assert found(call, name, "--reference", "ref.jsonl", "--against", name).items() >= report.items()


def test_a_config_file_gives_options(call, files):
    Path("run.toml").write_text(
        'seed = 3\n[eval]\nreference = "ref.jsonl"\nrouge-variant = "set"\n', encoding="utf-8"
    )
    from_file = found(call, "pred.jsonl", "--config", "run.toml")
    assert from_file == found(
        call, "pred.jsonl", "--reference", "ref.jsonl", "--rouge-variant", "set", "--seed", 3
    )
    assert from_file["ci"] != found(call, "pred.jsonl", "--reference", "ref.jsonl")["ci"]
    flag_wins = found(call, "pred.jsonl", "--config", "run.toml", "--rouge-variant", "google")
    assert flag_wins["rouge-variant"] == "google"


def test_models_judge_when_asked(call, files, monkeypatch, gpt2_model, bert_model):
    # whoever imports the function while it is replaced would keep the replacement
    import textgen.backends.base  # noqa: F401

    models = {"gpt2": gpt2_model, "bert": bert_model}  # loaded already
    monkeypatch.setattr("textgen.store.load.load_model", lambda found: models[found.name])
    report = found(call, "pred.jsonl", "--lm", "gpt2", "--mlm", "bert", "--against", "other.jsonl")
    assert 3 < report["bits-per-char"] < 12
    assert 2 < report["pseudo-perplexity"] < 2000
    low, high = report["ci"]["bits-per-char"]
    assert low < report["bits-per-char"] < high
    other = found(call, "other.jsonl", "--lm", "gpt2")
    expected = report["bits-per-char"] - other["bits-per-char"]
    assert report["against"]["bits-per-char"]["difference"] == pytest.approx(expected, abs=0.011)
    assert "pseudo-perplexity" not in other


def test_the_titles_of_the_samples(call, tmp_path):
    """Records of our own find the rows they were made of, also where those have no ids."""
    rows = [
        json.loads(line) for line in (SAMPLES / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    source = tmp_path / "no_ids.jsonl"
    text = "\n\n".join(json.dumps({"title": row["title"], "text": row["text"]}) for row in rows[:2])
    source.write_text(text, encoding="utf-8")
    out = tmp_path / "pred.jsonl"
    fast = ("--decode", "greedy", "--max-new-tokens", "8")
    assert call("title", source, "-o", out, "-q", *fast)[0] == 0
    report = found(call, out, "--reference", source)
    assert (report["rows"], report["missing"], report["errors"]) == (2, 0, 0)
    assert report["copied"] > 50


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], 2, ["PRED.jsonl"]),
        (["none.jsonl"], 2, ["no such file: none.jsonl"]),
        (["pred.jsonl", "--reference", "none.jsonl"], 2, ["no such file: none.jsonl"]),
        (["pred.jsonl", "--against", "none.jsonl"], 2, ["no such file: none.jsonl"]),
        (["pred.jsonl", "--reference", "."], 2, [". is a folder"]),
        (["ref.jsonl"], 2, ["no field 'candidates'", "run_batch"]),
        (
            ["pred.jsonl", "--reference", "ref.jsonl", "--reference-field", "headline"],
            2,
            ["'headline'", "head"],
        ),
        (
            ["pred.jsonl", "--reference", "ref.jsonl", "--source-field", "body"],
            2,
            ["'body'", "--source-field"],
        ),
        (["pred.jsonl", "--reference", "ref.jsonl", "--keywords-field", "k"], 2, ["'k'", "--keywords-field"]),
        (
            ["pred.jsonl", "--reference", "ref.jsonl", "--rouge-variant", "f1"],
            2,
            ["--rouge-variant f1", "set"],
        ),
        (["pred.jsonl", "--reference", "ref.jsonl", "--segment", "words"], 2, ["--segment words", "jieba"]),
        (["pred.jsonl", "--segment", "jieba"], 2, ["--segment needs a reference"]),
        (["pred.jsonl", "--reference-field", "head"], 2, ["--reference-field needs a reference"]),
        (["pred.jsonl", "--reference", "short.jsonl"], 2, ["pred.jsonl", "lacks 3 of 4 ids", "'b'"]),
        (
            ["pred.jsonl", "--reference", "ref.jsonl", "--against", "strange.jsonl"],
            2,
            ["strange.jsonl", "1 of 1"],
        ),
        (["pred.jsonl", "--against", "strange.jsonl"], 2, ["no id in common"]),
        (["pred.jsonl", "--seed", "-1"], 2, ["--seed -1"]),
        (["pred.jsonl", "--lm", "bert"], 2, ["bert is a bert model", "--lm"]),
        (["pred.jsonl", "--mlm", "title"], 2, ["title is a title model", "--mlm"]),
        (["pred.jsonl", "--lm", "gpt"], 2, ["no model gpt"]),
        (["pred.jsonl", "--config", "wrong.toml"], 2, [": beams does not apply to eval"]),
        (["pred.jsonl", "--config", "wrong2.toml"], 2, [": segment 3: should be"]),
        (["empty.jsonl"], 1, ["empty"]),
        (["torn.jsonl"], 1, ["torn.jsonl: line 2 is not JSON"]),
        (["failed.jsonl"], 1, ["failed.jsonl has only error records"]),
        (["twice.jsonl"], 1, ["two rows with the id '1'"]),
        (["pred.jsonl", "--reference", "torn.jsonl"], 2, ["torn.jsonl has no field 'title'"]),
        (["pred.jsonl", "--reference", "pred.jsonl", "--reference-field", "id"], 0, []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_with_a_hint(call, files, args, code, words):
    good = records(files / "twice.jsonl", {"1": "甲"}).read_text(encoding="utf-8")
    (files / "twice.jsonl").write_text(good * 2, encoding="utf-8")
    (files / "torn.jsonl").write_text(good + '{"id": "b", "cand', encoding="utf-8")
    (files / "short.jsonl").write_text('{"title": "题"}\n', encoding="utf-8")
    records(files / "failed.jsonl", {"1": None, "b": None})
    records(files / "strange.jsonl", {"z": "甲"})
    (files / "empty.jsonl").touch()
    (files / "wrong.toml").write_text("beams = 4\n", encoding="utf-8")
    (files / "wrong2.toml").write_text('[eval]\nreference = "ref.jsonl"\nsegment = 3\n', encoding="utf-8")
    found_code, out, err = call("eval", *args)
    assert found_code == code, err
    if code:
        assert out == ""
        [line] = err.splitlines()
        assert line.startswith("error: ")
        assert line.endswith(")"), "no hint"
        assert all(word in line for word in words), line


def run_python(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


def test_help_and_what_title_needs_load_nothing_heavy(files):
    script = (
        "import sys; from textgen.cli.main import run\n"
        "codes = [run(['eval', '--help']), run(['--help'])]\n"
        "import textgen.metrics.copying, textgen.metrics.overlap\n"
        "heavy = {'torch', 'transformers', 'numpy', 'sacrebleu', 'jieba'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or any(codes) else 0)"
    )
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    assert "--rouge-variant" in done.stdout


def test_without_network_and_with_no_noise(files, tmp_path):
    """A process of its own: sockets refuse, the home is read-only, and jieba and sacrebleu say nothing."""
    script = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise OSError('no network in this test')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from textgen.cli.main import run\n"
        "code = run(['eval', 'pred.jsonl', '--reference', 'ref.jsonl', '--segment', 'jieba', '--json'])\n"
        "sys.exit(code or 'transformers' in sys.modules)"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = run_python(script, HOME=str(home))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["segment"] == "jieba"
    assert list(home.iterdir()) == []


def test_one_missing_row_is_told_in_the_singular(call, files):
    records(files / "pred.jsonl", {name: PREDICTED[name] for name in list(PREDICTED)[1:]})
    _, _, err = call("eval", "pred.jsonl", "--reference", "ref.jsonl")
    assert "1 of 4 rows of the reference has no prediction; it counts as an empty text\n" in err
