"""The model that ranks titles: what it reads, what its scores depend on, and its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from textgen.errors import ModelError, TextgenError, UsageError
from textgen.models.families.bert import Bert, BertConfig, Trunk
from textgen.models.families.title_scorer import ROWS, TitleScorer, joint_input, padded_inputs
from textgen.resources import models_dir
from textgen.store.catalog import find_model, find_scorer
from textgen.store.export import export_model, store_model
from textgen.store.load import load_model
from textgen.store.save import save_model, write_model
from textgen.store.user_models import add_model

Maker = Callable[..., Any]
TOKENIZER = models_dir() / "tokenizer" / "zh8k.model"
CLS, SEP = 2, 3
ARTICLE = [CLS, *range(10, 50), SEP]
TITLES = [[11, 12], [60, 61, 62, 63], [], list(range(20, 45)), [12, 11], [70], [11, 12, 13]]


@pytest.fixture
def scorer(tiny_bert: Bert) -> TitleScorer:
    return scorer_of(tiny_bert)


def scorer_of(bert: Bert, *, head: bool = True) -> TitleScorer:
    network = TitleScorer(bert.bert, bert.config).eval().requires_grad_(False)
    if head:
        noise = torch.Generator().manual_seed(8)
        network.head.copy_(torch.randn(network.head.shape, generator=noise))
    return network


def config_of(network: TitleScorer) -> dict[str, Any]:
    return {"model_type": "title-scorer", **asdict(network.config)}


def alone(network: TitleScorer, source: list[int], title: list[int]) -> float:
    """The score as the definition has it: nothing padded, nothing batched."""
    ids = torch.tensor([[*source, *title, SEP]])
    types = torch.tensor([[0] * len(source) + [1] * (len(title) + 1)])
    x = network.bert.embeddings(ids, torch.arange(ids.shape[1]), types)
    for layer in network.bert.encoder.layer:
        x = layer(x, torch.nn.functional.scaled_dot_product_attention)
    return float(x[0, 0] @ network.head)


def test_scores_are_those_of_the_definition(scorer: TitleScorer) -> None:
    found = scorer.score(ARTICLE, TITLES)
    wanted = torch.tensor([alone(scorer, ARTICLE, title) for title in TITLES])
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    assert float(found.std()) > 0.1
    assert float(scorer.score([CLS, 9, SEP], TITLES[:1])[0] - found[0]) != pytest.approx(0, abs=1e-2)


def test_no_score_depends_on_the_others(scorer: TitleScorer) -> None:
    titles = [[number % 90 + 9] * (number % 30) for number in range(2 * ROWS + 3)]
    together_ = scorer.score(ARTICLE, titles)
    backwards = scorer.score(ARTICLE, titles[::-1]).flip(0)
    single = torch.cat([scorer.score(ARTICLE, [title]) for title in titles])
    torch.testing.assert_close(together_, single, atol=1e-4, rtol=0)
    torch.testing.assert_close(backwards, single, atol=1e-4, rtol=0)


def test_padding_is_not_seen(scorer: TitleScorer) -> None:
    ids, lengths, starts = padded_inputs([joint_input(ARTICLE, title, 128) for title in TITLES])
    found = scorer(ids, lengths, starts)
    behind = torch.arange(ids.shape[1]) >= lengths[:, None]
    torch.testing.assert_close(scorer(ids.masked_fill(behind, 77), lengths, starts), found, atol=0, rtol=0)
    wider = torch.cat([ids, torch.full((len(ids), 16), 55)], 1)
    torch.testing.assert_close(scorer(wider, lengths, starts), found, atol=1e-4, rtol=0)


def test_title_and_article_are_told_apart(scorer: TitleScorer) -> None:
    ids, lengths, starts = padded_inputs([joint_input(ARTICLE, [11, 12, 13], 128)])
    assert float(scorer(ids, lengths, starts)) != pytest.approx(
        float(scorer(ids, lengths, starts + 1)), abs=1e-3
    )


def test_nobody_is_preferred_before_anything_is_learned(tiny_bert: Bert) -> None:
    network = scorer_of(tiny_bert, head=False)
    assert network.score(ARTICLE, TITLES).tolist() == [0] * len(TITLES)
    network.requires_grad_(True)
    network(*padded_inputs([joint_input(ARTICLE, TITLES[1], 128)])).sum().backward()
    assert network.head.grad is not None
    assert float(network.head.grad.abs().max()) > 0, "nothing could be learned"
    network.requires_grad_(False)


def test_no_titles_have_no_scores(scorer: TitleScorer) -> None:
    assert scorer.score(ARTICLE, []).shape == (0,)


@pytest.mark.parametrize(
    ("article", "title", "positions", "read", "start"),
    [
        (4, 2, 16, [2, 10, 11, 12, 13, 3, 50, 51, 3], 6),
        (4, 2, 9, [2, 10, 11, 12, 13, 3, 50, 51, 3], 6),
        (4, 2, 8, [2, 10, 11, 12, 3, 50, 51, 3], 5),
        (0, 2, 8, [2, 3, 50, 51, 3], 2),
        (9, 9, 8, [2, 10, 3, 50, 51, 52, 53, 3], 3),
    ],
)
def test_what_has_no_room_is_cut(
    article: int, title: int, positions: int, read: list[int], start: int
) -> None:
    source = [CLS, *range(10, 10 + article), SEP]
    assert joint_input(source, range(50, 50 + title), positions) == (read, start)


def test_long_texts_are_scored(scorer: TitleScorer) -> None:
    source = [CLS, *[20] * 300, SEP]
    found = scorer.score(source, [[30] * 90, [31] * 90])
    assert float((found[0] - found[1]).abs()) > 1e-3
    cut = [CLS, *[20] * (128 - 4 - 2), SEP]
    torch.testing.assert_close(scorer.score(source, [[31] * 3]), scorer.score(cut, [[31] * 3]))


def test_the_trunk_is_that_of_a_bert(tiny_bert: Bert) -> None:
    """Without types the trunk's states are those of `Bert.encode`, at one place or all."""
    ids = torch.tensor([[*ARTICLE, *[0] * 6]])
    lengths = torch.tensor([len(ARTICLE)])
    assert torch.equal(tiny_bert.bert.encode(ids, lengths), tiny_bert.encode(ids, lengths))
    one = tiny_bert.bert.encode(ids, lengths, torch.tensor([0]), torch.zeros_like(ids))
    torch.testing.assert_close(one, tiny_bert.encode(ids, lengths)[:, :1], atol=1e-5, rtol=0)


