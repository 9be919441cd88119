"""A run over files: a record a row in their order, whatever computes them and however they are divided."""

import json
import os
import random
import threading

import echo_backend
import pytest
from echo import BAD, read_records, some_texts, write_rows
from echo_backend import EchoBackend

import textgen
from textgen.batch.manifest import read_manifest
from textgen.batch.output import Output
from textgen.errors import UsageError
from textgen.files.formats.registry import output_formats
from textgen.schema import Candidate

bench = pytest.fixture(echo_backend.bench)


def listing(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def texts_of(path) -> dict[str, str]:
    return {record["id"]: record["candidates"][0]["text"] for record in read_records(path)}


def test_there_is_a_record_a_row_in_their_order(bench):
    texts = some_texts(30)
    assert bench.run() == 0
    records = read_records(bench.out)
    assert [record["id"] for record in records] == [str(n) for n in range(1, 31)]
    assert all(
        record["candidates"][0]["text"].startswith(text[::-1])
        for text, record in zip(texts, records, strict=True)
    )
    assert len(bench.computed) == 30
    assert bench.computed != [record["id"] for record in records], "rows of one size were computed together"
    assert listing(bench.folder) == [
        "model",
        "model/config.json",
        "model/model.safetensors",
        "o.jsonl",
        "o.jsonl.manifest.json",
        "rows.jsonl",
    ]


@pytest.mark.parametrize(
    ("rows", "code", "errors"),
    [
        (some_texts(9), 0, 0),
        (some_texts(9, bad=3), 3, 3),
        (some_texts(9, bad=1), 1, 9),
        ([{"text": 3}, {"text": "春天"}], 3, 1),
        ([{"text": None}, {"text": 4}], 1, 2),
    ],
    ids=["good", "some bad", "all bad", "one unreadable", "none readable"],
)
def test_error_rows_are_records_and_told_by_the_exit_code(bench, capsys, rows, code, errors):
    bench.give(rows)
    assert bench.run() == code
    records = read_records(bench.out)
    assert len(records) == len(rows)
    assert sum(record["error"] is not None for record in records) == errors
    assert all((record["error"] is None) == bool(record["candidates"]) for record in records)
    assert read_manifest(Output(bench.out).manifest).errors == errors
    err = capsys.readouterr().err
    assert f"wrote {len(rows)} records" in err
    assert err.count("error: ") == errors


def test_the_library_tells_what_became_of_a_run(bench):
    bench.give(some_texts(10, bad=5))
    told = []
    options = {"model": str(bench.model), "seed": 7, "workers": 1, "batch_size": 2}
    summary = textgen.run_batch("sample", bench.rows, bench.out, on_event=told.append, **options)
    assert (summary.rows, summary.errors, summary.computed) == (10, 2, 10)
    assert (told[-1].done, told[-1].total, told[-1].errors) == (10, 10, 2)
    assert bench.out.read_bytes() == bench.whole()
    summary = textgen.run_batch("sample", [bench.rows], str(bench.out), resume=True, **options)
    assert (summary.rows, summary.errors, summary.computed) == (10, 2, 0)
    with pytest.raises(UsageError, match="exists"):
        textgen.run_batch("sample", bench.rows, bench.out, **options)
    with pytest.raises(UsageError, match="is no file"):
        textgen.run_batch("sample", bench.rows, "-", **options)


def test_a_strict_run_stops_at_the_first_error_and_keeps_what_was_before(bench, capsys):
    bench.give(some_texts(30, bad=13))
    assert bench.run("--strict") == 1
    err = capsys.readouterr().err
    assert "13: the text is bad" in err
    assert "--strict" in err
    assert not bench.out.exists()
    assert [record["id"] for record in read_records(bench.part)] == [str(n) for n in range(1, 13)]
    assert bench.run("--resume") == 3
    assert bench.out.read_bytes() == bench.whole()


def test_an_output_is_not_overwritten_without_force(bench):
    assert bench.run() == 0
    files = {path: path.read_bytes() for path in bench.folder.iterdir() if path.is_file()}
    assert bench.run("--seed", 8) == 2
    assert bench.run("--seed", 8, "--batch-size", 4) == 2
    assert not bench.computed
    assert {path: path.read_bytes() for path in bench.folder.iterdir() if path.is_file()} == files
    assert bench.run("--seed", 8, "--force") == 0
    assert bench.out.read_bytes() == bench.whole("--seed", 8) != files[bench.out]


def test_force_replaces_only_at_the_end(bench, monkeypatch):
    assert bench.run() == 0
    old, seen = bench.out.read_bytes(), []
    prepare = EchoBackend.prepare

    def look(self, *args):
        seen.append(bench.out.read_bytes() == old)
        return prepare(self, *args)

    monkeypatch.setattr(EchoBackend, "prepare", look)
    assert bench.run("--seed", 8, "--force") == 0
    assert seen == [True] * 30
    assert bench.out.read_bytes() != old


def test_shards_joined_are_the_whole(bench):
    bench.give(some_texts(31, bad=10))
    parts = []
    for number in (3, 1, 2):
        out = bench.folder / f"{number}.jsonl"
        assert bench.run("--shard", f"{number}/3", out=out) == 3
        parts.append((number, out.read_bytes()))
    assert b"".join(part for _, part in sorted(parts)) == bench.whole()


def test_shards_go_into_one_folder(bench):
    out = bench.folder / "out"
    for number in (1, 2):
        assert bench.run("--shard", f"{number}/2", out=f"{out}/") == 0
    files = sorted(out.glob("*.jsonl"))
    assert [file.name for file in files] == ["part-00001-of-00002.jsonl", "part-00002-of-00002.jsonl"]
    assert b"".join(file.read_bytes() for file in files) == bench.whole()
    bench.give(some_texts(2))
    assert bench.run("--shard", "1/3", out=f"{out}/") == 2, "a shard without rows"


@pytest.mark.parametrize("name", ["", "part*.jsonl", "*.jsonl"])
def test_an_output_in_the_folder_of_the_input_is_not_read(bench, name):
    data = bench.folder / "data"
    data.mkdir()
    write_rows(data / "part of it.jsonl", some_texts(30, bad=7))
    args = [str(data / name) if arg == str(bench.rows) else arg for arg in bench.args(out=f"{data}/")]
    for number, flag in ((1, ()), (2, ()), (1, ("--force",)), (2, ("--resume",)), (1, ("--retry-errors",))):
        assert echo_backend.run([*args, "--shard", f"{number}/2", *flag]) in (0, 3)
    records = [record for path in sorted(data.glob("part-*-of-*2.jsonl")) for record in read_records(path)]
    assert len(records) == 30
    for path in data.glob("part-*"):
        path.unlink()
    table = [str(data / "o.csv") if arg == f"{data}/" else arg for arg in args]
    for flag in ("--resume", "--force", "--retry-errors"):
        assert echo_backend.run([*table, flag]) in (0, 3)
        assert len(read_records(data / "o.csv.records.jsonl")) == 30


@pytest.mark.parametrize("there", [True, False])
def test_a_link_as_output_stays_a_link(bench, there):
    far, link = bench.folder / "far", bench.folder / "o.jsonl"
    far.mkdir()
    if there:
        (far / "here.jsonl").touch()
    link.symlink_to(far / "here.jsonl")
    assert bench.run(*(("--force",) if there else ())) == 0
    assert link.is_symlink()
    assert sorted(path.name for path in far.iterdir()) == ["here.jsonl", "here.jsonl.manifest.json"]
    assert link.read_bytes() == (far / "here.jsonl").read_bytes() == bench.whole()
    assert bench.run() == 2, "it is there"
    assert bench.run("--resume") == 0


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_size_of_batches_changes_nothing(bench, size):
    bench.give(some_texts(40, bad=9))
    assert bench.run("--batch-size", size) == 3
    assert bench.out.read_bytes() == bench.whole("--batch-size", 16)


def test_the_order_of_rows_with_ids_changes_no_text(bench):
    rows = [{"id": f"甲{n}", "text": text} for n, text in enumerate(some_texts(40))]
    bench.give(rows)
    assert bench.run() == 0
    before = texts_of(bench.out)
    random.Random(3).shuffle(rows)
    bench.give(rows)
    assert bench.run("--force") == 0
    assert texts_of(bench.out) == before
    assert list(texts_of(bench.out)) == [row["id"] for row in rows]


def test_a_stream_has_the_same_records(bench, capfd):
    bench.give(some_texts(30, bad=7))
    assert bench.run(out="-") == 3
    streamed = capfd.readouterr().out
    assert streamed.encode() == bench.whole()
    assert bench.run("--shard", "2/3", out="-") == 3
    assert capfd.readouterr().out in streamed


def test_a_pipe_gets_the_records(bench, capfd):
    pipe = bench.folder / "pipe.jsonl"
    os.mkfifo(pipe)
    keeper = os.open(pipe, os.O_RDWR)  # so that nobody waits for the other end
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.extend(pipe.open("rb")))
    reader.start()
    try:
        assert bench.run(out=pipe) == 0
    finally:
        os.write(keeper, b"\n")
        os.close(keeper)
        reader.join(10)
    assert capfd.readouterr().out == ""
    assert b"".join(got).strip() == bench.whole().strip()


