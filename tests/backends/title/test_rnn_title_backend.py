"""The whole title pipeline over a small random RNN: strategies, keywords, the commands, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from each_option import each_strategy
from safetensors.torch import save_file

import textgen
from textgen.backends.editing.proposals import proposer_of
from textgen.backends.title.backend import TitleBackend
from textgen.cli.main import run
from textgen.decoding.rank import RANKINGS
from textgen.errors import ModelError, UsageError
from textgen.mcmc.cgmh.edits import Context
from textgen.models.families import RNN_TITLE
from textgen.models.families.rnn_title import RnnTitle
from textgen.models.initialization import initialized
from textgen.options import TitleOptions
from textgen.resources import models_dir
from textgen.schema import Row
from textgen.store.catalog import find_model
from textgen.store.load import load_model

SIZES: dict[str, Any] = {
    "vocab_size": 8192,
    "hidden_size": 32,
    "num_heads": 4,
    "modulation_size": 8,
    "source_length": 24,
    "prior": True,
}
ARTICLES = [
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者参与服务。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。\n团队表示，量产还需要两年左右的时间。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队。",
    "春天来了。",
]
SHORT = {"max_new_tokens": 9}
STRATEGIES: list[dict[str, Any]] = [
    {},
    *(options for options in each_strategy(TitleOptions) if options["decode"] != "bidirectional"),
    {"decode": "greedy", "direction": "r2l"},
    {"decode": "beam", "num_candidates": 3, "length_norm": "gnmt"},
    {"decode": "sample", "rank": "blend", "seed": 2, "temperature": 0.7},
    {"decode": "agree", "num_candidates": 2},
    {"rank": "mbr", "long": "chunk", "beams": 4},
    {"keyword": ("志愿者",), "beams": 2},
    {"one_of": ("体育", "科技", "文化"), "num_candidates": 2},
    {"avoid": ("图书馆",), "decode": "beam", "beams": 2},
]


class RnnFolder:
    """A model directory with the embedded tokenizer, to be broken in one place."""

    def __init__(self, path: Path, **sizes: Any) -> None:
        self.path = path
        self.config = SIZES | sizes | {"model_type": "rnn-title"}
        network = initialized(RNN_TITLE, self.config, 1)
        generator = torch.Generator().manual_seed(2)
        for parameter in network.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
        self.tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        path.mkdir(parents=True)
        shutil.copyfile(models_dir() / "tokenizer" / "zh8k.model", path / "tokenizer.model")
        self.write()

    def write(self) -> None:
        (self.path / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
        save_file(self.tensors, self.path / "model.safetensors")

    def refusal(self) -> str:
        """What loading says; writes what was changed first."""
        self.write()
        with pytest.raises(ModelError) as caught:
            load_model(find_model(str(self.path)))
        assert "\n" not in caught.value.message
        assert caught.value.hint
        return caught.value.message


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RnnFolder:
    return RnnFolder(tmp_path_factory.mktemp("models") / "rnn")


@pytest.fixture(scope="module")
def backend(folder: RnnFolder) -> Any:
    return textgen.load(str(folder.path))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., RnnFolder]:
    return lambda **sizes: RnnFolder(tmp_path / "rnn", **sizes)


@pytest.mark.parametrize("options", STRATEGIES, ids=str)
def test_a_row_is_the_same_in_any_batch_and_order(backend: Any, options: dict[str, Any]) -> None:
    options = SHORT | options
    together = backend.generate(ARTICLES[::-1], **options)[::-1]
    for text, record in zip(ARTICLES, together, strict=True):
        (alone,) = backend.generate(text, **options)
        assert record.error is None
        assert len(record.candidates) == options.get("num_candidates", 1)
        assert [c.text for c in alone.candidates] == [c.text for c in record.candidates]
        scores = [candidate.score for candidate in record.candidates]
        assert [c.score for c in alone.candidates] == pytest.approx(scores, abs=1e-4)
        assert all(word in c.text for word in options.get("keyword", ()) for c in record.candidates)


def test_the_default_writes_in_both_directions(backend: Any) -> None:
    candidates = backend.generate(ARTICLES[0], num_candidates=6, explain=True, **SHORT)[0].candidates
    assert {candidate.score_kind for candidate in candidates} == {RANKINGS["blend"][1]}
    assert all(candidate.copied is not None and candidate.support is not None for candidate in candidates)
    one, other = (
        backend.generate(ARTICLES[0], decode="greedy", direction=direction, **SHORT)[0].candidates[0]
        for direction in ("l2r", "r2l")
    )
    assert one.text != other.text


def test_an_article_is_cut_at_the_models_source_length(backend: Any) -> None:
    """However long its title may be: the pieces of a title take no room from it."""
    for most in (5, 100):
        record = backend.generate(ARTICLES[0], decode="greedy", max_new_tokens=most)[0]
        assert record.used_tokens == SIZES["source_length"] < record.input_tokens
    assert backend.generate(ARTICLES[3], **SHORT)[0].used_tokens < SIZES["source_length"]


def test_keywords_of_rows(backend: Any) -> None:
    rows = [Row(ARTICLES[0], keywords=("夜间", "志愿者")), Row(ARTICLES[2])]
    for row, record in zip(rows, backend.generate(rows, num_candidates=2, **SHORT), strict=True):
        assert all(word in candidate.text for candidate in record.candidates for word in row.keywords)


def test_a_model_without_a_prior(make: Callable[..., RnnFolder]) -> None:
    plain = make(prior=False)
    assert not any(name.startswith("prior") for name in plain.tensors)
    record = textgen.load(str(plain.path)).generate(ARTICLES[0], decode="agree", **SHORT)[0]
    assert record.candidates[0].text


@pytest.mark.parametrize("interaction", [None, True, False])
def test_both_directions_at_once_are_refused(backend: Any, interaction: bool | None) -> None:
    given = {} if interaction is None else {"interaction": interaction}
    with pytest.raises(UsageError, match="cannot write in both directions at once") as caught:
        backend.generate(ARTICLES[0], decode="bidirectional", **given)
    assert "agree" in caught.value.hint
    with pytest.raises(UsageError, match="interaction"):
        backend.generate(ARTICLES[0], interaction=True)


def test_a_title_model_writes_titles_alone(backend: Any, folder: RnnFolder) -> None:
    assert isinstance(backend, TitleBackend)
    assert backend.model.label.startswith("rnn@sha256:")
    with pytest.raises(UsageError, match="such texts are known only once they are whole"):
        next(iter(backend.stream("春天")))


def test_the_commands(folder: RnnFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    article = tmp_path / "article.txt"
    article.write_text(ARTICLES[0], encoding="utf-8")
    title = ["title", str(article), "--model", str(folder.path), "--quiet"]
    assert run([*title, "--max-new-tokens", "9", "-n", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run([*title, "--max-new-tokens", "9", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["model"].startswith("rnn@sha256:")
    assert run([*title, "--decode", "bidirectional"]) == 2
    refused = capsys.readouterr().err
    assert "cannot write in both directions at once" in refused
    assert "Traceback" not in refused
    assert run(["sample", "春天", "--model", str(folder.path)]) == 2
    assert "is a rnn-title model" in capsys.readouterr().err


def test_records_are_evaluated(folder: RnnFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    articles, records = tmp_path / "articles.jsonl", tmp_path / "records.jsonl"
    rows = [{"text": text, "title": "图书馆延长开放时间"} for text in ARTICLES]
    articles.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    written = ["title", str(articles), "--model", str(folder.path), "--decode", "greedy", "-o", str(records)]
    assert run([*written, "--max-new-tokens", "9", "--quiet"]) == 0
    assert run(["eval", str(records), "--reference", str(articles), "--quiet"]) == 0
    assert "rouge" in capsys.readouterr().out.lower()


def test_it_proposes_pieces_to_chains_like_any_title_model(folder: RnnFolder) -> None:
    proposer = proposer_of(load_model(find_model(str(folder.path))))
    assert proposer.longest == SIZES["source_length"]
    contexts = [Context((300, 400), (500,)), Context((), (500,))]
    logits = proposer.model.logits(contexts)
    assert logits.shape == (2, SIZES["vocab_size"])
    assert (logits[0] - logits[1]).abs().max() > 0.01


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", 0),
        ("hidden_size", 32.0),
        ("num_heads", "4"),
        ("modulation_size", -1),
        ("source_length", None),
        ("source_length", True),
        ("prior", 1),
        ("prior", "yes"),
    ],
)
def test_a_config_with_a_size_that_cannot_be(make: Callable[..., RnnFolder], key: str, value: Any) -> None:
    broken = make()
    broken.config[key] = value
    assert broken.refusal() == f"{broken.path}/config.json: {key} cannot be {value!r}"


@pytest.mark.parametrize("key", sorted(SIZES))
def test_a_config_that_lacks_a_size(make: Callable[..., RnnFolder], key: str) -> None:
    broken = make()
    del broken.config[key]
    assert broken.refusal() == f"{broken.path}/config.json: {key} is missing"


def test_files_that_do_not_fit_each_other(make: Callable[..., RnnFolder]) -> None:
    broken = make()
    broken.config["num_heads"] = 5
    assert broken.refusal() == f"{broken.path}/config.json: num_heads 5 does not divide hidden_size 32"
    broken.config |= {"num_heads": 4, "modulation_size": 9}
    assert "modulations.0.beta.0.bias (8,), config.json says (9,)" in broken.refusal()
    broken.config |= {"modulation_size": 8, "prior": False}
    assert "has a tensor prior.a that such a model has no place for" in broken.refusal()
    broken.config["prior"] = True
    del broken.tensors["writers.1.weight_hh_l0"]
    assert broken.refusal() == f"{broken.path} lacks the tensor writers.1.weight_hh_l0"


def test_what_is_loaded_is_what_was_saved(folder: RnnFolder) -> None:
    network = load_model(find_model(str(folder.path))).network
    assert isinstance(network, RnnTitle)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    made = initialized(RNN_TITLE, vars(network.config), 3)
    made.load_state_dict(folder.tensors)
    sources, targets = [[6, 300, 400, 5], [6, 500, 5]], torch.tensor([[7, 300], [8, 400]])
    with torch.inference_mode():
        assert torch.equal(network(sources, targets), made(sources, targets))