@pytest.fixture
def whole() -> TitleScorer:
    """One with as many pieces as the tokenizer."""
    sizes = BertConfig(8192, 16, 2, 2, 24, 64, 2, 1e-12)
    network = TitleScorer(Trunk(sizes), sizes).eval().requires_grad_(False)
    noise = torch.Generator().manual_seed(9)
    for _, weight in sorted(network.named_parameters()):
        weight.copy_(0.3 * torch.randn(weight.shape, generator=noise))
    return network


def scores(network: Any) -> Tensor:
    found: Tensor = network.score([CLS, *range(100, 140), SEP], [[100, 101], [900] * 7, [105]])
    return found


def test_what_is_saved_is_what_is_loaded(whole: TitleScorer, tmp_path: Path) -> None:
    save_model(tmp_path / "saved", whole, config_of(whole), TOKENIZER, storage="fp32")
    model = load_model(find_scorer(str(tmp_path / "saved")))
    assert isinstance(model.network, TitleScorer)
    assert model.files.kind == "title-scorer"
    assert torch.equal(scores(model.network), scores(whole))


@pytest.mark.parametrize(("storage", "apart"), [("fp16", 0.02), ("int8", 0.3)])
def test_storages(whole: TitleScorer, tmp_path: Path, storage: str, apart: float) -> None:
    save_model(tmp_path / "whole", whole, config_of(whole), TOKENIZER, storage="fp32")
    assert list(store_model(find_model(str(tmp_path / "whole")), tmp_path / "stored", storage))
    found = load_model(find_scorer(str(tmp_path / "stored"))).network
    assert 0 < float((scores(found) - scores(whole)).abs().max()) < apart


def test_it_is_added_and_not_exported(
    whole: TitleScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "shelf"))
    save_model(tmp_path / "mine", whole, config_of(whole), TOKENIZER)
    assert add_model(find_model(str(tmp_path / "mine")), "judge", load_model).kind == "title-scorer"
    assert find_scorer("judge").added
    with pytest.raises(UsageError, match="is a title-scorer model, which transformers does not know"):
        list(export_model(find_model("judge"), tmp_path / "theirs"))
    (tmp_path / "mine" / "config.json").write_text(
        json.dumps(config_of(whole) | {"hidden_size": 32}), encoding="utf-8"
    )
    with pytest.raises(ModelError, match=r"config\.json says"):
        add_model(find_model(str(tmp_path / "mine")), "broken", load_model)


def without(name: str) -> Callable[[dict[str, Any], dict[str, Tensor]], None]:
    def change(config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        config.pop(name, None)
        tensors.pop(name, None)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("hidden_size"), "hidden_size is missing"),
        (without("head"), "lacks the tensor head"),
        (lambda config, tensors: config.update(type_vocab_size=1), "type_vocab_size cannot be 1"),
        (lambda config, tensors: config.update(num_attention_heads=3), "does not divide"),
        (lambda config, tensors: config.update(num_hidden_layers=1), "has a tensor bert.encoder.layer.1"),
        (lambda config, tensors: tensors.update(head=torch.zeros(5)), "head (5,), config.json says (16,)"),
        (lambda config, tensors: tensors.update(more=torch.zeros(5)), "has a tensor more"),
    ],
)
def test_broken_files(
    whole: TitleScorer, tmp_path: Path, change: Callable[[Any, Any], None], told: str
) -> None:
    config, tensors = config_of(whole), dict(whole.state_dict())
    change(config, tensors)
    list(write_model(tmp_path / "broken", tensors, config, TOKENIZER, "fp16"))
    with pytest.raises(TextgenError) as caught:
        load_model(find_scorer(str(tmp_path / "broken")))
    assert type(caught.value) is ModelError
    assert told in caught.value.message
    assert "\n" not in caught.value.line


def test_another_kind_is_no_scorer(make_folder: Maker) -> None:
    with pytest.raises(UsageError) as caught:
        find_scorer(str(make_folder("bert").path))
    assert "is a bert model (the recipe title-scorer trains one that ranks)" in caught.value.line


def test_the_vocabulary_must_hold_the_pieces(whole: TitleScorer, tmp_path: Path) -> None:
    sizes = replace(whole.config, vocab_size=100)
    small = TitleScorer(Trunk(sizes), sizes)
    save_model(tmp_path / "small", small, config_of(small), TOKENIZER)
    with pytest.raises(ModelError, match="the tokenizer has"):
        load_model(find_scorer(str(tmp_path / "small")))
