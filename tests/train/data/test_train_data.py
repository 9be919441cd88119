"""Data that cannot be used is refused with its line; data that leaks is told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import Bench, Countdown, some_pairs, some_text, some_texts, write_lines

from textgen.errors import TextgenError, UsageError
from textgen.events import Note, Progress
from textgen.train.data.arrays import Arrays
from textgen.train.run import train

GOOD = [row | {"label": "甲"} for row in some_pairs(2)]  # what any recipe can use


def refusal(bench: Bench, recipe: str, rows: list[Any], **options: Any) -> str:
    """What training on rows says, in one line."""
    with pytest.raises(TextgenError) as caught:
        bench.train(recipe, rows=rows, **options)
    assert not (bench.folder / "run" / "model.safetensors").exists()
    assert caught.value.hint or caught.value.message.endswith(")")
    assert "\n" not in caught.value.line
    return caught.value.line


@pytest.mark.parametrize(
    ("recipe", "bad", "said"),
    [
        ("gpt2", {"body": "春"}, "no field 'text'"),
        ("gpt2", {"text": None}, "nothing in the field 'text'"),
        ("gpt2", {"text": " \n"}, "nothing in the field 'text'"),
        ("gpt2", {"text": 7}, "'text' is not text"),
        ("title", {"text": "春夏"}, "no field 'title'"),
        ("title", {"text": "春夏", "title": ""}, "nothing in the field 'title'"),
        ("title", {"text": "春夏", "title": ["春"]}, "no text in the field 'title'"),
        ("title", {"text": "", "title": "春"}, "nothing in the field 'text'"),
        ("rnn-title", {"text": "春夏"}, "no field 'title'"),
        ("conditional", {"text": "春夏"}, "no field 'label'"),
        ("conditional", {"text": "春夏", "label": " "}, "nothing in the field 'label'"),
        ("bert", '{"text": "春', "is not JSON"),
        ("bert", "[1]", "is not an object with fields"),
        ("bert", '{"text": "春\\ud800"}', "surrogate"),
        ("title", '{"text": "春", "title": "\\udc00"}', "surrogate"),
    ],
)
@pytest.mark.parametrize("where", ["train", "dev"])
def test_a_row_that_lacks_something_is_named(
    bench: Bench, recipe: str, bad: Any, said: str, where: str
) -> None:
    rows = [*GOOD, bad, GOOD[0]]
    if where == "train":
        message = refusal(bench, recipe, rows)
    else:
        dev = write_lines(bench.folder / "dev.jsonl", rows)
        message = refusal(bench, recipe, GOOD, dev=dev)
    assert said in message
    assert f"{'run' if where == 'train' else 'dev'}.jsonl" in message
    assert "line 3" in message


@pytest.mark.parametrize("how", ["nothing", "blank"])
def test_an_empty_file_is_refused(bench: Bench, how: str) -> None:
    for ending in (".jsonl", ".txt"):
        path = bench.folder / f"empty{ending}"
        path.write_text("" if how == "nothing" else "\n \n", encoding="utf-8")
        with pytest.raises(TextgenError, match="empty"):
            bench.train("gpt2", rows=path)


def test_a_label_that_only_the_dev_file_has_is_refused(bench: Bench) -> None:
    dev = write_lines(bench.folder / "dev.jsonl", [GOOD[0], GOOD[1] | {"label": "乙"}])
    message = refusal(bench, "conditional", GOOD, dev=dev)
    assert "the label '乙' is in no row that is trained on" in message
    assert "line 2" in message
    assert "甲" in message


def test_labels_may_be_numbers(bench: Bench) -> None:
    rows = [row | {"label": number % 2} for number, row in enumerate(some_texts(6))]
    bench.train("conditional", rows=rows)
    config = json.loads((bench.folder / "run" / "config.json").read_text(encoding="utf-8"))
    assert config["styles"] == ["0", "1"]


def test_fields_may_have_other_names(bench: Bench) -> None:
    rows = [{"正文": row["text"], "标题": row["title"], "site": "a"} for row in some_pairs(6)]
    bench.train("title", rows=rows, text_field="正文", title_field="标题", source_field="site")
    assert bench.train(
        "title",
        "weighted",
        rows,
        text_field="正文",
        title_field="标题",
        source_field="site",
        weight={"a": 2.0},
    ).finished
    with pytest.raises(TextgenError, match="标题"):
        bench.train("title", "other", title_field="标题")


@pytest.mark.parametrize(("how", "count"), [({}, 3), ({"whole": True}, 1), ({"format": "jsonl"}, 3)])
def test_files_are_read_as_the_options_say(bench: Bench, how: dict[str, Any], count: int) -> None:
    lines = [
        json.dumps({"text": some_text(12, n)}) if "format" in how else some_text(12, n) for n in range(3)
    ]
    path = bench.folder / ("rows.list" if "format" in how else "rows.txt")
    path.write_text("\n".join(lines), encoding="utf-8")
    bench.train("gpt2", rows=path, stopped=Countdown(1), **how)
    assert Arrays(bench.folder / "run" / "data").about["rows"] == count
    settings = json.loads((bench.folder / "run" / "run.json").read_text(encoding="utf-8"))
    assert settings["reading"]["lines"] == ("whole" not in how)
    assert settings["options"].keys().isdisjoint({"text_field", "source_field", "whole", "format"})


def test_tables_and_texts_are_the_same_rows(bench: Bench) -> None:
    texts = [row["text"] for row in some_texts(8)]
    files = {
        "a.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in texts),
        "a.csv": "text\n" + "".join(f"{text}\n" for text in texts),
        "a.txt": "".join(f"{text}\n" for text in texts),
    }
    models = set()
    for name, content in files.items():
        (bench.folder / name).write_text(content, encoding="utf-8")
        bench.train("gpt2", name.replace(".", "-"), bench.folder / name)
        models.add((bench.folder / name.replace(".", "-") / "model.safetensors").read_bytes())
    assert len(models) == 1


def test_a_line_with_nothing_to_see_is_left_out_of_a_text(bench: Bench) -> None:
    texts = [row["text"] for row in some_texts(8)]
    models = set()
    for name, blank in (("without", ""), ("with", "\u200b\ufeff\n\u2028\n")):
        (bench.folder / f"{name}.txt").write_text(f"{texts[0]}\n{blank}" + "\n".join(texts[1:]), "utf-8")
        bench.train("gpt2", name, bench.folder / f"{name}.txt")
        models.add((bench.folder / name / "model.safetensors").read_bytes())
    assert len(models) == 1


def weights_of_sources(bench: Bench, rows: list[dict[str, Any]], **options: Any) -> dict[str, int]:
    """How many of an epoch's examples are from each source."""
    bench.train("bert", rows=rows, stopped=lambda: True, bucketing=False, **options)
    arrays = Arrays(bench.folder / "run" / "data")
    names = arrays.about["sources"]
    return {name: int((arrays.numbers("source") == n).sum()) for n, name in enumerate(names)}


