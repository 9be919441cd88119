"""A run is taken up only as what it was: what is not given is as it was, and what differs is named."""

from dataclasses import replace

import echo_backend
import pytest
from echo import some_texts
from echo_backend import ending

from textgen.batch.manifest import read_manifest
from textgen.batch.output import Output
from textgen.models.precision import PROBLEMS

bench = pytest.fixture(echo_backend.bench)


def state(folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--seed", 8), "options.seed 7, now 8"),
        (("--batch-size", 4), "options.batch_size 2, now 4"),
        (("-n", 2), "options.num_candidates 1, now 2"),
        (("--shard", "1/2"), "input.shard"),
        (("--keep-fields",), "input.keep_fields false, now true"),
    ],
    ids=["seed", "batch", "candidates", "shard", "fields"],
)
def test_another_run_is_refused_and_what_differs_is_named(bench, capsys, finished, flags, named):
    if finished:
        assert bench.run() == 0
    else:
        bench.interrupt(9)
    files = state(bench.folder)
    assert bench.run("--resume", *flags) == 2
    err = capsys.readouterr().err
    assert named in err
    assert "--force" in err
    assert state(bench.folder) == files


def test_csv_for_spreadsheets_goes_on_as_such_only(bench, capsys):
    bench.out = bench.folder / "o.csv"
    bench.give([{"id": f"={number}", "text": text} for number, text in enumerate(some_texts(30))])
    whole = bench.whole("--csv-safe")
    assert b"\r\n'=29," in whole
    bench.interrupt(9, "--csv-safe")
    assert bench.run("--resume") == 2
    assert "output.csv_safe true, now null" in capsys.readouterr().err
    assert bench.run("--resume", "--csv-safe") == 0
    assert bench.out.read_bytes() == whole
    assert bench.run("--resume") == 2
    assert bench.run("--csv-safe", out=bench.folder / "o.jsonl") == 2
    assert "--csv-safe is for CSV" in capsys.readouterr().err


def test_another_input_is_refused(bench, capsys):
    bench.interrupt(9)
    bench.give([*some_texts(29), "雨"])
    assert bench.run("--resume") == 2
    assert "the input has changed" in capsys.readouterr().err
    bench.give(some_texts(31))
    assert bench.run("--resume") == 2
    assert "input.rows 30, now 31" in capsys.readouterr().err


def test_the_seed_is_that_of_the_earlier_run(bench, capsys):
    args = bench.args()
    at = args.index("--seed")
    unseeded = args[:at] + args[at + 2 :]
    with ending(9, KeyboardInterrupt()):
        assert echo_backend.run(unseeded) == 130
    seed = read_manifest(Output(bench.out).running).options["seed"]
    capsys.readouterr()
    assert echo_backend.run([*unseeded, "--resume"]) == 0
    assert f"seed {seed}" in capsys.readouterr().err
    assert bench.out.read_bytes() == bench.whole("--seed", seed)
    assert echo_backend.run([*unseeded, "--resume"]) == 0


def test_the_precision_is_that_of_the_earlier_run(bench, capsys):
    bench.interrupt(9, "--precision", "fp32")
    manifest = read_manifest(Output(bench.out).running)
    assert manifest.machine["precision"] == "fp32"
    assert bench.run("--resume") == 0
    assert read_manifest(Output(bench.out).manifest).machine["precision"] == "fp32"
    replace(manifest, machine=manifest.machine | {"precision": "int4"}).write(Output(bench.out).manifest)
    assert bench.run("--resume") == 2
    assert "made with --precision int4, which this machine does not have" in capsys.readouterr().err


@pytest.mark.parametrize(("before", "after"), [("fp32", "bf16"), ("bf16", "fp32")])
def test_another_precision_is_refused(bench, capsys, monkeypatch, before, after):
    monkeypatch.setitem(PROBLEMS, "bf16", lambda: None)
    bench.interrupt(9, "--precision", before)
    assert bench.run("--resume", "--precision", after) == 2
    assert f'machine.precision "{before}", now "{after}"' in capsys.readouterr().err


@pytest.mark.parametrize("name", ["int8", "bf16"])
def test_a_precision_that_cannot_be_had_is_refused(bench, capsys, monkeypatch, name):
    monkeypatch.setitem(PROBLEMS, name, lambda: "the processor cannot")
    assert bench.run("--precision", name) == 2
    assert f"--precision {name}: the processor cannot (--precision auto" in capsys.readouterr().err


def test_the_device_is_that_of_the_earlier_run(bench, capsys):
    bench.interrupt(9)
    manifest = read_manifest(Output(bench.out).running)
    assert manifest.machine["device"] == "cpu"
    replace(manifest, machine=manifest.machine | {"device": "cuda"}).write(Output(bench.out).running)
    assert bench.run("--resume") == 2
    assert "made with --device cuda, which this machine does not have (go on where" in capsys.readouterr().err
    assert bench.run("--resume", "--device", "cpu") == 2
    assert 'machine.device "cuda", now "cpu"' in capsys.readouterr().err
