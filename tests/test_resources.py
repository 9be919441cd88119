"""Where the shipped files are found: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import textgen.resources
from textgen.resources import data_dir, models_dir

CHECKOUT = Path(__file__).parents[1]
ASK = """
from textgen.errors import ModelError
from textgen.resources import data_dir, models_dir
try:
    print(data_dir())
    print(models_dir())
except ModelError as error:
    print(error.exit_code, error.message, error.hint, sep="\\n")
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the path with the modules it takes, as a wheel would put them."""
    source = Path(textgen.resources.__file__).parent
    package = tmp_path / "site" / "textgen"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    for name in ("resources.py", "errors.py", "messages.py"):
        shutil.copyfile(source / name, package / name)
    return tmp_path / "site"


def ask(site: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=site.parent,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_tested_package_has_all_models() -> None:
    assert data_dir() in (CHECKOUT / "data", Path(textgen.resources.__file__).parent / "data")
    assert sorted(folder.name for folder in models_dir().iterdir()) == ["bert", "gpt2", "title", "tokenizer"]


def test_a_wheel_has_them_inside_the_package(site: Path) -> None:
    (site / "textgen" / "data" / "models").mkdir(parents=True)
    (site / "data" / "models").mkdir(parents=True)  # somebody else's
    assert ask(site) == [str(site / "textgen" / "data"), str(site / "textgen" / "data" / "models")]


def test_a_copied_source_tree_has_them_beside_the_package(site: Path) -> None:
    (site / "data" / "models").mkdir(parents=True)
    assert ask(site)[0] == str(site / "data")


def test_a_folder_data_without_models_does_not_count(site: Path) -> None:
    (site / "textgen" / "data").mkdir()
    (site / "data" / "models").mkdir(parents=True)
    assert ask(site)[0] == str(site / "data")


def test_missing_data_is_a_model_error(site: Path) -> None:
    missing = site / "textgen" / "data" / "models"
    assert ask(site) == [
        "1",
        f"the shipped models are missing: no {missing}",
        "reinstall textgen-zh; a copy of the source without data/ is incomplete",
    ]
