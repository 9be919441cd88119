"""The built distributions: models inside, and commands that work from an empty folder without network."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_SOCKETS = """
import socket
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
"""


def build(kind: str, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "build",
        f"--{kind}",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """An environment's package folder with nothing but the wheel, and sockets that refuse."""
    wheel = build("wheel", tmp_path_factory.mktemp("wheel"))
    assert wheel.name.startswith("textgen_zh-")
    assert wheel.stat().st_size < 96e6
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "sitecustomize.py").write_text(NO_SOCKETS, encoding="utf-8")
    return folder


COMMANDS = [
    "title {site}/textgen/data/samples/articles/news.txt --decode greedy",
    "sample --model bert --seed 1 --sweeps 1 --length 6",
    "models list",
    "models info title",
]
HEAVY = ["sample 春天 --seed 1 --max-new-tokens 8 --stream", "models export bert exported", "doctor"]


@pytest.mark.parametrize("commands", [COMMANDS, pytest.param(HEAVY, marks=pytest.mark.slow)])
def test_every_command_works_from_the_wheel_without_network(site, tmp_path, commands):
    script = (
        "import sys, textgen.cli.main as m; print(m.__file__, file=sys.stderr)\n"
        "for line in sys.argv[1:]: print(m.run(line.split()), flush=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *(command.format(site=site) for command in commands)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    lines = done.stdout.splitlines()
    assert lines.count("0") == len(commands), done.stderr
    assert len(lines) >= 2 * len(commands)
    assert str(site) in done.stderr


def test_the_wheel_has_its_command_and_no_corpora(site):
    [info] = site.glob("textgen_zh-*.dist-info")
    assert "textgen = textgen.__main__:main" in (info / "entry_points.txt").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text(encoding="utf-8")
    assert sorted(path.name for path in (site / "textgen" / "data").iterdir()) == [
        "bench.json",
        "export",
        "models",
        "paraphrase",
        "samples",
    ]
    assert not list(site.rglob("*.bin")) + list(site.rglob("*.pt"))


def test_the_sdist_is_whole(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ["pyproject.toml", "LICENSE", "README.zh-CN.md", "textgen/cli/main.py", "tests/test_package.py"]
    wanted += [
        f"data/models/{name}/{file}"
        for name in ("bert", "gpt2", "title")
        for file in ("model.safetensors", "CARD.md")
    ]
    assert not [name for name in wanted if name not in names]
