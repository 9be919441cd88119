"""What files a command takes for what, as its user sees it; with the shipped title model."""

import gzip
import io
import json
import sys

import pytest

TEXT = "本市图书馆昨天宣布，从下月起延长夜间开放时间。"
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
FAST = ("--decode", "greedy", "--max-new-tokens", "5")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": TEXT}) + "\n", encoding="utf-8")
    return tmp_path


def pipe(monkeypatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


@small
def test_json_lines_in_a_pipe_are_not_taken_for_an_article(call, folder, monkeypatch):
    data = (folder / "in.jsonl").read_bytes()
    pipe(monkeypatch, data)
    code, out, err = call("title", "-", *FAST)
    assert (code, out) == (2, "")
    assert "--format jsonl" in err
    pipe(monkeypatch, data)
    titled = call("title", "-", "--format", "jsonl", *FAST)
    assert titled[0] == 0
    assert titled == call("title", "in.jsonl", *FAST)
    pipe(monkeypatch, data)
    assert "JSON" not in call("title", "-", "--format", "text", *FAST)[2]  # whatever else is said of it


@small
def test_a_pipe_is_read_like_a_file(call, folder, monkeypatch):
    pipe(monkeypatch, f"{TEXT}\n{TEXT}\n".encode("gb18030"))
    code, out, _ = call("title", "-", "--lines", *FAST)
    assert (code, len(out.splitlines())) == (0, 2)


@small
def test_a_table_with_the_ending_of_a_text(call, folder):
    (folder / "表.txt").write_text(f"编号\t正文\n甲\t{TEXT}\n", encoding="utf-16")
    flags = ("--field", "正文", "--id-field", "编号", *FAST)
    code, out, err = call("title", "表.txt", *flags)
    assert (code, out) == (2, "")
    assert "--format tsv" in err
    code, out, _ = call("title", "表.txt", "--format", "tsv", "--json", *flags)
    assert (code, json.loads(out)["id"]) == (0, "甲")


@small
def test_columns_apart_by_semicolons_are_told(call, folder):
    (folder / "s.csv").write_text(f"id;text\n1;{TEXT}\n", encoding="utf-8")
    code, _, err = call("title", "s.csv", *FAST)
    assert code == 0
    assert "note: s.csv: semicolons separate its cells\n" in err
    assert "semicolons" not in call("title", "s.csv", "-q", *FAST)[2]


@small
def test_outputs_of_earlier_runs_are_no_input(call, folder):
    assert call("title", ".", "-o", "out.jsonl", *FAST)[0] == 0
    assert call("title", ".", "-o", "out.jsonl", "--resume", *FAST)[0] == 0
    code, out, _ = call("title", ".", "--json", *FAST)
    assert (code, len(out.splitlines())) == (0, 1)
    assert call("title", "*.jsonl", "-o", "second.csv", *FAST)[0] == 0
    assert call("title", "out.jsonl", *FAST)[0] == 2  # a name means what it names


@small
def test_a_folder_has_parts_of_one_number(call, folder):
    assert call("title", "in.jsonl", "-o", "out/", "--shard", "1/2", *FAST)[0] == 0
    assert call("title", "in.jsonl", "-o", "out/", "--shard", "2/2", *FAST)[0] == 0
    code, _, err = call("title", "in.jsonl", "-o", "out/", *FAST)
    assert code == 2
    assert "a part of another number" in err
    sizes = [(folder / f"out/part-0000{n}-of-00002.jsonl").read_bytes().count(b"\n") for n in (1, 2)]
    assert sorted(sizes) == [0, 1]  # a shard without rows is an empty file


@small
def test_lines_before_the_end_of_a_cut_archive_are_read(call, folder):
    packed = gzip.compress("".join(f"{TEXT}{n}\n" for n in range(200)).encode())
    (folder / "cut.txt.gz").write_bytes(packed[:-40])
    code, out, _ = call("title", "cut.txt.gz", "--lines", "--json", *FAST)
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert len(records) > 1
    assert "cannot be read" in records[-1]["error"]
    assert all(record["error"] is None for record in records[:-1])


@small
def test_hints_on_rows_name_flags_and_leave_the_names_of_files_and_fields(call, folder, monkeypatch):
    """A placeholder in a name is a name; see also the same row in Python, in tests/files."""
    monkeypatch.setattr("textgen.files.rows.LONGEST", 200)
    (folder / "{@force}.txt").write_text(TEXT * 10, encoding="utf-8")
    (folder / "twice.jsonl").write_text('{"{@force}": 1, "{@force}": 2}\n', encoding="utf-8")
    code, _, err = call("title", "{@force}.txt", "twice.jsonl", *FAST)
    assert code == 1
    assert "{@force}.txt is too long for one text: more than 200 bytes (--lines takes a line" in err
    assert "line 1: two fields are called {@force} (rename" in err


@small
def test_hints_on_rows_that_go_on_keep_their_flags(call, folder, monkeypatch):
    monkeypatch.setattr("textgen.files.rows.LONGEST", 200)
    (folder / "long.txt").write_text(TEXT * 10, encoding="utf-8")
    code, _, err = call("title", "long.txt", "-o", "out.jsonl", "--strict", *FAST)
    assert code == 1
    assert "long.txt is too long for one text: more than 200 bytes (--lines takes a line" in err
    assert err.rstrip().endswith("(--strict stops here; without it --resume goes on)")


@small
def test_an_error_of_a_file_names_it_once(call, folder):
    (folder / "empty.txt").touch()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    code, _, err = call("title", "empty.txt", "a.txt", *FAST)
    assert code == 3
    assert [line for line in err.splitlines() if "empty.txt" in line] == [
        "error: empty.txt is empty (it needs at least one line)"
    ]
