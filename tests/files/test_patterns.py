"""A pattern means each file once, wherever links lead."""

import glob
from pathlib import Path

import pytest

from textgen.files.patterns import matches
from textgen.files.sources import find_sources


@pytest.fixture
def tree(in_folder):
    for name in (
        "a.txt",
        "n/b.txt",
        "n/deep/c.txt",
        "n/deep/d.md",
        ".hidden/h.txt",
        "n/.h.txt",
        "m[1]/e.txt",
    ):
        path = in_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("春天来了。", encoding="utf-8")
    return in_folder


PATTERNS = [
    "**/*.txt",
    "**",
    "n/**",
    "n/**/*.txt",
    "**/deep/*.txt",
    "**/deep/**/*.txt",
    "*/**/*.md",
    "n/**/deep/*",
    "[mn]*/*.txt",
    "**/c.txt",
    "none/**/*.txt",
    "n/*.txt",
    "**/m[[]1]/*.txt",
]


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_without_links_it_means_what_it_means_to_a_shell(tree, pattern, absolute):
    pattern = f"{tree}/{pattern}" if absolute else pattern
    found = {Path(name) for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207
    assert matches(pattern) == sorted(path for path in found if path.is_file())


@pytest.mark.parametrize("pattern", ["**/*.txt", "**", "n/deep/**/c.txt", "**/**/*.txt"])
def test_links_in_circles_end_and_add_nothing(tree, pattern):
    before = matches(pattern)
    (tree / "n" / "up").symlink_to(tree)
    (tree / "n" / "deep" / "self").symlink_to(".")
    (tree / "n" / "deep" / "back").symlink_to("..")
    (tree / "0").symlink_to("n")  # comes before what it leads to
    (tree / "lost").symlink_to("lost")
    assert matches(pattern) == before


@pytest.mark.parametrize("pattern", ["*/**/*.txt", "**/deep/**", "**/up/**/*", "**/back/**/up/**"])
def test_no_file_is_found_by_two_names(tree, pattern):
    (tree / "n" / "up").symlink_to(tree)
    (tree / "n" / "deep" / "back").symlink_to("..")
    found = [path.resolve() for path in matches(pattern)]
    assert found
    assert len(found) == len(set(found)) <= 5


def test_what_only_a_link_leads_to_is_found_once(tree, tmp_path_factory):
    far = tmp_path_factory.mktemp("far")
    (far / "f.txt").write_text("春天来了。", encoding="utf-8")
    for name in ("x", "y"):
        (tree / name).symlink_to(far)
    assert [path for path in matches("**/*.txt") if path.name == "f.txt"] == [Path("x/f.txt")]


def test_a_link_to_a_file_beside_it_is_no_second_file(tree):
    (tree / "0.txt").symlink_to("a.txt")
    assert matches("*.txt") == [Path("a.txt")]
    assert [source.name for source in find_sources(["."], lines=False)] == ["a.txt"]
    assert [source.name for source in find_sources(["0.txt"], lines=False)] == ["0.txt"], "it was named"


def test_what_a_run_has_written_is_not_meant(tree):
    for name in ("o.csv", "o.csv.manifest.json", "o.csv.rows", "o.csv.records.jsonl"):
        (tree / name).touch()
    for name in ("p.jsonl.part", "p.jsonl.part.rows", "p.jsonl.part.manifest.json", "p.jsonl.lock"):
        (tree / name).touch()
    (tree / "mine.part").touch()
    assert [source.name for source in find_sources(["*"], lines=False)] == ["a.txt", "mine.part"]
