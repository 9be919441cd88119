"""A text that `--max-new-tokens` cut says so."""

from __future__ import annotations

import pytest

from textgen.backends.cut_texts import cut_notes
from textgen.options import ContinueOptions, GibbsOptions, Options, TitleOptions
from textgen.schema import Candidate


def ended(*reasons: str) -> list[Candidate]:
    return [Candidate("春", 0.0, "", None, 1, reason) for reason in reasons]


@pytest.mark.parametrize(
    ("candidates", "options", "told"),
    [
        (ended("length"), TitleOptions(), ("the text was cut at --max-new-tokens 46",)),
        (
            ended("length", "stop", "length"),
            ContinueOptions(max_new_tokens=9, end_at="any"),
            ("2 of 3 texts were cut at --max-new-tokens 9",),
        ),
        (
            ended("length", "stop"),
            ContinueOptions(max_new_tokens=9, end_at="sentence"),
            ("no sentence ended in 1 of 2 texts within 1 pieces: left unfinished",),
        ),
        (ended("stop", "sentence", "loop"), ContinueOptions(), ()),
        ([], TitleOptions(), ()),
        (ended("length"), GibbsOptions(), ()),
    ],
)
def test_what_is_told(candidates: list[Candidate], options: Options, told: tuple[str, ...]) -> None:
    assert cut_notes(candidates, options) == told
