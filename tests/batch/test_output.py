"""Where results go, and how a run may begin there."""

import os
from pathlib import Path

import pytest

from textgen.batch.output import Output, check_output, check_writable, output_of, start_of
from textgen.errors import UsageError
from textgen.files.formats.registry import output_formats
from textgen.options import RunOptions

FLAGS = {
    "": RunOptions(),
    "resume": RunOptions(resume=True),
    "force": RunOptions(force=True),
    "retry": RunOptions(retry_errors=True),
}


def listing(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def output(tmp_path):
    return Output(tmp_path / "o.jsonl")


@pytest.mark.parametrize(
    ("there", "flag", "start"),
    [
        ("", "", "new"),
        ("", "resume", "new"),
        ("", "force", "new"),
        ("", "retry", "no finished"),
        ("part running", "", "interrupted"),
        ("part running", "resume", "resume"),
        ("part running", "force", "new"),
        ("part running", "retry", "interrupted"),
        ("running", "", "interrupted"),  # it was killed just before it had finished
        ("running", "resume", "resume"),
        ("running", "force", "new"),
        ("path manifest", "", "exists"),
        ("path manifest", "resume", "finished"),
        ("path manifest", "force", "new"),
        ("path manifest", "retry", "retry"),
        ("part", "", "new"),  # a leftover, as of a retry whose output was removed
        ("part", "resume", "new"),
        ("part", "force", "new"),
        ("part", "retry", "no finished"),
        ("path manifest part", "", "exists"),  # a retry was killed
        ("path manifest part", "resume", "finished"),
        ("path manifest part", "retry", "retry"),
        ("path manifest part running", "", "interrupted"),  # a forced run was
        ("path manifest part running", "resume", "resume"),
        ("path manifest part running", "force", "new"),
        ("path manifest part running", "retry", "interrupted"),
        ("manifest", "", "new"),  # its output was removed
        ("manifest", "resume", "new"),
        ("manifest", "retry", "no finished"),
        ("lock", "", "new"),  # nobody holds it
        ("lock path manifest", "resume", "finished"),
    ],
)
def test_how_a_run_begins_is_told_by_what_is_there(output, there, flag, start):
    for name in there.split():
        getattr(output, name).write_text("precious", encoding="utf-8")
    before = listing(output.path.parent)
    if start in ("new", "resume", "finished", "retry"):
        assert check_output(output, [], FLAGS[flag]) == start
        assert start_of(output, FLAGS[flag]) == start
    else:
        with pytest.raises(UsageError, match=start):
            start_of(output, FLAGS[flag])
        with pytest.raises(UsageError, match=start) as caught:
            check_output(output, [], FLAGS[flag])
        assert str(output.path) in caught.value.message
        assert caught.value.hint
    assert listing(output.path.parent) == before
    for name in there.split():
        assert getattr(output, name).read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("there", "flag", "hint"),
    [
        ("running", "", "resume"),
        ("running", "", "force"),
        ("running", "retry", "resume"),
        ("path", "", "give another name; force overwrites it"),
        ("path manifest", "", "force overwrites it"),
    ],
)
def test_a_refusal_says_what_would_go(output, there, flag, hint):
    for name in there.split():
        getattr(output, name).write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        check_output(output, [], FLAGS[flag])
    assert hint in caught.value.hint


@pytest.mark.parametrize(("there", "flag"), [("path", "resume"), ("path", "retry")])
def test_nothing_goes_on_without_a_manifest(output, there, flag):
    getattr(output, there).write_text("precious", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        check_output(output, [], FLAGS[flag])
    wrong = "exists, and is no output of a run: there is no o.jsonl.manifest.json"
    assert caught.value.message == f"output {output.path} {wrong}"
    assert caught.value.hint == "give another name; force overwrites it"


@pytest.mark.parametrize("name", [path.name for path in Output(Path("o.csv")).files])
@pytest.mark.parametrize("flag", ["", "force", "resume", "retry"])
def test_no_file_that_is_written_is_an_input(tmp_path, name, flag):
    output = Output(tmp_path / "o.csv")
    (tmp_path / "in.txt").touch()
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="is also an input"):
        check_output(output, [tmp_path / "in.txt", tmp_path / name], FLAGS[flag])


def test_an_input_by_another_name_is_an_input(output, tmp_path):
    output.path.touch()
    for link in (os.link, os.symlink):
        link(output.path, tmp_path / link.__name__)
        with pytest.raises(UsageError, match="is also an input"):
            check_output(output, [tmp_path / link.__name__], FLAGS["force"])
    with pytest.raises(UsageError, match="is also an input"):
        check_output(output, [tmp_path / ".." / tmp_path.name / "o.jsonl"], FLAGS["force"])


@pytest.mark.parametrize("suffix", [".jsonl", ".JSONL"])
def test_records_are_the_output_itself(tmp_path, suffix):
    output = Output(tmp_path / f"o{suffix}")
    assert output.records == output.path
    assert len(output.files) == len(set(output.files)) == 8


@pytest.mark.parametrize("suffix", [end for end, one in output_formats().items() if not one.is_journal])
def test_records_stay_beside_an_output_that_cannot_hold_errors(tmp_path, suffix):
    output = Output(tmp_path / f"o{suffix}")
    assert output.records == tmp_path / f"o{suffix}.records.jsonl"
    assert len(output.files) == len(set(output.files)) == 9


@pytest.mark.parametrize("name", [*(f"o{end}" for end in output_formats()), "O.CSV", "a.b.jsonl"])
def test_the_ending_tells_the_format(tmp_path, name):
    assert output_of(str(tmp_path / name)) == Output(tmp_path / name)


@pytest.mark.parametrize("name", ["o", "o.json", "o.tsv", "o.jsonl.gz", "o.csv.part", ".jsonl", "春", "o."])
def test_a_wrong_ending_is_refused(name):
    with pytest.raises(UsageError, match=r"ending|name") as caught:
        output_of(name)
    assert ".jsonl" in caught.value.hint


def test_an_empty_name_is_refused():
    with pytest.raises(UsageError, match="the name is empty"):
        output_of("")


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(UsageError, match="cannot be written"):
        check_output(output_of("o" * 5000 + ".jsonl"), [], FLAGS[""])


@pytest.mark.parametrize("there", [True, False])
def test_shards_have_a_file_each_in_a_folder(tmp_path, there):
    if there:
        (tmp_path / "out").mkdir()
    names = [str(tmp_path / "out/")] if there else []
    for name in [*names, f"{tmp_path}/out/"]:
        output = output_of(name, (2, 8))
        assert output.path == tmp_path / "out" / "part-00002-of-00008.jsonl"
    assert check_output(output, [], FLAGS[""]) == "new"
    assert listing(tmp_path) == (["out"] if there else [])


def test_a_folder_whose_parent_is_missing_can_be_made(tmp_path):
    output = output_of(f"{tmp_path}/a/b/")
    assert check_output(output, [], FLAGS[""]) == "new"
    assert not listing(tmp_path)
    output.path.parent.mkdir(parents=True)
    assert listing(tmp_path) == ["a", "a/b"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stands_for_what_it_points_to(tmp_path, there):
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far" / "o.csv").touch()
    (tmp_path / "o.csv").symlink_to(tmp_path / "far" / "o.csv")
    output = output_of(str(tmp_path / "o.csv"))
    assert output == Output(tmp_path / "far" / "o.csv")
    assert {file.parent for file in output.files} == {tmp_path / "far"}


def test_its_own_files_are_told_from_others(tmp_path):
    output = Output(tmp_path / "o.csv")
    assert all(output.owns(file) for file in output.files)
    assert output.owns(tmp_path / ".." / tmp_path.name / "o.csv")
    for other in ("a/o.csv", "o.csv.gz", "rows.csv", "part-00001-of-00002.jsonl"):
        assert not output.owns(tmp_path / other)
    output = output_of(f"{tmp_path}/", (1, 2))
    assert output.owns(tmp_path / "part-00001-of-00002.jsonl")
    assert output.owns(tmp_path / "part-00002-of-00002.jsonl"), "another shard's"
    for other in ("rows.jsonl", "part-1.jsonl", "apart-00001-of-00002.jsonl", "a/part-00001-of-00002.jsonl"):
        assert not output.owns(tmp_path / other)


@pytest.mark.parametrize("name", ["a/o.jsonl", "file/o.jsonl", "file/", "file/a/", "file/a/b/"])
def test_a_file_without_a_folder_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        check_output(output_of(f"{tmp_path}/{name}"), [], FLAGS[""])
    assert listing(tmp_path) == ["file"]


def test_special_files_are_streams(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("-", "/dev/stdout", "/dev/null", str(tmp_path / "pipe.jsonl")):
        assert output_of(name) is None


def test_to_look_whether_a_file_can_be_written_leaves_it_as_it_was(tmp_path):
    (tmp_path / "a").write_text("precious", encoding="utf-8")
    assert check_writable("-o", tmp_path / "a")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "precious"
    assert not check_writable("-o", tmp_path / "b")
    assert listing(tmp_path) == ["a"]
    with pytest.raises(UsageError, match=r"--trace .* cannot be written"):
        check_writable("--trace", tmp_path)
