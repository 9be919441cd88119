"""Training that starts from checkpoints of other makes, and what it leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_starts import Starts, loaded, logits_there, run, start
from tiny import Countdown, same, some_pairs, weights_of, write_lines
from torch import Tensor, nn

import textgen
from textgen.errors import UsageError
from textgen.events import Note, Scored, Trained
from textgen.metrics.overlap import mean_rouge
from textgen.models.adapters.causal import CausalAdapter
from textgen.models.adapters.encoder_decoder import EncoderDecoderAdapter
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.store.catalog import find_model
from textgen.store.export import export_model, store_model
from textgen.store.load import LoadedModel
from textgen.store.save_pretrained import save_pretrained
from textgen.train.recipes import recipe_class
from textgen.train.run import train
from textgen.train.step.lora import add_adapters, merged

RECIPES = {
    "gpt2": "gpt2",
    "qwen2": "gpt2",
    "bert": "bert",
    "roformer": "bert",
    "bart": "title",
    "pegasus": "title",
    "t5": "title",
}


def logits_here(model: LoadedModel) -> Tensor:
    ids = torch.tensor([[9, 12, 10, 11]])
    with torch.no_grad():
        if isinstance(model.network, CausalAdapter):
            return model.network(ids)
        if isinstance(model.network, EncoderDecoderAdapter):
            return model.network([ids[0].tolist()], ids)[:, 1:]
        return model.network.logits(model.network.encode(ids, torch.tensor([4])))


@pytest.mark.parametrize("kind", RECIPES)
def test_steps_lower_the_loss_and_leave_a_checkpoint_of_its_make(
    kind: str, starts: Starts, tmp_path: Path
) -> None:
    events: list[Any] = []
    assert run(tmp_path / "run", RECIPES[kind], starts(kind), events, steps=20).finished
    losses = [event.loss for event in events if isinstance(event, Trained)]
    assert sum(losses[-4:]) < 0.95 * sum(losses[:4])
    model = loaded(tmp_path / "run")
    first = loaded(starts(kind))
    assert type(model.network) is type(first.network)
    assert model.tokenizer.encode("春风。") == first.tokenizer.encode("春风。")
    assert model.tokenizer.specials == first.tokenizer.specials
    here, there = (
        logits_here(model),
        logits_there(tmp_path / "run", kind, getattr(model.network, "starts", ())),
    )
    torch.testing.assert_close(here, there, atol=1e-5, rtol=0)
    assert (here - logits_here(first)).abs().max() > 0.01
    assert weights_of(tmp_path / "run").keys() == weights_of(starts(kind)).keys()


@pytest.mark.parametrize("kind", ["gpt2", "bert", "t5"])
def test_a_stopped_run_goes_on_to_the_same_bytes(kind: str, starts: Starts, tmp_path: Path) -> None:
    recipe, begin = RECIPES[kind], starts(kind)
    options = {"lora": 2} if kind == "gpt2" else {"dropout": 0.3}
    whole = run(tmp_path / "whole", recipe, begin, **options)
    run(tmp_path / "parts", recipe, begin, stopped=Countdown(3), **options)
    assert run(tmp_path / "parts", recipe, begin, resume=True, **options) == whole
    for name in ("model.safetensors", "config.json", "vocab.txt", "tokenizer_config.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not same(tmp_path / "whole", begin)


@pytest.mark.parametrize(
    ("kind", "matrices"),
    [("gpt2", 2 * 4), ("qwen2", 2 * 7 + 1), ("bart", 2 * 6 + 2 * 10), ("bert", 2 * 6 + 1)],
)
def test_adapters_correct_matrices_that_only_multiply(kind: str, matrices: int, starts: Starts) -> None:
    model = loaded(starts(kind))
    before, plain = logits_here(model), dict(model.network.state_dict())
    add_adapters(model.network.requires_grad_(True), 2, alpha=4.0, seed=1)
    trained = [name for name, weight in model.network.named_parameters() if weight.requires_grad]
    assert len(trained) == 2 * matrices
    assert not [name for name in trained if "embed" in name or "wte" in name]
    torch.testing.assert_close(logits_here(model), before, atol=1e-6, rtol=0)
    with merged(model.network):
        assert torch.equal(logits_here(model), before), "adapters that were not trained change nothing"
        assert model.network.state_dict().keys() == plain.keys()
    noise = torch.Generator().manual_seed(9)
    for weight in (weight for weight in model.network.parameters() if weight.requires_grad):
        weight.data += 0.3 * torch.randn(weight.shape, generator=noise)
    adapted = logits_here(model)
    assert (adapted - before).abs().max() > 0.1
    with merged(model.network):
        torch.testing.assert_close(logits_here(model), adapted, atol=1e-4, rtol=1e-4)


def test_sines_stay(starts: Starts) -> None:
    """Positions of a Pegasus and a RoFormer are computed."""
    network = loaded(starts("pegasus")).network.requires_grad_(True)
    fixed = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    assert fixed == {f"network.model.{part}.embed_positions.weight" for part in ("encoder", "decoder")}
    network = loaded(starts("roformer")).network.requires_grad_(True)
    fixed = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    assert fixed == {"network.roformer.encoder.embed_positions.weight"}


def test_documents_begin_with_a_symbol_only_where_it_is_read(starts: Starts, tmp_path: Path) -> None:
    """A GPT-2 over bytes has one symbol, which ends texts."""
    for kind, framed in (("gpt2", [2, "…", 3]), ("qwen2", ["…", 400])):
        options = parse(OPTIONS["gpt2"], {"start": str(starts(kind)), "window": 16}, user="gpt2")
        recipe = recipe_class("gpt2").starting(options)
        (text,) = [*recipe.examples(textgen.Row("春夏"), 0), *recipe.remaining()]
        ids = recipe.tokenizer.encode("春夏")
        place = framed.index("…")
        assert text.ids["text"] == [*framed[:place], *ids, *framed[place + 1 :]]


def test_hidden_tokens_become_the_mask_or_a_token_that_writes(starts: Starts) -> None:
    recipe: Any = recipe_class("bert").starting(
        parse(OPTIONS["bert"], {"start": str(starts("bert")), "mask_rate": "0.98-0.99"}, user="bert")
    )
    passage = recipe.tokenizer.encode("春夏秋冬" * 10)
    batch = recipe.masking.batch([passage] * 40, range(40), 0)
    assert batch.ids[:, [0, 41]].tolist() == [[2, 3]] * 40
    fed = batch.ids[batch.asked]
    others = set(fed[(fed != batch.targets) & (fed != recipe.tokenizer.specials.mask)].tolist())
    assert len(others) > 20
    assert all(recipe.tokenizer.vocabulary.pieces[i] for i in others)


def test_its_name_stays_where_conventions_go_by_it(tmp_path: Path) -> None:
    begin = start(tmp_path / "Wenzhong2.0-GPT2", "gpt2")
    network = loaded(begin).network.network
    save_pretrained(tmp_path / "mine", network, find_model(str(begin)), storage="fp16")
    config = json.loads((tmp_path / "mine" / "config.json").read_text(encoding="utf-8"))
    assert (config["_name_or_path"], config["dtype"]) == ("Wenzhong2.0-GPT2", "float16")
    assert loaded(tmp_path / "mine").network.left_out == loaded(begin).network.left_out == 2
    assert {tensor.dtype for tensor in weights_of(tmp_path / "mine").values()} == {torch.float16}


@pytest.mark.parametrize(
    ("recipe", "kind", "options", "said"),
    [
        ("title", "gpt2", {}, "causal-lm"),
        ("title", "electra", {}, "electra network"),
        ("title", "ernie-1", {}, "hidden_act 'relu' is not supported: textgen computes 'gelu'"),
        ("gpt2", "bert", {}, "masked-lm"),
        ("bert", "gpt2", {}, "causal-lm"),
        ("conditional", "gpt2", {}, "causal-lm"),
        ("title-rank", "bart", {}, "encoder-decoder"),
        ("rnn-title", "bart", {}, "encoder-decoder"),
        ("title-scorer", "roformer", {}, "roformer network"),
        ("gpt2", "gpt2", {"storage": "int8"}, "fp32"),
        ("title", "bart", {"title_length": 64}, "it writes 62 tokens"),
    ],
)
def test_what_cannot_start_so_is_refused_in_a_line(
    recipe: str, kind: str, options: dict[str, Any], said: str, starts: Starts, tmp_path: Path
) -> None:
    given = write_lines(tmp_path / "rows.jsonl", some_pairs(3))
    with pytest.raises(UsageError) as refused:
        train(recipe, [given], tmp_path / "run", start=str(starts(kind)), **options)
    line = f"{refused.value} ({refused.value.hint})"
    assert said in line
    assert "\n" not in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["gpt2", "bart", "t5", "roformer"])
def test_inputs_are_seen_wherever_they_are_embedded(kind: str, starts: Starts, tmp_path: Path) -> None:
    """An encoder and a decoder share a table, which neither may look up in by itself."""
    gentle = {"steps": 2, "dropout": 0.0, "learning_rate": 1e-3}
    for name, options in {"plain": {}, "penalty": {"gradient_penalty": 1.0}, "fgm": {"fgm": 0.3}}.items():
        run(tmp_path / name, RECIPES[kind], starts(kind), **gentle, **options)
    assert not same(tmp_path / "plain", tmp_path / "penalty")
    assert not same(tmp_path / "plain", tmp_path / "fgm")


def test_titles_of_a_dev_file_are_scored_with_adapters_in_place(starts: Starts, tmp_path: Path) -> None:
    events: list[Any] = []
    dev = write_lines(tmp_path / "dev.jsonl", some_pairs(4))
    options = {"lora": 4, "steps": 60, "eval_every": 30, "learning_rate": 3e-2, "dropout": 0.0}
    run(tmp_path / "run", "title", starts("bart"), events, dev=dev, dev_metric="rouge-l", **options)
    figures = [event.figures["rouge-l"] for event in events if isinstance(event, Scored)]
    assert max(figures) > 0
    kept = {event.step for event in events if isinstance(event, Scored) and event.best}
    assert kept
    written = textgen.load(str(tmp_path / "run"), precision="fp32").generate(
        [row["text"] for row in some_pairs(4)], decode="greedy", max_new_tokens=8
    )
    titles = [record.candidates[0].text for record in written]
    scored = 100 * mean_rouge(titles, [row["title"] for row in some_pairs(4)]).rougeL
    assert scored == pytest.approx(max(figures), abs=1e-6)


def test_characters_without_a_token_are_told(starts: Starts, tmp_path: Path) -> None:
    events: list[Any] = []
    rows = [{"text": "春风㗎吹\n过", "title": "龘月"}, *some_pairs(3)]
    given = write_lines(tmp_path / "rows.jsonl", rows)
    options = {"start": str(starts("bart")), "steps": 1, "title_length": 8}
    train("title", [given], tmp_path / "run", on_event=events.append, **options)
    (said,) = [event.text for event in events if isinstance(event, Note) and "no token" in event.text]
    assert re.search(r"5\.6 % of the characters of the first 4 rows: '㗎吹过龘'$", said)


def test_a_checkpoint_is_not_exported_to_what_it_is(starts: Starts, tmp_path: Path) -> None:
    files = find_model(str(starts("bart")))
    for write in (export_model(files, tmp_path / "out"), store_model(files, tmp_path / "out", "int8")):
        with pytest.raises(UsageError, match="is a checkpoint of transformers already"):
            next(write)


def test_every_parameter_learns(starts: Starts) -> None:
    for kind in ("bart", "t5"):
        network: nn.Module = loaded(starts(kind)).network.requires_grad_(True).train()
        network([[2, 9, 10, 3]], torch.tensor([[2, 11, 12]])).square().sum().backward()
        assert not [name for name, weight in network.named_parameters() if weight.grad is None]
