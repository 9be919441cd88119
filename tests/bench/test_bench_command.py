"""textgen bench: every measure in every precision, beside a reference; on toys, for a moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from terminals import Terminal

from textgen.bench import model, processes, run
from textgen.bench.figures import JOBS, Figure, Machine, Report, reference, rounded
from textgen.bench.jobs import ARTICLES, FREE, LENGTH, LOADS, MEASURES, NAMES, SENTENCE, START, article
from textgen.cli.commands.bench import BenchRun, Job
from textgen.cli.main import run as textgen
from textgen.errors import TextgenError
from textgen.models.place import Place
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer

MACHINE = Machine("an abacus", "Linux x86_64", 2, 1, "cpu", "2.13.0", "0.1.0", "int8")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def toys(small_as_shipped: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Small models, and no processes; the articles and the reference are there."""

    def cold_title(precision: str, place: Place) -> list[Figure]:
        return [Figure("start", START, "s", precision, 2.5, 400_000_000)]

    monkeypatch.setattr(run, "cold_title", cold_title)
    monkeypatch.setattr(run, "measured", model.figures_of)
    monkeypatch.setattr("os.getloadavg", lambda: (0.1, 2.0, 2.0))
    monkeypatch.setattr(run, "PROBLEMS", {"bf16": lambda: "none here", "int8": lambda: "none here"})
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*args: str) -> tuple[int, str, str]:
        code = textgen(["bench", "--seconds", "0.001", *args])
        return code, *capsys.readouterr()

    return call


def test_the_command_names_the_jobs_that_there_are() -> None:
    assert get_args(Job) == JOBS
    assert {measure.job for measure in MEASURES} | {"start", "load"} == {*JOBS}
    assert all(job in str(BenchRun.model_fields["only"].description) for job in JOBS)
    assert BenchRun.model_fields["seconds"].default == run.SECONDS
    assert all(Path(article(name)).is_file() for name in ARTICLES)
    assert len(load_tokenizer(find_model("bert")).encode(SENTENCE)) == LENGTH
    assert len(load_tokenizer(find_model("bert")).encode(SENTENCE[FREE:])) == LENGTH - FREE


def test_json_has_every_measure_with_that_of_the_reference(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "rate", lambda work, most, seconds: 12.0)
    code, out, err = call("--json", "--precision", "fp32")
    found = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert {*found} == {"machine", "results"}
    assert {*found["machine"]} == {*Machine.__dataclass_fields__}
    assert tuple(one["name"] for one in found["results"]) == NAMES
    for one in found["results"]:
        assert {*one} == {"job", "name", "unit", "precision", "value", "memory", "reference"}
        assert one["precision"] == "fp32"
        assert one["value"] > 0
        assert one["memory"] > 100e6
    again = Report.of(found)
    assert again.to_dict()["results"] == [one | {"reference": None} for one in found["results"]]
    path = tmp_path / "reference.json"
    path.write_text(out, encoding="utf-8")
    assert reference(path) == again


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"machine": {}, "results": []}', "\udcff"], ids=ascii
)
def test_a_reference_that_is_just_being_written_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "reference.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert reference(path) is None
    assert reference(tmp_path / "nothing.json") is None


def test_the_reference_that_ships_has_what_is_measured() -> None:
    known = reference()
    assert known is not None
    assert {one.name for one in known.figures} == {*NAMES}
    assert len({one.key for one in known.figures}) == len(known.figures)
    assert {"fp32", "int8"} <= {one.precision for one in known.figures}
    assert not known.machine.busy


def test_only_some_jobs_are_measured_in_every_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROBLEMS", {"bf16": lambda: None, "int8": lambda: "none here"})
    told: list[tuple[str, int, int]] = []
    report = run.bench(("gibbs", "load"), seconds=0.001, on_measure=lambda *one: told.append(one))
    assert [(one.name, one.precision) for one in report.figures] == [
        ("Gibbs, 32 chains of 20", "fp32"),
        ("Gibbs, 32 chains of 20", "bf16"),
        *((name, precision) for name in LOADS.values() for precision in ("fp32", "bf16")),
    ]
    assert told == [
        ("title (load), fp32", 1, 6),
        ("gpt2 (load), fp32", 2, 6),
        ("bert (gibbs, load), fp32", 3, 6),
        ("title (load), bf16", 4, 6),
        ("gpt2 (load), bf16", 5, 6),
        ("bert (gibbs, load), bf16", 6, 6),
    ]