@pytest.mark.parametrize("device", ["/dev/null"])
def test_what_goes_to_a_device_is_not_on_stdout(bench, capfd, device):
    assert bench.run(out=device) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "folder/", "a/b/"])
def test_a_run_that_cannot_begin_leaves_nothing_behind(bench, monkeypatch, name):
    def refuse(self, options):
        raise UsageError("the model cannot do that")

    before = listing(bench.folder)
    with monkeypatch.context() as patch:
        patch.setattr(EchoBackend, "check", refuse)
        assert bench.run(out=f"{bench.folder}/{name}") == 2
        assert listing(bench.folder) == before
    assert bench.run(out=f"{bench.folder}/{name}") == 0


def test_a_run_that_cannot_begin_leaves_a_finished_one_as_it_was(bench, monkeypatch):
    def refuse(self, options):
        raise UsageError("the model cannot do that")

    assert bench.run() == 0
    files = {path: path.read_bytes() for path in bench.folder.iterdir() if path.is_file()}
    monkeypatch.setattr(EchoBackend, "check", refuse)
    assert bench.run("--force", "--seed", 8) == 2
    assert {path: path.read_bytes() for path in bench.folder.iterdir() if path.is_file()} == files


def test_a_fresh_seed_is_in_the_records_and_in_the_manifest(bench, capsys):
    args = bench.args()
    at = args.index("--seed")
    assert echo_backend.run(args[:at] + args[at + 2 :]) == 0
    seed = read_manifest(Output(bench.out).manifest).options["seed"]
    assert {record["seed"] for record in read_records(bench.out)} == {seed}
    assert f"seed {seed}" in capsys.readouterr().err
    assert bench.out.read_bytes() == bench.whole("--seed", seed)


