"""Sentences with placeholders: filled in for each reader, in this process and others."""

import copy
import pickle

import pytest

from textgen.errors import DataError, UsageError
from textgen.messages import Message, OptionError, located, option, spelled, with_article


def as_flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def test_options_are_spelled_for_their_reader() -> None:
    message = Message("{@top_p} {value} needs {other}", value=2, other=option("best_of"))
    assert message == "top_p 2 needs best_of"
    assert message.spelled(as_flag) == "--top-p 2 needs --best-of"


def test_values_are_never_read_as_placeholders() -> None:
    message = Message("{path}: {reason}", path="{@top_p} {reason}", reason="{path}")
    assert message.spelled(as_flag) == "{@top_p} {reason}: {path}"


def test_a_kind_has_its_article() -> None:
    found = [with_article(name) for name in ("encoder-decoder", "masked-lm", "ElectraModel", "UERModel")]
    assert found == ["an encoder-decoder", "a masked-lm", "an ElectraModel", "a UERModel"]


def test_what_stands_for_nothing_stays() -> None:
    assert Message("{unknown} {} {0} { x } {@}") == "{unknown} {} {0} { x } {@}"


def test_a_plain_text_is_shown_as_it_is() -> None:
    assert spelled("{@top_p}", as_flag) == "{@top_p}"


@pytest.mark.parametrize("through", [copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_is_the_same_in_another_process(through) -> None:
    cause = OptionError("{@rank} needs {@decode} {how}", how="sample")
    error = through(
        UsageError("{@best_of} {value}: {reason}", value="1\n2", reason=cause.message, hint="see {@help}")
    )
    assert error.line == "best_of 1 2: rank needs decode sample (see help)"
    assert error.line.spelled(as_flag) == "--best-of 1 2: --rank needs --decode sample (see --help)"


def test_a_traceback_shows_the_hint() -> None:
    error = UsageError("no {name}", name="x", hint="see {@help}")
    assert str(error) == "no x (see help)"
    assert str(DataError("it is empty")) == "it is empty"


def test_the_line_of_an_error_is_one_line() -> None:
    assert DataError("a\nb", hint=None).line == "a b"


@pytest.mark.parametrize(
    ("name", "place", "shown"),
    [
        ("a.txt", "a.txt", "a.txt is empty"),
        ("news/a.txt", "a.txt", "news/a.txt is empty"),
        ("a.txt", "7", "7: a.txt is empty"),
        ("a.txt", "b.txt", "b.txt: a.txt is empty"),
    ],
)
def test_a_file_is_named_once(name: str, place: str, shown: str) -> None:
    error = DataError("{name} is empty", name=name, hint="write something")
    assert located(place, error.message) == shown
    assert located(place, error.line) == f"{shown} (write something)"
    assert located(place, str(error.message)) == f"{place}: {name} is empty"  # whose values are not known


def test_lists_are_shown_one_after_the_other() -> None:
    error = UsageError("no {name}", name="x\ny", hint="one of {known}", known=[option("top_p"), "a", 2])
    assert error.line == "no x y (one of top_p, a, 2)"
    assert error.line.spelled(as_flag) == "no x y (one of --top-p, a, 2)"
    assert DataError("{parts}", parts=("a\nb", "c")).line == "a b, c"