def test_threads_are_those_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def rate(work: Any, most: int, seconds: float) -> float:
        seen.append(work.args[-1].place)
        return 1.0

    monkeypatch.setattr("textgen.compute.processors", lambda: 8)
    monkeypatch.setattr(model, "rate", rate)
    report = run.bench(("sample",), precision="fp32", threads=3)
    assert report.machine.threads == 3
    assert seen == [Place("cpu", 3)] * 3


def test_every_work_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a rate counts is what was written."""
    counted: list[float] = []

    def rate(work: Any, most: int, seconds: float) -> float:
        counted.append(work(1))
        return 1.0

    monkeypatch.setattr(model, "rate", rate)
    run.bench(("title", "sample", "gibbs", "cgmh"), precision="fp32")
    title, one, sixteen, sixty_four, gibbs, cgmh = counted
    assert title == 1
    assert 1 <= one <= 8
    assert one < sixteen <= 16 * 8
    assert sixteen < sixty_four <= 64 * 8
    assert gibbs == 32 * 4 / 20
    assert cgmh == 16


def test_a_table_has_a_column_a_precision_and_the_reference(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Report(MACHINE, [Figure("load", "load bert", "s", "fp32", 123.456)])
    monkeypatch.setattr("textgen.bench.figures.reference", lambda: known)
    code, out, err = call("--only", "load", "--only", "start", "--precision", "fp32")
    assert (code, err) == (0, "")
    assert "reference: an abacus, 1 thread, torch 2.13.0, textgen 0.1.0" in out
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines() if "│" in line]
    assert [row[-1] for row in rows if row[0] == "load bert"] == ["123"]
    assert [row[-1] for row in rows if row[0] == "load title"] == [""]
    assert [START, "s", "2.50", ""] in rows
    assert ["memory: title from a cold start", "MB", "400", ""] in rows


def test_a_terminal_shows_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = []

    def cold_title(precision: str, place: Place) -> list[Figure]:
        shown.append(terminal.shown)
        return []

    monkeypatch.setattr(run, "cold_title", cold_title)
    assert textgen(["bench", "--only", "start", "--json", "--precision", "fp32"]) == 0
    assert f"{START}, fp32" in shown[0]
    assert "loading torch" in terminal.getvalue()
    assert f"{START}, fp32" not in terminal.shown, "it is taken off in the end"


def test_a_busy_machine_is_warned_of(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (2.345, 0.0, 0.0))
    monkeypatch.setattr(run, "cores", lambda: 2)
    code, out, err = call("--only", "start", "--json", "--precision", "fp32")
    assert (code, json.loads(out)["machine"]["load"]) == (0, 2.35)
    busy = "the machine is busy (load 2.4 on 2 cores), or was a minute ago"
    assert err == f"warning: {busy}: do not trust the figures\n"
    assert call("--only", "start", "--json", "--quiet", "--precision", "fp32")[2] == ""


def test_ctrl_c_ends_it(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "rate", interrupted)
    assert call("--only", "sample", "--json") == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--precision", "bf16"), "--precision bf16: not here"),
        (("--only", "poems"), "--only poems"),
        (("--device", "cuda"), "no GPU"),
        (("--threads", "0"), "--threads"),
        (("--seconds", "0"), "--seconds"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    call: Call, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], words: str
) -> None:
    monkeypatch.setitem(sys.modules["textgen.models.precision"].PROBLEMS, "bf16", lambda: "not here")
    monkeypatch.setattr("textgen.models.place.has_gpu", lambda: False)
    code, out, err = call(*args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err


def test_a_text_that_fails_is_no_figure(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.bench.jobs.WORDS", ("\x00",))
    code, out, err = call("--only", "cgmh", "--precision", "fp32")
    assert (code, out) == (1, "")
    assert "a text to measure with failed" in err


def test_a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(TextgenError, match="a process to measure with failed: ValueError: so it is"):
        processes.run_script("raise ValueError('so it is')", [])
    assert processes.run_script("import sys, textgen; print(sys.argv[1:])", ["春"]) == "['春']\n"


def test_a_process_of_its_own_loads_a_model() -> None:
    [figure] = processes.measured("bert", "fp32", Place("cpu", 1), ["load"], 0.01)
    assert figure.name == "load bert"
    assert figure.value > 0
    assert figure.memory > 100e6


@pytest.mark.slow
def test_a_title_starts_cold() -> None:
    [figure] = processes.cold_title("fp32", Place("cpu", 1))
    assert figure.value > 0.5
    assert figure.memory > 100e6


@pytest.mark.parametrize(("value", "shown"), [(1234.567, 1235), (0.0123456, 0.01235), (12.0, 12)])
def test_values_have_the_digits_that_mean_something(value: float, shown: float) -> None:
    assert rounded(value) == shown
