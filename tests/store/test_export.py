"""An exported directory is a model for transformers, and for us."""

from __future__ import annotations

import json
import logging
import os
import resource
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refusal
from safetensors import safe_open
from small_titles import make_title
from strange_texts import TEXTS
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, BertForMaskedLM

import textgen
from textgen.choice.allowed import title_ids
from textgen.errors import UsageError
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.unilm import UniLM
from textgen.resources import data_dir, models_dir
from textgen.store.catalog import embedded_names, find_model
from textgen.store.export import check_export, export_model
from textgen.store.load import LoadedModel, load_model
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

EMBEDDED = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
SHORT = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者服务。"
)
FRAMES = {"gpt2": ([2], []), "bert": ([6], [5]), "title": ([6], [5])}
FILES = ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"]
EXPORTS = [(name, dtype) for name in embedded_names() for dtype in ("fp32", "fp16")]


@dataclass(frozen=True)
class Export:
    name: str
    dtype: str
    path: Path
    written: list[Path]


@pytest.fixture(scope="module", params=EXPORTS, ids="-".join)
def export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Export]:
    name, dtype = request.param
    path = tmp_path_factory.mktemp("export") / "made" / name
    yield Export(name, dtype, path, list(export_model(find_model(name), path, dtype)))
    shutil.rmtree(path)  # a hundred megabytes each


