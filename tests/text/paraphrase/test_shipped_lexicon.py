"""The lexicon that comes with textgen: every example of a pattern, and what each entry must be."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise

import pytest

from textgen.resources import data_dir
from textgen.text.paraphrase.lexicon import shipped_lexicon
from textgen.text.paraphrase.locked_text import LockedText
from textgen.text.paraphrase.ways import ways

EXAMPLE = re.compile("# 例：(.+) -> (.+)")
FOLDER = data_dir() / "paraphrase"


def examples() -> list[tuple[str, str, str]]:
    """Each pattern with both texts of the line above it."""
    lines = (FOLDER / "patterns.txt").read_text(encoding="utf-8").splitlines()
    return [(line, *found.groups()) for above, line in pairwise(lines) if (found := EXAMPLE.fullmatch(above))]


def test_every_pattern_makes_either_text_of_its_example_the_other() -> None:
    by_source = {pattern.source: pattern for pattern in shipped_lexicon().patterns}
    shown = examples()
    assert len(shown) == len(by_source) > 200
    for source, one, other in shown:
        for text, wanted in ((one, other), (other, one)):
            found = [way.string for way in by_source[source].ways(LockedText(text))]
            assert wanted in found, (source, text, found)


def test_the_groups_are_in_order_and_no_group_is_in_another() -> None:
    groups = shipped_lexicon().groups
    assert len(groups) > 2000
    assert [" ".join(group) for group in groups] == sorted(" ".join(group) for group in groups)
    for word, own in shipped_lexicon().groups_of.items():
        assert len(own) <= 2, word
        assert len(own) == 1 or not (set(own[0]) <= set(own[1]) or set(own[1]) <= set(own[0])), own
        assert not re.search(r"[\s\d，。、#@=]|[不没无未勿]能", word)
    assert all(len(set(group)) == len(group) > 1 for group in groups)


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("因为连日下雨，所以比赛推迟了。", ["比赛推迟了，因为连日下雨。", "由于连日下雨，因此比赛推迟了。"]),
        ("校长昨天参观了我们的教室。", ["昨天，校长参观了我们的教室。"]),
    ],
)
def test_some_ways(text: str, some: list[str]) -> None:
    found = ways(LockedText(text), shipped_lexicon())
    strings = [way.string for way in found]
    assert set(some) <= set(strings)
    assert all(LockedText(text) in ways(way, shipped_lexicon()) for way in found)


def test_nothing_of_it_is_loaded_for_help() -> None:
    script = (
        "import sys, textgen.cli.main, textgen.options; "
        "assert not [name for name in sys.modules if 'paraphrase' in name or name == 'jieba']"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
