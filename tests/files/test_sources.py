"""Which files inputs name, in which form, and what they are called."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from textgen.errors import DataError, UsageError
from textgen.files import sources
from textgen.files.formats.registry import OWN
from textgen.files.sources import find_sources, path_kind
from textgen.text.names import printable

TEXT = "今天天气很好，我们去公园吧。\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(TEXT, encoding="utf-8")


def paths(*inputs: str) -> list[str]:
    return [str(source.path) for source in find_sources(inputs, lines=False)]


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


FORMS = [(f"a{end}", name) for name, one in OWN.items() if not one.binary for end in one.endings]
FORMS += [("a.log", "text"), ("a", "text"), ("新闻.2026.TSV", "tsv")]


@pytest.mark.parametrize("archive", ["", ".gz", ".xz", ".GZ"], ids=["plain", "gz", "xz", "GZ"])
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_the_ending_tells_the_form(name: str, form: str, archive: str) -> None:
    make(name + archive)
    (source,) = find_sources([name + archive], lines=False)
    assert (source.format.name, source.label, source.problem) == (form, name + archive, None)
    (source,) = find_sources([name + archive], lines=True)
    assert source.format.name == ("lines" if form == "text" else form)


def test_parquet_is_a_form_but_not_packed() -> None:
    make("a.parquet", "b.parquet.gz")
    assert find_sources(["a.parquet"], lines=True)[0].format.name == "parquet"
    with pytest.raises(
        UsageError, match=r"^b\.parquet\.gz: a packed parquet file cannot be read \("
    ) as caught:
        find_sources(["b.parquet.gz"], lines=False)
    assert caught.value.hint == "unpack it"


@pytest.mark.parametrize("name", ["a.json", "a.JSON", "a.json.gz"])
def test_json_is_read_where_it_is_named_or_matched(name: str) -> None:
    make(name, "a.jsonl", "out.jsonl.manifest.json")
    assert find_sources([name], lines=True)[0].format.name == "jsonl"
    assert paths("*.[jJ][sS]*") == [name, "a.jsonl"] or name.endswith(".gz")
    assert paths(".") == ["a.jsonl"]


def test_archives_are_opened_unpacked_and_raw() -> None:
    for name, packed in (
        ("a.txt", TEXT.encode()),
        ("a.txt.gz", gzip.compress(TEXT.encode())),
        ("a.txt.xz", lzma.compress(TEXT.encode())),
    ):
        Path(name).write_bytes(packed)
        (source,) = find_sources([name], lines=False)
        with source.open() as file, source.open_raw() as raw:
            assert file.read() == TEXT.encode()
            assert raw.read() == packed


def test_a_folder_gives_its_files_by_name_and_only_those_it_knows() -> None:
    make("in/b.txt", "in/a.jsonl", "in/c.csv.gz", "in/A.md", "in/x.json", "in/y.png", "in/z", "in/w.gz")
    make("in/deeper/d.txt", "in/folder.txt/e.txt")
    assert paths("in") == paths("in/") == ["in/A.md", "in/a.jsonl", "in/b.txt", "in/c.csv.gz"]


def test_a_pattern_gives_the_files_that_match_by_name() -> None:
    make("in/b.txt", "in/a.txt", "in/c.jsonl", "in/deep/er/d.txt", "in/e.txt/f.csv", "one.txt")
    assert paths("in/*.txt") == ["in/a.txt", "in/b.txt"]
    assert paths("in/[bc].*") == ["in/b.txt", "in/c.jsonl"]
    assert paths("in/?.jsonl") == ["in/c.jsonl"]
    assert paths("**/*.txt") == ["in/a.txt", "in/b.txt", "in/deep/er/d.txt", "one.txt"]
    assert paths(str(Path.cwd() / "in" / "**" / "d.txt")) == [str(Path.cwd() / "in/deep/er/d.txt")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    make("a[1].txt", "a1.txt")
    assert paths("a[1].txt") == ["a[1].txt"]


def test_a_pattern_without_a_match_is_refused() -> None:
    make("in/a.txt")
    with pytest.raises(UsageError, match=r"^no file matches in/\*\.csv \(") as caught:
        paths("in/a.txt", "in/*.csv")
    assert caught.value.hint


def test_the_order_is_that_of_the_inputs() -> None:
    make("b.txt", "a.txt", "in/d.txt", "in/c.txt")
    assert paths("b.txt", "in", "a.txt") == ["b.txt", "in/c.txt", "in/d.txt", "a.txt"]


def test_files_of_one_name_are_called_by_their_paths() -> None:
    make("x/a.txt", "y/a.txt", "y/b.txt")
    found = find_sources(["x", "y"], lines=False)
    assert [source.label for source in found] == ["x/a.txt", "y/a.txt", "b.txt"]
    assert [source.name for source in found] == ["x/a.txt", "y/a.txt", "y/b.txt"]


def test_a_name_that_cannot_be_written_is_escaped() -> None:
    assert printable("新闻\udcff.txt") == "新闻\\udcff.txt"
    make("新闻\udcff.txt")
    (source,) = find_sources(["新闻\udcff.txt"], lines=False)
    assert source.label == "新闻\\udcff.txt"


def test_an_empty_folder_alone_is_an_error_and_among_others_a_problem() -> None:
    make("a.txt", "empty/x.png", "b.txt")
    with pytest.raises(DataError, match=r"^no texts in the folder empty \(") as caught:
        find_sources(["empty"], lines=False)
    assert caught.value.hint
    assert ".parquet" in caught.value.hint
    found = find_sources(["a.txt", "empty", "b.txt"], lines=False)
    assert [source.label for source in found] == ["a.txt", "empty", "b.txt"]
    assert [source.problem is None for source in found] == [True, False, True]
    assert "no texts in the folder" in str(found[1].problem)


def test_a_path_that_is_not_there_is_refused() -> None:
    make("a.txt")
    with pytest.raises(UsageError, match=r"^no such file: b\.txt \(") as caught:
        find_sources(["a.txt", "b.txt"], lines=False)
    assert caught.value.hint
    with pytest.raises(UsageError) as caught:
        path_kind("今天天气很好" * 1000)
    assert len(caught.value.message) < 100
    assert (path_kind("a.txt"), path_kind(".")) == ("file", "folder")


@pytest.mark.parametrize("in_memory", [8, 1 << 20], ids=["on-disk", "in-memory"])
def test_stdin_is_read_as_often_as_one_likes_and_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(sources, "IN_MEMORY", in_memory)
    data = "".join(f"第{number}行\n" for number in range(5000)).encode()
    pipe(monkeypatch, data)
    (source,) = find_sources(["-"], lines=True)
    assert (source.format.name, source.label, source.name) == ("lines", "stdin", "stdin")
    with source.open() as one, source.open() as two, source.open_raw() as three:
        assert list(zip(one, two, strict=True)) == [(line, line) for line in data.splitlines(True)]
        assert three.read() == data
    with source.open() as again:
        assert again.read() == data


def test_stdin_among_files_stays_where_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.jsonl")
    pipe(monkeypatch, TEXT.encode())
    found = find_sources(["a.jsonl", "-"], lines=False)
    assert [(source.label, source.format.name) for source in found] == [
        ("a.jsonl", "jsonl"),
        ("stdin", "text"),
    ]


def test_a_stdin_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="stdin is closed"):
        find_sources(["-"], lines=False)


ROW = '{"text": "今天天气很好"}\n'
JSON = [
    (ROW * 2, "JSON lines"),
    ('{ "text": "春" }\r\n' * 2, "JSON lines"),
    ("\ufeff\ufeff\n" + ROW, "JSON lines"),
    ('[{"text": "春"},\n {"text": "夏"}]', "JSON"),
    ('{\n  "标题": "春"\n}', "JSON"),
]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.log", "a.dat", "a", "a.txt.gz", "-"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_json_is_not_taken_for_text(name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called = "stdin" if name == "-" else name
    for text, held in JSON:
        data = text.removeprefix("\ufeff\ufeff" if encoding == "gb18030" else "").encode(encoding)
        Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        for lines in (True, False):
            pipe(monkeypatch, data)
            with pytest.raises(UsageError, match=f"^{called} holds {held}, it seems"):
                find_sources([name], lines=lines)
            pipe(monkeypatch, data)
            assert find_sources([name], lines=lines, format="text")[0].problem is None


def test_json_among_other_inputs_is_the_problem_of_its_file() -> None:
    make("a.txt", "c.txt")
    Path("b.txt").write_text(ROW, encoding="utf-8")
    found = find_sources(["a.txt", "b.txt", "c.txt"], lines=False)
    assert [str(source.problem and source.problem.message) for source in found] == [
        "None",
        "b.txt holds JSON lines, it seems",
        "None",
    ]


@pytest.mark.parametrize(
    "begin", ["[本报讯]", "{公告}", '{"春天"}来了', '["春天", "夏天"]', "[{}]", "{", "[1]", '"text": "']
)
def test_a_text_may_begin_with_a_bracket(begin: str) -> None:
    Path("a.txt").write_text(begin + TEXT, encoding="utf-8")
    assert find_sources(["a.txt"], lines=False)[0].problem is None
