"""Every recipe can learn a handful of texts by heart, and the model that it saves tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import LETTERS, Bench, make_bert, make_gpt2, some_text

from textgen.backends.registry import backend_class
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model

FAST: dict[str, Any] = {
    "learning_rate": 5e-3,
    "batch_size": 8,
    "warmup": 0.1,
    "bucketing": False,
    "log_every": 50,
}
TITLES = ["山川河海", "月山", "东西南北红黄", "天地人和", "大小高低", "风花雪月", "日星云", "金木水火"]
PAIRS = [{"text": some_text(14, n) + "。", "title": title} for n, title in enumerate(TITLES)]


def trained(bench: Bench) -> LoadedModel:
    return load_model(find_model(str(bench.folder / "run")))


def written(model: LoadedModel, texts: list[str], **options: Any) -> list[str]:
    backend = backend_class(model.files.kind)(model)
    return [record.candidates[0].text for record in backend.generate(texts, decode="greedy", **options)]


@pytest.fixture
def wide_bert(tmp_path: Path, tiny_tokenizer: Path) -> Path:
    return make_bert(tmp_path / "bert", tiny_tokenizer, width=32)


@pytest.fixture
def wide_gpt2(tmp_path: Path, tiny_tokenizer: Path) -> Path:
    return make_gpt2(tmp_path / "gpt2", tiny_tokenizer, width=32)


def test_titles_by_unilm(bench: Bench, wide_bert: Path) -> None:
    bench.train("title", rows=PAIRS, start=str(wide_bert), steps=120, storage="fp16", **FAST)
    model = trained(bench)
    for direction in ("l2r", "r2l"):
        found = written(model, [row["text"] for row in PAIRS], direction=direction, max_new_tokens=8)
        assert found == TITLES


def test_titles_by_rnn(bench: Bench) -> None:
    bench.train("rnn-title", rows=PAIRS, width=32, steps=200, **FAST)
    model = trained(bench)
    for direction in ("l2r", "r2l"):
        found = written(model, [row["text"] for row in PAIRS], direction=direction, max_new_tokens=8)
        assert found == TITLES


def test_texts_by_gpt2(bench: Bench, wide_gpt2: Path) -> None:
    """A text and its frame fill a window, so that all begin where a prompt does."""
    texts = [some_text(30, n) for n in range(6)]
    rows = [{"text": text} for text in texts]
    bench.train("gpt2", rows=rows, start=str(wide_gpt2), steps=150, window=32, **FAST)
    found = written(trained(bench), [text[:6] for text in texts], max_new_tokens=40)
    assert found == texts


def test_masks_by_bert(bench: Bench, wide_bert: Path) -> None:
    texts = [some_text(12, n) for n in range(8)]
    rows = [{"text": text} for text in texts]
    bench.train("bert", rows=rows, start=str(wide_bert), steps=250, mask_rate=(0.15, 0.15), **FAST)
    model = trained(bench)
    specials = model.tokenizer.specials
    right = 0
    for text in texts:
        ids = [specials.cls, *model.tokenizer.encode(text), specials.sep]
        places = torch.arange(1, 13)
        rows = torch.tensor(ids).repeat(12, 1)
        rows[torch.arange(12), places] = specials.mask
        found = model.network.masked_logits(rows, torch.full((12,), 14), places).argmax(-1)
        right += int((found == torch.tensor(ids)[places]).sum())
    assert right / 96 > 0.95


def with_styles(bench: Bench, start: Path, **options: Any) -> LoadedModel:
    """Two styles with an alphabet of their own each."""
    halves = {"甲": LETTERS[:4], "乙": LETTERS[4:8]}
    rows = [
        {"text": some_text(8, 10 * n + len(label), letters), "label": label}
        for n in range(32)
        for label, letters in halves.items()
    ]
    bench.train(
        "conditional", rows=rows, start=str(start), null_share=0.3, condition_size=8, **FAST | options
    )
    return trained(bench)


def share_of_first(texts: list[str]) -> float:
    """The share of the letters that are of the first style."""
    letters = "".join(texts)
    assert set(letters) <= set(LETTERS[:8])
    return sum(letter in LETTERS[:4] for letter in letters) / len(letters)


def sampled(model: LoadedModel, style: str | None, **options: Any) -> list[str]:
    given = {} if style is None else {"style": style}
    (record,) = backend_class(model.files.kind)(model).generate([""], seed=1, **given, **options)
    return [candidate.text for candidate in record.candidates]


def test_styles_of_gpt2(bench: Bench, wide_gpt2: Path) -> None:
    model = with_styles(bench, wide_gpt2, steps=200)
    shares = {
        style: share_of_first(sampled(model, style, num_candidates=100, max_new_tokens=8))
        for style in ("甲", "乙", None)
    }
    assert shares["甲"] > 0.99
    assert shares["乙"] < 0.01
    assert 0.35 < shares[None] < 0.65


@pytest.mark.slow  # those of gpt2 every day
def test_styles_of_bert(bench: Bench, wide_bert: Path) -> None:
    model = with_styles(bench, wide_bert, steps=200, mask_rate=(0.3, 0.95))
    shares = {
        style: share_of_first(sampled(model, style, num_candidates=32, length="8", sweeps=6))
        for style in ("甲", "乙", None)
    }
    assert shares["甲"] > 0.99
    assert shares["乙"] < 0.01
    assert 0.25 < shares[None] < 0.75
