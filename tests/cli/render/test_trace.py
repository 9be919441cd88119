"""`--trace`: every step is there, as JSON that others read, and whole lines whatever happens."""

from __future__ import annotations

import json
from math import inf, nan
from pathlib import Path

import pytest

from textgen.cli.observers import Observation, check_observation, observing
from textgen.cli.render.trace import Trace, line, tracing
from textgen.errors import TextgenError, UsageError
from textgen.events import ChainStep, Note, Progress, Steps, ignore

STEP = ChainStep("甲", 1, 7, "insert", True, False, -12.345678, "春天\n“来”了", (2, 3), 6)


def steps(count):
    return [
        ChainStep("1", 0, n, "replace", True, True, -1.0, f"第{n}步", (0, 1), 3) for n in range(1, count + 1)
    ]


def read(path):
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]


def refused(observation, others=(), *, force=False):
    with pytest.raises(UsageError) as caught:
        check_observation(observation, list(others), force=force)
    assert caught.value.hint
    return caught.value.message


def test_a_line_has_all_fields():
    text = line(STEP)
    assert "春天" in text
    assert "\n" not in text
    assert json.loads(text) == {
        "name": "甲",
        "chain": 1,
        "step": 7,
        "move": "insert",
        "accepted": True,
        "changed": False,
        "log_target": -12.3457,
        "text": "春天\n“来”了",
        "edited": [2, 3],
        "tokens": 6,
    }


@pytest.mark.parametrize("value", [-inf, inf, nan])
def test_what_is_no_number_is_null(value):
    text = line(ChainStep("1", 0, 1, "insert", False, False, value, "", (0, 0), 0))
    assert json.loads(text)["log_target"] is None


def test_only_steps_are_written_and_everything_is_passed_on(tmp_path):
    path, seen = tmp_path / "t.jsonl", []
    events = [Note("a"), *steps(3), Steps(3, 3), Progress(1, 1)]
    with observing(Observation(trace=path), seen.append) as on_event:
        for event in events:
            on_event(event)
    assert [entry["text"] for entry in read(path)] == ["第1步", "第2步", "第3步"]
    assert seen == events


def test_a_trace_can_be_followed(tmp_path):
    trace = Trace(tmp_path / "t.jsonl")
    for number, step in enumerate(steps(3), 1):
        trace(step)
        assert len(read(trace.path)) == number
    trace.close()


def test_the_file_is_closed_in_the_end(tmp_path):
    with tracing(tmp_path / "t.jsonl") as trace:
        trace(STEP)
    with pytest.raises(ValueError, match="closed file"):
        trace(STEP)


def test_lone_surrogates_come_back(tmp_path):
    path = tmp_path / "t.jsonl"
    with observing(Observation(trace=path), ignore) as on_event:
        on_event(ChainStep("\udc80", 0, 1, "insert", True, True, 0.0, "春\ud800", (0, 0), 1))
    [entry] = read(path)
    assert (entry["name"], entry["text"]) == ("\udc80", "春\ud800")


@pytest.mark.parametrize("error", [KeyboardInterrupt, TextgenError("broken"), GeneratorExit])
def test_what_was_seen_is_kept(tmp_path, error):
    path = tmp_path / "t.jsonl"
    with pytest.raises(type(error) if isinstance(error, Exception) else error):  # noqa: SIM117
        with observing(Observation(trace=path), ignore) as on_event:
            for step in steps(5):
                on_event(step)
            raise error
    assert len(read(path)) == 5


def test_a_run_without_steps_leaves_an_old_file_alone_and_says_so(tmp_path):
    path, seen = tmp_path / "t.jsonl", []
    path.write_text("precious", encoding="utf-8")
    check_observation(Observation(trace=path), [], force=True)
    with observing(Observation(trace=path), seen.append) as on_event:
        on_event(Progress(1, 1))
    assert path.read_text(encoding="utf-8") == "precious"
    [_, note] = seen
    assert note == Note(f"no chain made a step; not written: {path}")


def test_an_old_file_is_overwritten(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("old\n" * 99, encoding="utf-8")
    with observing(Observation(trace=path), ignore) as on_event:
        on_event(steps(1)[0])
    assert len(read(path)) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write on")
def test_a_full_disk_is_one_line():
    with pytest.raises(TextgenError, match="writing /dev/full failed: No space left on device"):  # noqa: SIM117
        with observing(Observation(trace=Path("/dev/full")), ignore) as on_event:
            on_event(steps(1)[0])


def test_files_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "old.jsonl").write_text("precious", encoding="utf-8")
    path = tmp_path / "old.jsonl"
    assert "Is a directory" in refused(Observation(trace=tmp_path / "folder.jsonl"), force=True)
    assert "cannot have this ending" in refused(Observation(trace=tmp_path / "t.json"))
    assert "exists" in refused(Observation(trace=path))
    assert "is also another" in refused(Observation(trace=path), [path], force=True)
    assert "No such file" in refused(Observation(trace=tmp_path / "none" / "t.jsonl"))
    assert "File name too long" in refused(Observation(trace=tmp_path / f"{'长' * 300}.jsonl"))
    assert path.read_text(encoding="utf-8") == "precious"


def test_the_output_may_not_be_the_trace_though_neither_is_there_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "is also another" in refused(
        Observation(trace=Path("a.jsonl")), [tmp_path / "x" / ".." / "a.jsonl"]
    )


def test_a_link_to_an_input_is_that_input(tmp_path):
    (tmp_path / "in.jsonl").write_text("precious", encoding="utf-8")
    (tmp_path / "t.jsonl").symlink_to(tmp_path / "in.jsonl")
    found = refused(Observation(trace=tmp_path / "t.jsonl"), [tmp_path / "in.jsonl"], force=True)
    assert "is also another" in found


def test_checking_leaves_nothing_behind(tmp_path):
    check_observation(Observation(trace=tmp_path / "t.jsonl"), [tmp_path / "o.jsonl"], force=False)
    assert list(tmp_path.iterdir()) == []


def test_the_steps_of_a_real_chain_are_told(call_compose, tmp_path):
    path = tmp_path / "t.jsonl"
    with observing(Observation(trace=path), ignore) as on_event:
        call_compose(on_event)
    entries = read(path)
    steps = [entry["step"] for entry in entries if entry["chain"] == 0]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 12
    assert all("春天" in entry["text"] for entry in entries)


@pytest.fixture
def call_compose():
    import textgen
    from textgen.schema import Row

    return lambda on_event: textgen.load("compose").generate(
        [Row("", name="1", keywords=("春天",))], steps=12, seed=1, on_event=on_event
    )
