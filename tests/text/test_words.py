"""Words by jieba, without its noise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from textgen.text.words import is_word, words


def test_nothing_is_lost() -> None:
    text = "我来到北京清华大学 ，\nAI 3.5版！"
    assert "".join(words(text)) == text
    assert words("我来到北京清华大学") == ["我", "来到", "北京", "清华大学"]
    assert words("") == []


def test_quiet_and_without_the_shared_cache(tmp_path: Path) -> None:
    """Nothing is printed, nothing left behind, and a cache that somebody put there is not read."""
    planted = tmp_path / "jieba.cache"
    planted.write_bytes(b"not a cache")
    script = (
        "from textgen.text.words import is_word, words; assert words('我来到北京') == ['我', '来到', '北京']"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == [planted]
    assert planted.read_bytes() == b"not a cache"


def test_what_the_dictionary_has() -> None:
    for word in ("做法", "目的", "妈妈", "的"):
        assert is_word(word), word
    for word in ("茄的做", "做 ", "", "做法 100"):
        assert not is_word(word), word
