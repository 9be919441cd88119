"""The shipped models, loaded once, and no way to the network."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

# one thread, in the commands that tests start too: the same speed whatever else the machine does
os.environ.setdefault("OMP_NUM_THREADS", "1")
# models that this user has added are no business of tests
os.environ["TEXTGEN_MODELS"] = os.devnull

from textgen.models.catalog import find_model
from textgen.models.load import LoadedModel, load_model


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
