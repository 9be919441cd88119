"""Small files beside the data: whole, regular and small, or refused before they are read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from textgen.files.small_files import DEEPEST, LARGEST, read_json, read_small


def test_what_is_no_small_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGEST + 1)
    for name, told in (("pipe", "pipe"), ("", "directory"), ("large", "MB"), ("loop", "symbolic")):
        with pytest.raises(OSError, match=told):
            read_small(tmp_path / name)
    with pytest.raises(OSError, match="device"):
        read_small(Path("/dev/zero"))


def test_another_encoding_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"名": "好"}', encoding="gbk")
    with pytest.raises(ValueError, match=r"^it is not UTF-8$"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_is_read_in_any_encoding_of_unicode(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"名": [1, {"a": null}]}', encoding=encoding)
    assert read_json(path) == {"名": [1, {"a": None}]}


def test_json_has_its_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" * (DEEPEST - 1) + "]" * (DEEPEST - 1), encoding="ascii")
    assert json.dumps(read_json(path)) == path.read_text(encoding="ascii")
    for depth in (DEEPEST + 1, 100_000):
        for begin, end in (("[", "]"), ('{"a":', "}")):
            path.write_text(begin * depth + "1" + end * depth, encoding="ascii")
            with pytest.raises(ValueError, match="nested too deeply"):
                read_json(path)
