"""The shipped models, loaded once, small ones with random weights, and no way to the network."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# one thread, in the commands that tests start too: the same speed whatever else the machine does
os.environ.setdefault("OMP_NUM_THREADS", "1")
# models that this user has added are no business of tests
os.environ["TEXTGEN_MODELS"] = os.devnull

from small_networks import BERT, GPT2, network_of, prefer
from small_titles import TOKENIZER, make_title

from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model, load_tokenizer
from textgen.store.save import save_model

hypothesis.settings.register_profile("no clock", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("no clock")


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for garbage would take a twentieth of the time."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection but those to sockets of this machine's file system."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        yield


@pytest.fixture(scope="session")
def title_model() -> LoadedModel:
    return load_model(find_model("title"))


@pytest.fixture(scope="session")
def gpt2_model() -> LoadedModel:
    return load_model(find_model("gpt2"))


@pytest.fixture(scope="session")
def bert_model() -> LoadedModel:
    return load_model(find_model("bert"))


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `title`, `gpt2` and `bert` of random weights, which read as much as the shipped ones.

    They are kept as int8, as those are, which decides how they compute. For what holds of any weights.
    Nothing is patched: they are loaded by their directories.
    """
    folder = tmp_path_factory.mktemp("small")
    ends = load_tokenizer(find_model("gpt2")).specials.eos
    make_title(folder / "title", positions=512, ends=ends, storage="int8")
    gpt2, bert = GPT2 | {"n_positions": 1024}, BERT | {"max_position_embeddings": 512}
    for name, config, more in (("gpt2", gpt2, 7), ("bert", bert, 12)):
        network = prefer(network_of(config), ends, by=more)
        save_model(folder / name, network, config, TOKENIZER, storage="int8")
    return folder


@pytest.fixture
def small_as_shipped(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the small models be those that ship, for one test, and in this process only."""
    monkeypatch.setattr("textgen.store.catalog.models_dir", lambda: small_models)
    # to random weights no text reads like Chinese
    monkeypatch.setattr("textgen.backends.reader.Reader._bits", lambda *_: (0.0, 0))
    return small_models
