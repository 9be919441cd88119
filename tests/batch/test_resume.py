"""A run that was cut short goes on and gives the bytes of an undisturbed one, or is refused."""

import echo_backend
import pytest
from echo import BAD, read_records, some_texts
from echo_backend import ending

from textgen.batch.manifest import FINISHED, read_manifest
from textgen.batch.output import Output

bench = pytest.fixture(echo_backend.bench)


def state(folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_where_nothing_is_there_a_resumed_run_begins(bench):
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == bench.whole()


def test_a_finished_output_is_left_as_it_is(bench, capsys):
    bench.give(some_texts(30, bad=10))
    assert bench.run() == 3
    files = state(bench.folder)
    capsys.readouterr()
    bench.run("--resume")
    assert "has all 30 records already; 3 of them are errors" in capsys.readouterr().err
    assert not bench.computed
    assert state(bench.folder) == files


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


def test_another_input_is_refused(bench, capsys):
    bench.interrupt(9)
    bench.give([*some_texts(29), "雨"])
    assert bench.run("--resume") == 2
    assert "input.sha256" in capsys.readouterr().err
    bench.give(some_texts(31))
    assert bench.run("--resume") == 2
    assert "input.rows 30, now 31" in capsys.readouterr().err


def test_the_seed_is_that_of_the_earlier_run(bench, capsys):
    args = bench.args()
    at = args.index("--seed")
    unseeded = args[:at] + args[at + 2 :]
    with ending(9, KeyboardInterrupt()):
        assert echo_backend.run(unseeded) == 130
    seed = read_manifest(Output(bench.out).manifest).options["seed"]
    capsys.readouterr()
    assert echo_backend.run([*unseeded, "--resume"]) == 0
    assert f"seed {seed}" in capsys.readouterr().err
    assert bench.out.read_bytes() == bench.whole("--seed", seed)
    assert echo_backend.run([*unseeded, "--resume"]) == 0


@pytest.mark.parametrize("after", [0, 1, 4, 9, 13, 17, 18])
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.txt"])
def test_a_run_goes_on_behind_its_last_whole_window(bench, capsys, name, after):
    bench.out = bench.folder / name
    bench.give(some_texts(36, bad=11))
    whole = bench.whole()
    bench.interrupt(after)
    assert not bench.out.exists()
    assert f"{bench.out} is not finished; --resume goes on" in capsys.readouterr().err
    kept = len(read_records(bench.part)) // 8 * 8
    if kept:
        assert bench.run() == 2, "without a flag nothing is done"
    assert bench.run("--resume") == 3
    assert bench.out.read_bytes() == whole
    good = [n for n in range(kept + 1, 37) if n % 11]
    assert sorted(bench.computed, key=int) == [str(n) for n in good]
    assert not bench.part.exists()
    manifest = read_manifest(Output(bench.out).manifest)
    assert (manifest.state, manifest.errors) == (FINISHED, 3)


def test_a_run_may_be_interrupted_again_and_again(bench):
    whole = bench.whole()
    bench.interrupt(3)
    for _ in range(3):
        bench.interrupt(5, "--resume")
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_part_cut_at_any_byte_is_repaired(bench):
    bench.give(some_texts(20, bad=6))
    whole = bench.whole("--batch-size", 1)
    bench.interrupt(12, "--batch-size", 1)
    part, manifest = bench.part.read_bytes(), Output(bench.out).manifest.read_bytes()
    ends = [at + 1 for at, byte in enumerate(part) if byte == ord("\n")]
    cuts = {
        0,
        1,
        len(part) - 1,
        *range(ends[8], ends[9], 9),
        *(end + move for end in ends for move in (-1, 0)),
    }
    for cut in sorted(cuts):
        bench.out.unlink(missing_ok=True)
        bench.part.write_bytes(part[:cut])
        Output(bench.out).manifest.write_bytes(manifest)
        assert bench.run("--resume", "--batch-size", 1) == 3
        assert bench.out.read_bytes() == whole


@pytest.mark.parametrize("tail", [b"{\n", b"\x00" * 300, b"null\n" * 9], ids=["half", "zeros", "other"])
def test_what_is_no_record_is_written_over(bench, tail):
    whole = bench.whole()
    bench.interrupt(9)
    with bench.part.open("ab") as part:
        part.write(tail)
    assert bench.run("--resume") == 0
    assert bench.out.read_bytes() == whole


def test_more_records_than_rows_are_cut(bench):
    whole = bench.whole()
    bench.interrupt(9)
    bench.part.write_bytes(whole + whole)
    assert bench.run("--resume") == 0
    assert not bench.computed
    assert bench.out.read_bytes() == whole


def test_the_last_records_are_the_same_where_all_the_rest_is_unreadable(bench):
    """For these no model is needed, but their records name it all the same."""
    bench.give([*some_texts(16), *({"text": number} for number in range(14))])
    whole = bench.whole()
    bench.interrupt(7)
    bench.part.write_bytes(b"".join(whole.splitlines(keepends=True)[:16]))
    assert bench.run("--resume") == 3
    assert bench.out.read_bytes() == whole
    for number in (1, 2):
        assert bench.run("--shard", f"{number}/2", out=bench.folder / f"{number}.jsonl") in (0, 3)
    assert b"".join((bench.folder / f"{n}.jsonl").read_bytes() for n in (1, 2)) == whole


def test_a_forced_run_that_was_interrupted_goes_on(bench):
    assert bench.run() == 0
    whole = bench.whole("--seed", 8)
    bench.interrupt(9, "--seed", 8, "--force")
    assert bench.run("--seed", 8, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_forced_run_forgets_what_was_interrupted_before(bench):
    whole = bench.whole("--seed", 8)
    bench.interrupt(9)
    bench.interrupt(5, "--seed", 8, "--force")
    assert bench.run("--seed", 8, "--resume") == 0
    assert bench.out.read_bytes() == whole


def test_a_finished_run_with_errors_ends_as_it_did(bench):
    """Whether the last rows were computed by this run or by one that was killed as it finished."""
    bench.give([*some_texts(9), BAD])
    bench.interrupt(4)
    bench.part.write_bytes(bench.whole())
    assert bench.run("--resume") == 3
    assert read_manifest(Output(bench.out).manifest).errors == 1