def test_sources_are_named_by_a_field_or_the_file(bench: Bench) -> None:
    rows = some_texts(6)
    rows[0]["source"] = rows[1]["source"] = "news"
    assert weights_of_sources(bench, rows) == {"news": 2, "run.jsonl": 4}


def test_a_weight_of_no_source_is_refused(bench: Bench) -> None:
    message = refusal(bench, "gpt2", some_texts(6), weight={"new": 0.5})
    assert "weight new: no row is of that source" in message
    assert "run.jsonl" in message
    with pytest.raises(UsageError, match="leaves no rows"):
        bench.train("gpt2", "none", weight={"none.jsonl": 0.0})


def notes(bench: Bench) -> list[str]:
    return [event.text for event in bench.events if isinstance(event, Note) and "warning" in event.text]


def test_rows_of_the_dev_file_that_are_trained_on_are_told_of(bench: Bench) -> None:
    long = some_text(100, 77)
    rows = [*some_texts(5), {"text": long}]
    same = rows[1]["text"]
    dev = [
        {"text": f" {same[:3]} {same[3:-1]}！"},  # but for white space and punctuation
        {"text": long[:64] + "天地"},  # a text that begins so
        {"text": some_text(20, 99)},
    ]
    path = write_lines(bench.folder / "dev.jsonl", dev)
    bench.train("bert", rows=rows, dev=path)
    (note,) = notes(bench)
    assert "2 of 3 rows of the dev file are trained on" in note
    assert "run.jsonl, line 2" in note


def test_where_nothing_leaks_nothing_is_said(bench: Bench) -> None:
    dev = [{"text": some_text(80, 200)[:63] + "天"}, {"text": "春"}]
    rows = [{"text": some_text(80, 200)}, *some_texts(3)]
    bench.train("bert", rows=rows, dev=write_lines(bench.folder / "dev.jsonl", dev))
    assert not notes(bench)


def test_reading_is_told_of(bench: Bench) -> None:
    bench.train("bert", rows=[{"text": "春夏"}] * 2100, steps=1)
    assert [event.done for event in bench.events if isinstance(event, Progress)] == [1000, 2000]


def test_a_file_that_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"missing\.jsonl"):
        train("gpt2", [Path("missing.jsonl")], bench.folder / "run")


def test_what_was_read_is_read_once(bench: Bench) -> None:
    """A run that goes on takes the examples as they lie, and reads a torn part anew."""
    bench.train("conditional", stopped=Countdown(2))
    about = bench.folder / "run" / "data" / "about.json"
    stamp = about.stat().st_mtime_ns
    bench.train("conditional", resume=True, stopped=Countdown(1))
    assert about.stat().st_mtime_ns == stamp
    ids = bench.folder / "run" / "data" / "text.ids"
    whole = ids.read_bytes()
    ids.write_bytes(whole[:-4])
    bench.train("conditional", resume=True, stopped=Countdown(1))
    assert about.stat().st_mtime_ns != stamp
    assert ids.read_bytes() == whole


@pytest.mark.parametrize(
    ("recipe", "options", "said"),
    [
        ("title", {"title_length": 8}, "titles longer than title_length 8, which are cut: 2"),
        ("title", {"title_length": 9}, None),
        ("conditional", {"length": 8}, "texts longer than length 8, which are cut: 1"),
    ],
)
def test_what_is_cut_is_counted(bench: Bench, recipe: str, options: Any, said: str | None) -> None:
    """Rows of the dev file are not counted among them."""
    rows = [
        {"text": "春夏", "title": "东南西北红黄蓝绿大"},
        {"text": "春夏秋冬风花雪", "title": "东南西北红黄蓝绿大"},
    ]
    rows = [row | {"label": "甲"} for row in [*rows, {"text": "春夏秋冬风花", "title": "东南西北红黄蓝绿"}]]
    dev = write_lines(bench.folder / "dev.jsonl", rows)
    bench.train(recipe, rows=rows, dev=dev, **options)
    notes = [event.text for event in bench.events if isinstance(event, Note)]
    assert [note for note in notes if "longer" in note] == ([said] if said else [])
    card = (bench.folder / "run" / "CARD.md").read_text(encoding="utf-8")
    assert f"- note: {said}" in card or not said
    assert "- note: 3 of 3 rows of the dev file are trained on, too" in card
