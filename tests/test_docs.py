"""The documents name files, headings and options that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from textgen.cli.main import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
PLACE = re.compile(r"`((?:textgen|tests|benchmarks|docs|data)/[\w./-]+)`")
BENCHMARK = re.compile(r"python benchmarks/[^`\n]*")  # has options of its own
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+(?![\w_])")
# of pytest, ruff, accelerate and our benchmarks
OF_OTHERS = {"--dist", "--check", "--cpu", "--only", "--rounds"}


def anchors(document: Path) -> set[str]:
    """The names by which the headings of a document are linked to."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def flags(command: Any, context: Any) -> set[str]:
    """The flags of a command, and of those that it groups."""
    found = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for name in command.list_commands(context) if isinstance(command, TyperGroup) else ():
        _, part, _ = command.resolve_command(context, [name])
        found |= flags(part, context)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for path, anchor in LINK.findall(text):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
    assert not [place for place in PLACE.findall(text) if "NAME" not in place and not (ROOT / place).exists()]


def test_options_exist() -> None:
    command: Any = typer.main.get_command(app)
    known = (
        flags(command, command.make_context("textgen", [], resilient_parsing=True)) | OF_OTHERS | {"--help"}
    )
    named = {
        (str(path.relative_to(ROOT)), flag)
        for path in DOCUMENTS
        for flag in FLAG.findall(BENCHMARK.sub("", path.read_text(encoding="utf-8")))
    }
    assert len(known) > 100
    assert not {(path, flag) for path, flag in named if flag not in known}


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_short(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 150