class Complaints(logging.Handler):
    """Collects what transformers has to say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    handler = Complaints()
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield handler.messages
    logger.removeHandler(handler)
    assert [str(warning.message) for warning in caught] == []


def embedded(request: pytest.FixtureRequest, name: str) -> LoadedModel:
    model: LoadedModel = request.getfixturevalue(f"{name}_model")
    return model


def sample_ids(model: LoadedModel) -> list[int]:
    return [*model.tokenizer.encode("昨天下午，科学家在北京宣布了一项新发现。\nAI 技术正在改变生活。")]


def our_logprobs(model: LoadedModel) -> Tensor:
    """Log-probabilities at every place of a sample, for a BERT without the copy prior."""
    network, ids = model.network, sample_ids(model)
    if isinstance(network, Gpt2):
        return network.extend(network.start([[]]), torch.tensor([ids])).log_softmax(-1)
    bert = network.network if isinstance(network, UniLM) else network
    assert isinstance(bert, Bert)
    return bert.logits(bert.encode(torch.tensor([ids]), torch.tensor([len(ids)]))).log_softmax(-1)


def test_what_is_written(export: Export) -> None:
    names = FILES + (["prior.safetensors", "example.py"] if export.name == "title" else [])
    assert [path.name for path in export.written] == names
    assert sorted(path.name for path in export.path.iterdir()) == sorted(names)
    config = json.loads((export.path / "config.json").read_text(encoding="utf-8"))
    shipped = json.loads((models_dir() / export.name / "config.json").read_text(encoding="utf-8"))
    added = {
        "architectures": ["GPT2LMHeadModel" if export.name == "gpt2" else "BertForMaskedLM"],
        "dtype": {"fp32": "float32", "fp16": "float16"}[export.dtype],
    }
    assert config == shipped | added
    with safe_open(export.path / "model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        dtypes = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        assert not any(name.endswith(".scale") or name.startswith("prior.") for name in file.keys())  # noqa: SIM118
    assert dtypes == {{"fp32": "F32", "fp16": "F16"}[export.dtype]}


def test_everybody_may_read_what_anybody_may(export: Export) -> None:
    """All files have the permissions that a new file has, the weights too."""
    plain = export.path.parent / "plain"
    plain.touch()
    assert {path.stat().st_mode for path in export.written} == {plain.stat().st_mode}


def test_transformers_loads_it_whole_and_says_what_we_say(
    export: Export, complaints: list[str], request: pytest.FixtureRequest
) -> None:
    architecture = AutoModelForCausalLM if export.name == "gpt2" else BertForMaskedLM
    theirs, info = architecture.from_pretrained(export.path, dtype=torch.float32, output_loading_info=True)
    assert complaints == []
    assert {key: list(value) for key, value in info.items() if value} == {}
    assert type(theirs).__name__ == ("GPT2LMHeadModel" if export.name == "gpt2" else "BertForMaskedLM")
    reloaded = load_model(find_model(str(export.path)))
    ids = torch.tensor([sample_ids(reloaded)])
    with torch.inference_mode():
        expected = theirs.eval()(input_ids=ids).logits.log_softmax(-1)
    torch.testing.assert_close(our_logprobs(reloaded), expected, atol=1e-4, rtol=0.0)
    own = our_logprobs(embedded(request, export.name))
    # float16 holds a product of 8 and 11 bits to 11
    tolerance = {"fp32": 1e-4, "fp16": 0.05}[export.dtype]
    likely = own > -10
    assert int(likely.sum()) > 500
    torch.testing.assert_close(own[likely], expected[likely], atol=tolerance, rtol=0.0)


def test_the_precision_is_that_of_the_config(export: Export) -> None:
    architecture = AutoModelForCausalLM if export.name == "gpt2" else BertForMaskedLM
    theirs: nn.Module = architecture.from_pretrained(export.path)
    wanted = {"fp32": torch.float32, "fp16": torch.float16}[export.dtype]
    assert {parameter.dtype for parameter in theirs.parameters()} == {wanted}


def test_we_load_it_again(export: Export, request: pytest.FixtureRequest) -> None:
    files = find_model(str(export.path))
    assert (files.kind, files.embedded) == (export.name, False)
    again, first = load_model(files), embedded(request, export.name)
    assert again.label.startswith(f"{export.name}@sha256:")
    assert again.label != first.label
    ours, theirs = again.network.state_dict(), first.network.state_dict()
    assert ours.keys() == theirs.keys()
    if export.dtype == "fp32":
        for name, tensor in theirs.items():
            assert torch.equal(ours[name], tensor), name
        assert torch.equal(our_logprobs(again), our_logprobs(first))
    else:
        for name, tensor in theirs.items():
            assert torch.equal(ours[name], tensor.half().float()), name
    if isinstance(again.network, UniLM):
        assert isinstance(first.network, UniLM)
        assert again.network.target_types == first.network.target_types


def test_their_tokenizer_gives_our_ids(export: Export, complaints: list[str]) -> None:
    theirs = AutoTokenizer.from_pretrained(export.path)
    ours = SentencePieceTokenizer(export.path / "tokenizer.model")
    assert complaints == []
    before, behind = FRAMES[export.name]
    for text in TEXTS:
        ids = ours.encode(text)
        assert theirs(text)["input_ids"] == [*before, *ids, *behind], text
        assert theirs(text, add_special_tokens=False)["input_ids"] == ids, text
        assert theirs.decode(theirs(text)["input_ids"], skip_special_tokens=True) == text
    names = ["pad", "bos", "eos", "mask", "sep", "cls"]
    assert [getattr(theirs, f"{name}_token_id") for name in names] == [0, 2, 3, 4, 5, 6]
    assert theirs.convert_tokens_to_ids(["<l2r>", "<r2l>", "\n"]) == [7, 8, 16]
    assert len(theirs) == 8185
    assert theirs.model_max_length == (1024 if export.name == "gpt2" else 512)


def test_a_padded_batch_of_theirs_is_one_of_ours(export: Export) -> None:
    theirs = AutoTokenizer.from_pretrained(export.path)
    ours = SentencePieceTokenizer(export.path / "tokenizer.model")
    before, behind = FRAMES[export.name]
    batch = theirs(["短。", "一句长一些的话。"], padding=True, padding_side="right")
    rows = [[*before, *ours.encode(text), *behind] for text in ("短。", "一句长一些的话。")]
    width = len(rows[1])
    assert batch["input_ids"] == [rows[0] + [0] * (width - len(rows[0])), rows[1]]
    assert [sum(row) for row in batch["attention_mask"]] == [len(row) for row in rows]


def title_of(article: str, model: str) -> str:
    backend = textgen.load(model, precision="fp32")  # as the example computes
    return backend.generate(article, decode="beam", checks=False)[0].candidates[0].text


def test_the_example_writes_our_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = find_model(str(make_title(tmp_path / "title", ends=EMBEDDED.specials.eos)))
    list(export_model(files, tmp_path / "exported", "fp32"))
    article = tmp_path / "article.txt"
    article.write_text(SHORT, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["example.py", str(article)])
    example = runpy.run_path(str(tmp_path / "exported" / "example.py"))
    title = capsys.readouterr().out
    assert title == title_of(article.read_text(encoding="utf-8"), str(files.path)) + "\n"
    # its scores of every step are ours, so the titles of other articles are too
    model, target = load_model(files), example["ids"]
    network = model.network
    assert isinstance(network, UniLM)
    assert (target[0], target[-1]) == (7, 3)
    logits = network.extend(network.start([example["source"]]), torch.tensor([target[:-1]]))[0]
    allowed = title_ids(model.tokenizer, network.vocab_size)
    expected = logits.masked_fill(~allowed, -torch.inf).log_softmax(-1)
    for count in range(1, len(target)):
        found = example["next_logprobs"]([target[:count]])[0]
        torch.testing.assert_close(found, expected[count - 1], atol=1e-4, rtol=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["science.txt", "news.txt"])
def test_the_example_runs_by_itself(tmp_path: Path, sample: str) -> None:
    assert len(list(export_model(find_model("title"), tmp_path / "exported", "fp32"))) == 7
    article = next((data_dir() / "samples").rglob(sample))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "exported" / "example.py"), str(article)],
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == title_of(article.read_text(encoding="utf-8"), "title") + "\n"


def test_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    error = refusal(lambda: check_export(tmp_path / "new", "int4", force=False))
    assert type(error) is UsageError
    assert (error.message, error.hint) == ("dtype int4 is unknown", "one of: fp16, fp32")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_file_in_the_way_is_refused(tmp_path: Path, force: bool) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    error = refusal(lambda: check_export(file, "fp16", force=force))
    assert (type(error), error.message) == (UsageError, f"{file} is a file")
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_directory_with_something_in_it_needs_force(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    error = refusal(lambda: check_export(tmp_path, "fp16", force=False))
    assert (type(error), error.message) == (UsageError, f"{tmp_path} is not empty")
    assert error.hint == "force writes into it"
    check_export(tmp_path, "fp16", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_model_is_not_exported_onto_itself(make_folder: Callable[..., Any]) -> None:
    folder = make_folder("bert")
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    other_name = folder.path.parent / "." / "x" / ".." / folder.path.name
    for path in (folder.path, other_name):
        error = refusal(lambda path=path: list(export_model(find_model(str(folder.path)), path, "fp16")))
        assert (type(error), error.message) == (UsageError, f"{path} is the model itself")
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_an_absent_or_empty_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent", "far/away"):
        check_export(tmp_path / name, "fp32", force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    error = refusal(lambda: list(export_model(find_model("bert"), tmp_path / "file" / "below")))
    assert error.exit_code == 1
    assert error.message == f"cannot write {tmp_path / 'file' / 'below'}: Not a directory"


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        error = refusal(lambda: list(export_model(find_model("bert"), tmp_path)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert error.exit_code == 1
    assert error.message == f"cannot write {tmp_path}: File too large"
