"""`textgen title` on real input: what goes to stdout, what to stderr, and the exit codes."""

import io
import json
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
NEWS = SAMPLES / "articles" / "news.txt"
ARTICLE = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"
    "馆方说，新增的时段由志愿者参与服务。"
)
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
FAST = ("--decode", "greedy")


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
def test_force_overwrites(call, tmp_path):
    out_file = tmp_path / "o.jsonl"
    out_file.write_text("old", encoding="utf-8")
    assert call("title", NEWS, "-o", out_file, "--force", *FAST)[0] == 0
    assert json.loads(out_file.read_text(encoding="utf-8"))["id"] == "news.txt"
