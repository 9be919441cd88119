"""The environment that the command sets for torch's threads before torch is loaded."""

from __future__ import annotations

import os

import pytest

from textgen.cli.main import run


@pytest.mark.parametrize("given", [None, "7"])
def test_threads_wait_a_moment_by_spinning_unless_the_user_says_how(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that it is put back
    if given is None:
        monkeypatch.delenv("GOMP_SPINCOUNT")
    else:
        monkeypatch.setenv("GOMP_SPINCOUNT", given)
    assert run(["--version"]) == 0
    assert os.environ["GOMP_SPINCOUNT"] == (given or "20000")
