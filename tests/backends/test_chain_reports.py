"""What the reports of chains say of all chains of a row."""

from __future__ import annotations

from textgen.backends.chain_reports import Reports

APART = [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], [9.0, 8.0, 9.0, 8.0, 9.0, 8.0]]
TOGETHER = [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]]


def test_chains_apart_are_doubted() -> None:
    [note] = Reports(APART, search=False).doubts("sweeps")
    rhat = Reports(APART, search=False).rhat
    assert rhat is not None
    assert note == f"R-hat is {rhat:.2f}, above 1.1: the chains have not mixed (raise sweeps)"
    assert "(raise --sweeps)" in note.spelled(lambda name: "--" + name)


def test_chains_that_agree_and_searches_are_not() -> None:
    assert Reports(TOGETHER, search=False).doubts("steps") == ()
    assert Reports(APART, search=True).doubts("steps") == ()
    assert Reports([[1.0]], search=False).doubts("steps") == ()  # too few to tell
