"""`textgen title` with language models of other makes: templates and shots in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkpoints import TEXT
from prompted import gpt2

ARTICLE = "明早下山，今日在山上。"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gpt2(tmp_path_factory.mktemp("base") / "gpt2-chinese")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    contents = {
        "article.txt": ARTICLE,
        "good.txt": "文章：{article}标题：\n",
        "none.txt": "文章：标题：",
        "two.txt": "{article}{article}标题：",
        "last.txt": "标题：{article}\n",
        "shots.jsonl": json.dumps({"title": "山上", "text": "今日在山上"}),
        "untitled.jsonl": json.dumps({"title": "山上", "text": "今日"}) + "\n" + json.dumps({"text": "今日"}),
        "textless.csv": "title,body\n山上,今日\n",
        "broken.jsonl": "{",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return {name: str(tmp_path / name) for name in contents}


def test_the_command_line(call: Callable[..., Any], base: Path, files: dict[str, str]) -> None:
    options = ("--max-new-tokens", 14, "-q")
    assert call("title", files["article.txt"], "-m", base, *options) == (0, f"{TEXT}\n", "")
    given = ("--prompt-template", files["good.txt"], "--shots", files["shots.jsonl"], "--copy-prior", 0.5)
    assert call("title", files["article.txt"], "-m", base, *given, *options) == (0, f"{TEXT}\n", "")


@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        (("--prompt-template", "none.txt"), "there is no {article}, where the article is to stand"),
        (("--prompt-template", "two.txt"), "there are 2 places {article} for the article"),
        (("--prompt-template", "last.txt"), "nothing stands behind {article}"),
        (("--prompt-template", "missing.txt"), "no such file: missing.txt"),
        (("--prompt-template", "."), "--prompt-template . is a folder"),
        (("--shots", "untitled.jsonl"), "line 2: a shot without a title"),
        (("--shots", "textless.csv"), "a shot without a text"),
        (("--shots", "none.txt"), "is no table"),
        (("--shots", "broken.jsonl"), "--shots"),
        (("--copy-prior", "2.5"), "--copy-prior 2.5: should be at most 2"),
    ],
)
def test_mistakes_are_told_before_a_model_is_loaded(
    call: Callable[..., Any], base: Path, files: dict[str, str], args: tuple[str, str], wrong: str
) -> None:
    flag, name = args
    code, out, err = call("title", files["article.txt"], "-m", base, flag, files.get(name, name))
    assert (code, out) == (2, "")
    assert wrong in err
    assert err.count("\n") == 1


def test_other_models_take_no_prompt(call: Callable[..., Any], files: dict[str, str]) -> None:
    code, _, err = call("title", files["article.txt"], "--copy-prior", 1)
    assert (code, err) == (2, err)
    assert "--copy-prior does not apply to title models" in err
    code, _, err = call("title", files["article.txt"], "-m", "gpt2")
    assert code == 2
    assert "gpt2 is a gpt2 model" in err


def test_the_manifest_holds_what_the_files_say(
    call: Callable[..., Any], base: Path, files: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    args = (
        "title",
        files["article.txt"],
        "-m",
        base,
        "-o",
        out,
        "--max-new-tokens",
        14,
        "-q",
        "--workers",
        1,
    )
    args = (*args, "--prompt-template", files["good.txt"], "--shots", files["shots.jsonl"])
    assert call(*args)[0] == 0
    options = json.loads((tmp_path / "out.jsonl.manifest.json").read_text(encoding="utf-8"))["options"]
    assert options["prompt_template"] == "文章：{article}标题："
    assert options["shots"] == [["山上", "今日在山上"]]
    assert call(*args, "--resume")[0] == 0
    Path(files["good.txt"]).write_text("{article}标题：", encoding="utf-8")
    code, _, err = call(*args, "--resume")
    assert code == 2
    assert "options.prompt_template" in err
