"""Rows of JSON files: an object a line, or the elements of an array; an error costs one row."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from input_files import numbered

from textgen.errors import DataError
from textgen.files.formats import jsonl as reader
from textgen.files.formats.jsonl import json_rows, json_values


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)))
def test_json_lines_come_back_with_their_numbers(values: list[Any]) -> None:
    lines = numbered("".join(json.dumps(value, ensure_ascii=True) + "\n" for value in values))
    assert list(json_values(lines)) == list(enumerate(values, 1))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "半', ", column 1"),
        ("{'text': 1}", "Expecting property name enclosed in double quotes, column 2"),
        ('{"a": 1} {"a": 2}', "Extra data, column 10"),
        ("[" * 100_000, ""),
        ("9" * 5000, ""),
    ],
    ids=["cut", "apostrophes", "two", "deep", "huge"],
)
def test_what_is_not_json_costs_only_its_line(line: str, reason: str) -> None:
    one, two, three = json_values(numbered(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n'))
    assert (one, three) == ((1, {"a": 1}), (3, {"a": 3}))
    assert two[0] == 2
    assert isinstance(two[1], DataError)
    assert two[1].message.startswith("line 2 is not JSON: ")
    assert reason in two[1].message


def test_blank_lines_are_no_rows_but_are_counted() -> None:
    assert list(json_values(numbered('\n{"a":1}\n \n\t\r\n2\r\n\n'))) == [(2, {"a": 1}), (5, 2)]


def test_a_line_that_is_no_text_costs_itself() -> None:
    error = DataError("坏")
    assert list(json_values([(1, "1\n"), (2, error), (3, "3\n")])) == [(1, 1), (2, error), (3, 3)]


def test_rows_come_before_the_lines_have_ended() -> None:
    endless = ((number, f"{number}\n") for number in itertools.count(1))
    assert list(itertools.islice(json_values(endless), 3)) == [(1, 1), (2, 2), (3, 3)]
    endless = ((number, f"{number},\n" if number > 1 else "[\n") for number in itertools.count(1))
    assert list(itertools.islice(json_rows(endless, "a")[1], 3)) == [(1, 2), (2, 3), (3, 4)]


def of_file(text: str) -> tuple[str, list[Any]]:
    """What a row is, and the values, or the messages of errors."""
    unit, values = json_rows(numbered(text), "a.json")
    found = list(values)
    assert [number for number, _ in found] == list(range(1, len(found) + 1)) or unit == "line"
    return unit, [value.message if isinstance(value, DataError) else value for _, value in found]


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(['[{"', "],", '\\"', "\u2028"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("甲乙[,"), inner),
    max_leaves=4,
)


@given(st.lists(VALUES, max_size=4), st.sampled_from([None, 0, 2]), st.booleans())
def test_arrays_are_their_elements(values: list[Any], indent: int | None, ascii: bool) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii)
    assert of_file(f"\n {text}\n\n") == ("element", values)


def test_an_array_may_have_an_element_a_line_and_a_comma_too_many() -> None:
    assert of_file('[\n{"a": 1},\n{"a": 2}\n]') == ("element", [{"a": 1}, {"a": 2}])
    assert of_file('[{"a": 1},\n "b",\n]\n') == ("element", [{"a": 1}, "b"])


def test_an_element_that_is_not_json_costs_itself() -> None:
    unit, (one, two, three, four) = of_file('[{"a": 1},\n{"a": 2, oops},\n{"a": 3, "a": 4},\n{"a": 5}]')
    assert (unit, one, four) == ("element", {"a": 1}, {"a": 5})
    assert two.startswith("element 2 is not JSON: ")
    assert three == "element 3: two fields are called a"


@pytest.mark.parametrize(
    ("text", "rows", "reason"),
    [
        ('[{"a": 1},\n{"a": 2}', 2, "the array does not end behind element 2"),
        ('[{"a": 1},\n{"a": ', 1, "element 2 is not JSON"),
        ('[{"a": 1}]\n[{"a": 2}\n', 0, "line 2 is not JSON"),
        ('[\n{"a": 1}]\n[{"a": 2}]\n', 1, "line 3: something follows the array"),
        ('[\n{"a": 1}] 2', 1, "line 2: something follows the array"),
    ],
)
def test_what_is_wrong_with_an_array_is_told_behind_its_rows(text: str, rows: int, reason: str) -> None:
    _, found = of_file(text)
    assert found[:rows] == [{"a": number + 1} for number in range(rows)]
    assert any(str(value).startswith(reason) for value in found[rows:])


def test_an_element_without_end_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LONGEST_ELEMENT", 50)
    assert of_file("[1,\n" + "{\n" * 1000)[1] == [1, "element 2 has more than 50 characters"]


def test_lines_that_are_arrays_are_lines() -> None:
    assert of_file('["a"]\n\n["b"]\n') == ("line", [["a"], ["b"]])


def test_one_object_over_several_lines_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"^a\.json is one JSON object over several lines, not rows \("
    ) as caught:
        of_file(json.dumps({"text": "文"}, indent=2))
    assert caught.value.hint


def test_names_have_no_invisible_characters_and_are_there_once() -> None:
    assert of_file('{"\ufefftext ": {" a": 1}}\n') == ("line", [{"text": {" a": 1}}])
    twice = ['{"a": 1, "text": 2, "text": 3}', '{"text": 1, "text ": 2}', '{"a": {"text": 1, "text": 2}}']
    assert of_file("\n".join(twice)) == ("line", [f"line {n}: two fields are called text" for n in (1, 2, 3)])


def test_what_json_has_no_number_for_is_nothing() -> None:
    line = '{"a": NaN, "b": [Infinity, -Infinity], "c": 1e400, "d": -1e999, "e": 1e300, "f": 1.5}'
    assert of_file(line) == (
        "line",
        [{"a": None, "b": [None] * 2, "c": None, "d": None, "e": 1e300, "f": 1.5}],
    )
    assert of_file("[NaN, 2]") == ("element", [None, 2])
