"""A backend of another package: found by the kind of its models, with loading of its own."""

import json
from types import SimpleNamespace

import pytest

import textgen
from textgen import plugins
from textgen.backends import registry
from textgen.backends.base import Backend, Prepared
from textgen.cli.main import run
from textgen.options import Options
from textgen.schema import Candidate


class EchoBackend(Backend[Options, Prepared]):
    """Gives the prompt back."""

    options = Options
    task = "sample"

    @classmethod
    def open(cls, files):
        backend = cls.__new__(cls)
        backend.model = SimpleNamespace(files=files, label=files.label)  # what records need of a model
        return backend

    def prepare(self, row, options, on_event):
        return Prepared(row, len(row.text), len(row.text), len(row.text))

    def compute(self, batch, options, seed, on_event):
        return [[Candidate(item.row.text[::-1], 0.0, "none", None, 1, "stop")] for item in batch]


class Entry:
    name, value, dist = "echo", "echo:EchoBackend", None

    @staticmethod
    def load():
        return EchoBackend


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [Entry] if group == "textgen.backends" else [])
    registry._installed.cache_clear()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "echo"}), encoding="utf-8")
    (tmp_path / "model.safetensors").touch()
    yield tmp_path
    registry._installed.cache_clear()


def test_from_python(folder):
    records = textgen.load(str(folder)).generate(["春天", "夏天来了"])
    assert [record.candidates[0].text for record in records] == ["天春", "了来天夏"]


def test_from_the_command_line(folder, capsys):
    assert run(["sample", "春天", "--model", str(folder), "--seed", "1"]) == 0
    assert capsys.readouterr().out == "天春\n"
    assert run(["title", str(folder / "config.json"), "--model", str(folder)]) == 2
    assert run(["sample", "春天", "--model", str(folder), "--top-p", "0.5"]) == 2
