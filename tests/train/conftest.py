"""Small models, made once, and a bench for runs from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from foreign_starts import Starts, start
from tiny import Bench, make_bert, make_gpt2, make_tokenizer


@pytest.fixture(scope="session")
def tiny_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "bert": make_bert(folder / "bert", tiny_tokenizer),
        "gpt2": make_gpt2(folder / "gpt2", tiny_tokenizer),
    }


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the drawings at the end of runs, which take longer than the runs."""
    monkeypatch.setattr("textgen.train.session.draw_curve", lambda directory: directory)


@pytest.fixture
def bench(tmp_path: Path, tiny_tokenizer: Path, tiny_models: dict[str, Path]) -> Bench:
    return Bench(tmp_path, tiny_tokenizer, tiny_models)


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    folder = tmp_path_factory.mktemp("starts")
    return cache(lambda kind: start(folder / kind, kind))
