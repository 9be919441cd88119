"""Where a model computes: on its device, whatever torch's default is, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from each_option import each_strategy
from factories import NOWHERE, Watch, watched

import textgen
from textgen.backends.loading import open_backend
from textgen.backends.search_rules import scoring_for
from textgen.errors import UsageError
from textgen.models import place
from textgen.models.place import Place, choose_device
from textgen.options import ContinueOptions, TitleOptions, composed, parse

ELSEWHERE = "cpu:1"  # the processor by a name that nothing else uses
SENTENCE = "读者可以借阅到晚上十点。"
ARTICLE = f"本市图书馆昨天宣布，从下月起延长夜间开放时间，{SENTENCE}馆方说，新增的时段由志愿者服务。"
CHAIN: dict[str, Any] = {"seed": 1, "length": "4", "sweeps": 1}
EDITS: dict[str, Any] = {"seed": 1, "steps": 4}
SHORT: dict[str, Any] = {"max_new_tokens": 6}
# whatever random weights write
ANYTHING = {"paraphrase": 0.5, "similarity": 1.0, "checks": False, "fluency_loss": 99, "least_similarity": 0}
JOBS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "titles": ("title", [ARTICLE, SENTENCE], SHORT | {"num_candidates": 2}),
    "titles with words": ("title", [ARTICLE], SHORT | {"keyword": ["图书馆"], "avoid": ["读者"]}),
    "titles of a length": ("title", [ARTICLE], SHORT | {"length": "2-6", "no_repeat_ngram": 2}),
    "titles of a list": ("title", [ARTICLE], {"one_of": ["图书馆延长开放", "夜间借阅"]}),
    "long article": ("title", [ARTICLE * 20], SHORT | {"long": "chunk", "beams": 2}),
    "titles by pmi": ("title", [ARTICLE], SHORT | {"rank": "pmi", "beams": 2}),
    "samples": ("gpt2", ["春天", "", SENTENCE], SHORT | {"seed": 1, "num_candidates": 3}),
    "blended samples": ("gpt2", ["春天"], SHORT | {"seed": 1, "rank": "blend"}),
    "words in samples": ("gpt2", ["春天"], {"keyword": ["花"], "decode": "beam", "max_new_tokens": 8}),
    "gibbs": ("bert", [""], CHAIN | {"sweeps": 2, "num_candidates": 2}),
    "gibbs from a sentence": (
        "bert",
        [SENTENCE],
        {"seed": 1, "sweeps": 1, "keep": ["读者"]},
    ),
    "mh": ("bert", [""], CHAIN | {"method": "mh", "scan": "block"}),
    "annealed gibbs": ("bert", [""], CHAIN | {"method": "anneal", "scan": "all"}),
    "compose": ("compose", ["春天 花园"], EDITS | {"length": "2-24"}),
    "compose both ways": (
        "compose",
        ["春天"],
        EDITS | {"length": "2-24", "proposals": "title"},
    ),
    "rewrite": ("rewrite", [SENTENCE], EDITS | ANYTHING),
    "correct": ("correct", [SENTENCE], EDITS | {"method": "mh"}),
    "fill": ("fill", ["春天___花开"], EDITS),
}
FILTERS: dict[str, Any] = {
    "temperature": 0.8,
    "top_k": 50,
    "top_p": 0.9,
    "min_p": 0.001,
    "typical_p": 0.9,
    "epsilon_cutoff": 1e-5,
    "eta_cutoff": 1e-5,
    "repetition_penalty": 1.2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "no_repeat_ngram": 3,
    "min_new_tokens": 3,
    "seed": 1,
}


@pytest.fixture
def models(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small models in the place of those that ship; what they think of a text is not heeded."""
    monkeypatch.setattr("textgen.store.catalog.models_dir", lambda: small_models)
    monkeypatch.setattr("textgen.backends.reader.judge_bits", lambda *_: None)
    return small_models


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models compute on the device by its strange name."""
    monkeypatch.setattr("textgen.backends.loading.choose_device", lambda asked: ELSEWHERE)


def rows(model: str, texts: list[str]) -> list[textgen.Row]:
    if model == "compose":
        return [textgen.Row("", keywords=text.split()) for text in texts]
    return [textgen.Row(text, id=str(n)) for n, text in enumerate(texts)]


def records(model: str, texts: list[str], options: dict[str, Any]) -> list[dict[str, Any]]:
    found = open_backend(model, "fp32").generate(rows(model, texts), **options)
    return [record.to_dict() for record in found]


def check(watch: Watch) -> None:
    assert watch.made > 20
    assert not watch.strays, "\n".join(watch.strays[:5])


def test_what_is_made_elsewhere_is_noticed() -> None:
    with watched(ELSEWHERE) as watch:
        torch.zeros(1)
        torch.zeros(1, device="cpu")
        with Place(ELSEWHERE).entered():
            one = torch.zeros(1)
            torch.frombuffer(bytearray(8), dtype=torch.int64).to(torch.get_default_device())
            torch.frombuffer(bytearray(8), dtype=torch.int64)
            one.numpy()
            one.to("cpu")
            torch.arange(2, device="cpu")
    assert watch.made == 1
    strays = [stray.split(":")[0] for stray in watch.strays]
    assert strays == [
        "zeros on None",
        "zeros on cpu",
        "numpy on another device",
        "to on cpu",
        "arange on cpu",
        "frombuffer on the processor's memory",
    ]


@pytest.mark.parametrize("job", JOBS)
def test_no_tensor_is_made_on_the_default_device_by_accident(job: str, models: Path, elsewhere: None) -> None:
    with watched(ELSEWHERE) as watch:
        found = records(*JOBS[job])
    check(watch)
    assert found == records(*JOBS[job])
    assert all(record["candidates"] for record in found)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (model, options)
        for model, kind in (("title", TitleOptions), ("gpt2", ContinueOptions))
        for options in each_strategy(composed(kind))
    ],
    ids=str,
)
def test_no_strategy_makes_one(model: str, options: dict[str, Any], models: Path, elsewhere: None) -> None:
    job = (model, [ARTICLE, SENTENCE], SHORT | options)
    with watched(ELSEWHERE) as watch:
        found = records(*job)
    check(watch)
    assert found == records(*job)


def test_no_filter_makes_one(models: Path, elsewhere: None) -> None:
    with watched(ELSEWHERE) as watch:
        found = records("gpt2", ["春天"], SHORT | FILTERS)
    check(watch)
    assert found == records("gpt2", ["春天"], SHORT | FILTERS)


def test_no_stream_makes_one(models: Path, elsewhere: None) -> None:
    options: dict[str, Any] = SHORT | {"seed": 1, "end_at": "any"}
    whole = open_backend("gpt2", "fp32").generate("春天", **options)[0].candidates[0].text
    with watched(ELSEWHERE) as watch:
        parts, defaults = [], set()
        for part in open_backend("gpt2", "fp32").stream("春天", **options):
            defaults.add(str(torch.get_default_device()))
            parts.append(part)
    check(watch)
    assert defaults == {NOWHERE}, "whoever takes the parts stays where they are"
    assert "春天" + "".join(parts) == whole


def test_run_over_files_makes_none(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.batch.planner.choose_device", lambda asked: ELSEWHERE)
    (tmp_path / "in.txt").write_text(f"{SENTENCE}\n春天\n", encoding="utf-8")
    how: dict[str, Any] = {"seed": 1, "precision": "fp32", "workers": 1} | SHORT
    with watched(ELSEWHERE) as watch:
        textgen.run_batch("sample", tmp_path / "in.txt", tmp_path / "a.jsonl", **how)
    check(watch)
    textgen.run_batch("sample", tmp_path / "in.txt", tmp_path / "b.jsonl", **how)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_what_is_remembered_between_texts_is_remembered_for_each_device(models: Path) -> None:
    tokenizer = open_backend("gpt2", "fp32").tokenizer
    options = parse(composed(ContinueOptions), {"avoid": ["读者"]})
    ids = torch.tensor([[tokenizer.specials.bos, *tokenizer.encode("读")]])
    scores = torch.zeros(1, len(tokenizer.vocabulary))
    for device in ("meta", "cpu"):
        with torch.device(device):
            allowed = torch.ones(scores.shape[1], dtype=torch.bool)
            scoring = scoring_for(options, tokenizer, allowed, given=1, length=(2, 6))
    _, search = scoring(ids, scores)
    assert not search.is_meta
    assert search[0, tokenizer.encode("者")[0]] == -torch.inf
    assert search.isfinite().any()


def test_auto_is_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "has_gpu", lambda: True)
    assert [choose_device(asked) for asked in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(place, "has_gpu", lambda: False)
    assert [choose_device(asked) for asked in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(UsageError, match="device cuda: torch finds no GPU here"):
        choose_device("cuda")
    with pytest.raises(UsageError, match="no device tpu"):
        choose_device("tpu")


@pytest.mark.parametrize("load", [textgen.load, open_backend])
def test_a_device_that_is_not_there_is_refused_before_anything_is_loaded(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "has_gpu", lambda: False)
    monkeypatch.setattr("textgen.store.load.load_model", None)
    with pytest.raises(UsageError, match="no GPU"):
        load("gpt2", device="cuda")


def test_where_the_device_is_the_default_tensors_are_made_without_a_context() -> None:
    def contexts() -> int:
        return int(torch._C._len_torch_function_stack())

    before = contexts()
    with Place("cpu").entered():
        assert contexts() == before
    with Place("meta").entered():
        assert contexts() == before + 1
        with Place("cpu").entered():
            assert torch.get_default_device() == torch.device("cpu")
    assert contexts() == before
