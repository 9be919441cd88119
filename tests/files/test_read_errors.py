"""What cannot be read: none is lost, each in its place, and an error costs one row."""

from __future__ import annotations

import gzip
import lzma
import re
from pathlib import Path
from typing import Any

import pytest
from input_files import FORMS, lines, read, write

from textgen.errors import DataError, UsageError
from textgen.messages import spelled
from textgen.schema import Row

pytestmark = pytest.mark.usefixtures("in_folder")

CORRUPT = {
    "broken": ('{"text": "半", oops}', "is not JSON"),
    "cut": ('{"text": "半', "is not JSON"),
    "no field": ('{"id": "x", "title": "无"}', "has no field 'text'"),
    "not text": ('{"text": 7}', "'text' is not text"),
    "no object": ('["今天"]', "is not an object with fields"),
    "gbk": ('{"text": "今天天气很好"}'.encode("gbk"), "is not UTF-8"),
    "null": ('{"text": null}', "has nothing in the field 'text'"),
    "keywords": ('{"text": "今天", "keywords": 5}', "keywords must be text"),
    "nuls": ('{"text": "今\0天"}', "is not text"),
}


@pytest.mark.parametrize("kinds", [list(CORRUPT)[:8], list(CORRUPT)], ids=["text", "with-nuls"])
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.xz"])
def test_every_corrupt_line_is_an_error_row_in_its_place(kinds: list[str], ending: str) -> None:
    content: list[Any] = [f'{{"text": "第{number}行"}}' for number in range(300)]
    places = {7 + 31 * index: kind for index, kind in enumerate(kinds)}
    for place, kind in places.items():
        content[place] = CORRUPT[kind][0]
    content[3:3] = ["", "  "]  # blank lines are no rows
    data = Path(lines("a.jsonl", *content)).read_bytes()
    pack: Any = {"jsonl.gz": gzip.compress, "jsonl.xz": lzma.compress}.get(ending, bytes)
    Path(f"b.{ending}").write_bytes(pack(data))
    rows = read(f"b.{ending}")
    assert len(rows) == 300
    assert [index for index, row in enumerate(rows) if row.error] == list(places)
    for index, row in enumerate(rows):
        if index in places:
            assert re.search(rf"\bline {index + 3}\b", row.error or "")
            assert CORRUPT[places[index]][1] in (row.error or "")
            assert "\n" not in (row.error or "")
            assert row.text == ""
        else:
            assert row.text == f"第{index}行"
        assert row.name in (str(index + 1), "x")


def test_an_error_row_keeps_its_id() -> None:
    lines("a.csv", "id,text", "甲,一,多", "乙", "丙,二")
    one, two, three = read("a.csv")
    assert (one.id, one.error) == ("甲", "line 2 has more cells than the header")
    assert (two.id, two.error) == ("乙", "line 3 has nothing in the field 'text'")
    assert three == Row("二", "丙", "丙")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"field": "body"}, "field"),
        ({"keywords_field": "words"}, "keywords_field"),
        ({"id_field": "key"}, "id_field"),
    ],
    ids=["field", "keywords", "id"],
)
def test_a_field_that_the_first_row_lacks_is_refused(form: str, options: dict[str, str], flag: str) -> None:
    write(f"a.{form}")
    (name,) = options.values()
    with pytest.raises(UsageError, match=rf"^the first row of a.{form} has no field '{name}' \(") as caught:
        read(f"a.{form}", **options)
    assert caught.value.hint == f"{flag} one of: id, text, keywords, 备注"
    lines("b.txt", "文")
    with pytest.raises(UsageError):
        read("b.txt", f"a.{form}", **options)


UNREADABLE = {
    "png.jsonl": b"\x89PNG\r\n\x1a\n\x00\x00",
    "empty.csv": b"",
    "header.csv": b"id,text\n",
    "mark.tsv": b"\xef\xbb\xbf",
    "cut.jsonl.gz": gzip.compress(b'{"text": "a"}\n')[:8],
    "unpacked.jsonl.xz": b'{"text": "a"}\n',
    "wrong.parquet": b"PAR1 and nothing more",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_an_error_alone_and_a_row_among_others(name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    Path(name).write_bytes(UNREADABLE[name])
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        read(name)
    assert caught.value.hint
    lines("b.txt", "文")
    first, wrong, last = read("b.txt", name, "b.txt")
    assert first == last == Row("文\n", "b.txt")
    assert (wrong.name, wrong.error) == (name, caught.value.line)


@pytest.mark.parametrize(
    "data", [b"\n\n", b"\xef\xbb\xbf\n", "\u3000\n\u3000\n".encode()], ids=["ascii", "mark", "wide"]
)
def test_a_file_of_blank_lines_is_no_text(data: bytes) -> None:
    Path("a.txt").write_bytes(data)
    (row,) = read("a.txt")
    assert row.error
    with pytest.raises(DataError):
        read("a.txt", lines=True)


def test_rows_before_the_damage_of_an_archive_stay() -> None:
    content = "".join(f'{{"text": "第{number}行，{number**7}"}}\n' for number in range(5000)).encode()
    packed = gzip.compress(content)
    Path("a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    *rows, wrong = read("a.jsonl.gz")
    assert len(rows) > 1000
    assert [row.text for row in rows] == [f"第{number}行，{number**7}" for number in range(len(rows))]
    assert wrong.error
    assert f"behind line {len(rows)} cannot be read" in wrong.error


def test_a_text_that_no_memory_should_hold_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.files.rows.LONGEST", 1000)
    Path("a.txt.gz").write_bytes(gzip.compress(b"x" * 1001))
    Path("b.txt.gz").write_bytes(gzip.compress(b"x" * 1000))
    one, two = read("a.txt.gz", "b.txt.gz")
    message = "a.txt.gz is too long for one text: more than 1,000 bytes"
    assert one.error == f"{message} (lines takes a line for a text)", "as Python names the option"
    assert spelled(one.error, "--{}".format) == f"{message} (--lines takes a line for a text)"
    assert (two.error, len(two.text)) == (None, 1000)
