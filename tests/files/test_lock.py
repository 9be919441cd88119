"""Lock files: held by one, free once it has ended, however it ended."""

from __future__ import annotations

import errno
import os

import pytest

from textgen.errors import TextgenError, UsageError
from textgen.files.lock import held, locked

fcntl = pytest.importorskip("fcntl")  # not on every system


def test_what_is_locked_is_refused_to_others_and_free_afterwards(tmp_path):
    path, what = tmp_path / "o.jsonl.lock", tmp_path / "o.jsonl"
    with locked(path, what):
        for _ in range(2):
            with (
                pytest.raises(UsageError, match=r"o\.jsonl is being written by another run"),
                locked(path, what),
            ):
                pass
            assert path.exists(), "who is refused does not remove it"
    assert not path.exists()
    with locked(path, what):
        pass


def test_who_fails_lets_go(tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), locked(path, path):
        _ = 1 / 0
    assert not path.exists()
    with locked(path, path):
        pass


def test_a_lock_that_a_dead_process_left_is_free(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    with locked(path, path):
        pass
    assert not path.exists()


@pytest.mark.parametrize("next_one", [True, False])
def test_a_lock_whose_file_has_gone_meanwhile_is_none(tmp_path, monkeypatch, next_one):
    """The run that held it ended after it had been opened here; another may have begun."""
    path, flock = tmp_path / "lock", fcntl.flock

    def late(file, how):
        path.unlink()
        if next_one:
            path.touch()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(UsageError, match="by another run"), locked(path, path):
        pass
    assert path.exists() == next_one


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS], ids=["LCK", "NOTSUP", "NOSYS"])
def test_where_there_are_no_locks_it_goes_on_without(tmp_path, monkeypatch, code):
    def fail(file, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", fail)
    path = tmp_path / "lock"
    with locked(path, path):
        assert path.exists()
    assert not path.exists()


def test_a_lock_is_seen_from_outside(tmp_path):
    path = tmp_path / "lock"
    assert not held(path)
    with locked(path, path):
        assert held(path)
        assert path.exists(), "who looks does not remove it"
    assert not held(path)
    path.touch()
    assert not held(path)


def test_without_a_folder_there_is_an_error(tmp_path):
    path = tmp_path / "none" / "lock"
    with pytest.raises(TextgenError, match="cannot write"), locked(path, path):
        pass