@pytest.mark.parametrize("suffix", [end for end, one in output_formats().items() if not one.is_journal])
def test_a_neighbour_of_the_output_is_left_alone(bench, suffix):
    neighbour = bench.folder / f"o.new{suffix}"
    neighbour.write_text("precious", encoding="utf-8")
    assert bench.run(out=bench.folder / f"o{suffix}") == 0
    assert neighbour.exists()
    assert neighbour.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("suffix", [end for end, one in output_formats().items() if not one.is_journal])
def test_texts_without_a_log_probability_make_a_table(bench, monkeypatch, suffix):
    def compute(self, batch, *args):
        return [[Candidate(item.row.text, 0.0, "none", None, 1, "stop")] for item in batch]

    monkeypatch.setattr(EchoBackend, "compute", compute)
    assert bench.run(out=bench.folder / f"o{suffix}") == 0


@pytest.mark.parametrize("suffix", output_formats())
def test_a_lone_surrogate_keeps_no_run_from_its_end(bench, suffix):
    rows = [
        {"text": "春\ud800天", "id": "\udfff", "more": ["\udc80"]},
        {"text": f"坏{BAD}\ud800", "\ud801": "\ud802"},
    ]
    bench.give(rows)
    assert json.loads(bench.rows.read_text(encoding="utf-8").splitlines()[0]) == rows[0]
    assert bench.run("--keep-fields", out=bench.folder / f"o{suffix}") == 3
    assert (bench.folder / f"o{suffix}").stat().st_size


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_line_n_of_a_text_output_belongs_to_line_n_of_the_input(bench, shards):
    lines = ["", "春天", "", "\u200b", f"夏天{BAD}", "秋天", "", ""]
    bench.rows = bench.folder / "a.txt"
    other = bench.folder / "b.txt"
    bench.rows.write_text("\n".join(lines), encoding="utf-8")
    other.write_bytes("\r\n".join(lines).encode())
    joined = ""
    for shard in range(1, shards + 1):
        out = bench.folder / f"{shard}.txt"
        assert bench.run("-i", other, "--shard", f"{shard}/{shards}", out=out) in (0, 3)
        assert bench.run("-i", other, "--shard", f"{shard}/{shards}", "--retry-errors", out=out) in (0, 1, 3)
        joined += out.read_text(encoding="utf-8")
    expected = ["", "天春", "", "", "", "天秋", ""] * 2
    assert [line[:2] for line in joined.split("\n")] == [*expected, ""]


def test_a_text_that_is_resumed_has_its_empty_lines(bench):
    bench.rows, bench.out = bench.folder / "a.txt", bench.folder / "o.txt"
    bench.rows.write_text("\n\n".join(some_texts(20)), encoding="utf-8")
    whole = bench.whole()
    assert [not line for line in whole.split(b"\n")] == [False, True] * 20
    bench.interrupt(5)
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole
