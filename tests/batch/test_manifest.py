"""What a run is: told by its manifest, and compared before it goes on."""

import json
import re
from dataclasses import replace

import pytest
from echo import make_model

from textgen.batch.engine import Task
from textgen.batch.manifest import Manifest, check_same, manifest_of, read_manifest
from textgen.batch.output import Output
from textgen.batch.run import earlier_run
from textgen.errors import TextgenError, UsageError
from textgen.models.place import Place
from textgen.options import Options, TitleOptions
from textgen.store.catalog import find_model

INPUT = {"sha256": "ab12", "rows": 30, "shard": "1/1", "field": "text", "lines": False}


@pytest.fixture
def model(tmp_path):
    return make_model(tmp_path / "model")


@pytest.fixture
def manifest(model):
    return of(model)


def of(model, *, threads: int = 1, **options) -> Manifest:
    options = {"seed": 7} | options
    models = {"model": find_model(str(model))}
    return manifest_of("sample", models, Options(**options), dict(INPUT), Place("cpu", threads))


def refused(earlier, now, path, **how) -> str:
    with pytest.raises(UsageError) as caught:
        check_same(earlier, now, path, **how)
    assert str(path) in caught.value.message
    assert "force" in caught.value.hint
    return caught.value.message


def test_what_is_written_is_read_back(manifest, tmp_path):
    path = tmp_path / "春.manifest.json"
    for one in (manifest, replace(manifest, errors=3)):
        one.write(path)
        assert read_manifest(path) == one
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


def test_a_manifest_says_all_that_the_results_depend_on(manifest):
    assert manifest.command == "sample"
    assert list(manifest.models) == ["model"]
    assert manifest.models["model"]["name"] == "model"
    assert len(manifest.models["model"]["sha256"]) == 64
    style = {"width": None, "quotes": None}
    assert manifest.options == {"num_candidates": 1, "seed": 7, "batch_size": 32} | style
    assert manifest.input == INPUT
    assert {"textgen", "python", "torch", "sentencepiece", "jieba"} == set(manifest.versions)
    assert {"cpu", "system", "device", "threads", "precision"} == set(manifest.machine)
    assert manifest.errors is None


def test_the_same_run_may_go_on_whether_or_not_it_has_finished(manifest, model, tmp_path):
    check_same(manifest, of(model), tmp_path / "m")
    check_same(replace(manifest, errors=2), of(model), tmp_path / "m")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("options", "seed", 8),
        ("options", "batch_size", 4),
        ("options", "num_candidates", 2),
        ("options", "new", "春"),
        ("models", "model", "0" * 64),
        ("models", "other", "0" * 64),
        ("input", "sha256", "cd34"),
        ("input", "rows", 31),
        ("input", "shard", "1/2"),
        ("input", "field", "content"),
        ("versions", "torch", "1.0"),
        ("versions", "textgen", "0.0"),
        ("machine", "cpu", "an abacus"),
        ("machine", "threads", 2),
        ("machine", "device", "cuda"),
        ("machine", "precision", "bfloat16"),
    ],
)
def test_every_difference_is_refused_and_named(manifest, tmp_path, part, name, value):
    other = replace(manifest, **{part: getattr(manifest, part) | {name: value}})
    for one, two in ((manifest, other), (other, manifest)):
        message = refused(one, two, tmp_path / "m")
        told = "the input has changed" if name == "sha256" else f"{part}.{name} "
        assert told in message
        assert "more" not in message


def test_another_command_is_refused_and_named(manifest, tmp_path):
    message = refused(manifest, replace(manifest, command="title"), tmp_path / "m")
    assert 'command "sample", now "title"' in message


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.model", "more.json"])
def test_any_other_file_of_the_model_is_another_model(manifest, model, tmp_path, file):
    with (model / file).open("a", encoding="utf-8") as opened:
        opened.write("\n ")
    assert "models.model.sha256 " in refused(manifest, of(model), tmp_path / "m")


def test_models_of_one_name_are_told_apart(tmp_path):
    """Also where one command takes several: each by what it is for."""
    one, other = (make_model(tmp_path / name / "model") for name in "ab")
    (other / "config.json").write_text((one / "config.json").read_text(encoding="utf-8") + " ")
    assert of(one).models["model"]["name"] == of(other).models["model"]["name"] == "model"
    assert "models.model.sha256 " in refused(of(one), of(other), tmp_path / "m")

    def both(model, proposals) -> Manifest:
        models = {"model": find_model(str(model)), "proposals": find_model(str(proposals))}
        return manifest_of("rewrite", models, Options(seed=7), dict(INPUT), Place("cpu", 1))

    assert both(one, other).models["model"] != both(one, other).models["proposals"]
    message = refused(both(one, other), both(other, one), tmp_path / "m")
    assert "models.model.sha256 " in message
    assert "models.proposals.sha256 " in message
    assert "models.proposals.sha256 " in refused(both(one, other), both(one, one), tmp_path / "m")
    check_same(both(one, other), both(one, other), tmp_path / "m")


def test_a_model_by_another_name_is_another_model(tmp_path):
    one, other = (make_model(tmp_path / name) for name in "ab")
    assert 'models.model.name "a", now "b"' in refused(of(one), of(other), tmp_path / "m")


def test_of_many_differences_some_are_shown_and_the_others_counted(manifest, model, tmp_path):
    now = of(model, seed=8, batch_size=2, num_candidates=3, threads=2)
    now = replace(now, versions=now.versions | {"torch": "1.0", "jieba": "0.1"})
    message = refused(manifest, now, tmp_path / "m")
    assert message.count(", now ") == 4
    assert message.endswith(", and 2 more")


def test_a_mended_input_may_be_retried_but_not_one_with_other_rows(manifest, tmp_path):
    mended = replace(manifest, input=manifest.input | {"sha256": "cd34"})
    check_same(manifest, mended, tmp_path / "m", same_input=False)
    for name, value in (("rows", 31), ("shard", "1/2"), ("field", "content")):
        other = replace(mended, input=mended.input | {name: value})
        assert f"input.{name} " in refused(manifest, other, tmp_path / "m", same_input=False)
    other = replace(mended, options=mended.options | {"seed": 8})
    assert "options.seed 7, now 8" in refused(manifest, other, tmp_path / "m", same_input=False)


@pytest.mark.parametrize("name", ["workers", "shard", "resume", "output", "engine"])
def test_how_and_where_a_run_goes_is_no_part_of_its_options_and_machine(manifest, name):
    assert name not in manifest.options
    assert name not in manifest.machine


WHOLE = {"command": "sample", "models": {}, "options": {}, "input": {}, "versions": {}, "machine": {}}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "3", '"春"', "{}", json.dumps(WHOLE | {"more": 1}), "\udcff"],
    ids=ascii,
)
@pytest.mark.parametrize("which", ["running", "manifest"])
def test_a_broken_manifest_is_refused_by_name(tmp_path, content, which):
    output = Output(tmp_path / "o.jsonl")
    path = getattr(output, which)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    for read in (lambda: read_manifest(path), lambda: earlier_run(output)):
        with pytest.raises(UsageError, match=f"{re.escape(path.name)} cannot be used") as caught:
            read()
        assert "force" in caught.value.hint


@pytest.mark.parametrize("same_input", [True, False])
@pytest.mark.parametrize(
    ("name", "value"), [("options", 3), ("options", []), ("input", []), ("input", {}), ("models", "春")]
)
def test_a_manifest_with_something_else_in_it_is_refused(manifest, tmp_path, name, value, same_input):
    output = Output(tmp_path / "o.jsonl")
    replace(manifest, **{name: value}).write(output.manifest)
    with pytest.raises(UsageError, match=r"o\.jsonl\.manifest\.json") as caught:
        earlier_run(output)
        check_same(read_manifest(output.manifest), manifest, output.manifest, same_input=same_input)
    assert "force" in caught.value.hint


def test_a_manifest_that_is_not_there_has_no_seed(tmp_path, manifest):
    output = Output(tmp_path / "o.jsonl")
    assert earlier_run(output) is None
    manifest.write(output.manifest)
    assert earlier_run(output).options["seed"] == 7
    replace(manifest, options=manifest.options | {"seed": 8}).write(output.running)
    assert earlier_run(output).options["seed"] == 8, "what goes on is what was begun last"
    with pytest.raises(UsageError, match="cannot be used"):
        read_manifest(tmp_path / "none.json")


def test_a_manifest_that_cannot_be_written_leaves_the_old_one(tmp_path, manifest, monkeypatch):
    path = tmp_path / "m.json"
    manifest.write(path)

    def fail(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(TextgenError, match="No space left"):
        replace(manifest, errors=0).write(path)
    monkeypatch.undo()
    assert read_manifest(path) == manifest
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


def test_the_model_that_refuses_texts_is_one_of_its_models():
    for name, roles in {"title": ["model", "reader"], "bert": ["model", "reader"], "gpt2": ["model"]}.items():
        assert list(Task(find_model(name), TitleOptions()).models) == roles
