"""BERTs of other makes that learn to write titles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_starts import Starts, loaded, logits_there, run, start
from safetensors.torch import load_file, save_file
from tiny import some_pairs, write_lines

import textgen
from textgen.errors import UsageError
from textgen.events import Trained
from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.unilm import read_sources
from textgen.options import parse
from textgen.options.recipes import OPTIONS
from textgen.store.export import store_model
from textgen.train.recipes import recipe_class


@pytest.mark.parametrize(("kind", "unused"), [("bert", True), ("bert", False), ("ernie", True)])
def test_a_bert_learns_to_write_both_ways(kind: str, unused: bool, tmp_path: Path) -> None:
    begin = start(tmp_path / kind, kind, unused=unused)
    events: list[Any] = []
    options = {"dev": write_lines(tmp_path / "dev.jsonl", some_pairs(3)), "dev_metric": "rouge-l"}
    run(tmp_path / "run", "title", begin, events, steps=20, **options)
    losses = [event.loss for event in events if isinstance(event, Trained)]
    assert sum(losses[-4:]) < 0.95 * sum(losses[:4])
    model, rows = loaded(tmp_path / "run"), len(loaded(begin).tokenizer.vocabulary)
    assert model.files.kind == "title"
    directions = (5, 6) if unused else (rows, rows + 1)
    specials = model.tokenizer.specials
    assert (specials.l2r, specials.r2l, specials.cls, specials.eos) == (*directions, 2, 3)
    assert model.network.vocab_size == (rows if unused else rows + 2)
    assert [name for name in OPTIONS if recipe_class(name).takes(model.files)] == [
        "title",
        "bidirectional",
        "title-rank",
        "title-scorer",
    ]
    for way in ("l2r", "r2l"):
        (record,) = textgen.load(str(tmp_path / "run")).generate(
            some_pairs(1)[0]["text"], decode="greedy", direction=way, max_new_tokens=8
        )
        assert record.error is None
        assert "unused" not in record.candidates[0].text
    *_, weights = store_model(model.files, tmp_path / "int8", "int8")
    assert loaded(weights.parent).tokenizer.specials == specials
    # a second stage starts from it as from any title model
    run(tmp_path / "again", "title", tmp_path / "run", steps=1)
    assert loaded(tmp_path / "again").tokenizer.specials == specials


@pytest.mark.parametrize("kind", ["bert", "ernie", "roformer", "roformer-words", "wobert"])
def test_before_training_a_network_is_as_it_was(kind: str, starts: Starts) -> None:
    recipe = recipe_class("title").starting(
        parse(OPTIONS["title"], {"start": str(starts(kind))}, user="title")
    )
    unilm: Any = recipe.build(None)
    with torch.no_grad():
        _, hidden = read_sources(unilm.network, [[9, 12, 10, 11]])
        found = unilm.network.logits(hidden[:, :4])
    torch.testing.assert_close(found, logits_there(starts(kind), kind), atol=1e-5, rtol=0)


def test_positions_that_are_no_sines_are_refused(tmp_path: Path) -> None:
    begin = start(tmp_path / "start", "roformer")
    tensors = load_file(begin / "model.safetensors")
    tensors["roformer.encoder.embed_positions.weight"] += 0.1
    save_file(tensors, begin / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match="rotary positions of its own"):
        run(tmp_path / "run", "title", begin, steps=1)


@pytest.mark.parametrize("kind", ["roformer-words", "wobert"])
def test_words_learn_to_write(kind: str, starts: Starts, tmp_path: Path) -> None:
    begin = starts(kind)
    run(tmp_path / "run", "title", begin, steps=3)
    model = loaded(tmp_path / "run")
    assert model.files.kind == ("title" if kind == "wobert" else "roformer-title")
    assert model.tokenizer.encode("春风东南") == loaded(begin).tokenizer.encode("春风东南") == [49, 51]
    # what is written step by step is what was learned at once
    unilm, specials = model.network, model.tokenizer.specials
    source, target = [2, 49, 9, 12, 3], [specials.l2r, 51, 10, 11]
    with torch.no_grad():
        types = unilm.token_types(torch.tensor([[specials.l2r]]))
        whole = teacher_forced(unilm, [source], torch.tensor([[target]]), types)[:, 0]
        stepped = unilm.extend(unilm.start([source]), torch.tensor([target]))
    torch.testing.assert_close(stepped, whole, atol=1e-5, rtol=0)
    for way in ("l2r", "r2l"):
        (record,) = textgen.load(str(tmp_path / "run")).generate(
            some_pairs(1)[0]["text"], decode="greedy", direction=way, max_new_tokens=8
        )
        assert record.error is None
        assert record.candidates[0].text
    # second stages start from it, and it is stored in int8
    few = {"steps": 1, "title_length": 8}
    run(tmp_path / "two", "bidirectional", tmp_path / "run", **few)
    run(tmp_path / "ranked", "title-rank", tmp_path / "run", beams=2, samples=2, **few)
    *_, weights = store_model(model.files, tmp_path / "int8", "int8")
    assert loaded(weights.parent).tokenizer.specials == specials


@pytest.mark.parametrize(("kind", "writer"), [("bert", "bart"), ("ernie", "t5"), ("wobert", "title")])
def test_a_scorer_reads_the_titles_of_another_vocabulary(
    kind: str, writer: str, starts: Starts, tmp_path: Path
) -> None:
    begin = starts(kind)
    written_by = writer if writer == "title" else str(starts(writer))
    few = {"title_length": 8, "beams": 2, "samples": 2, "candidates": 4, "dropout": 0.0}
    events: list[Any] = []
    run(tmp_path / "run", "title-scorer", begin, events, steps=12, writer=written_by, source_length=30, **few)
    losses = [event.loss for event in events if isinstance(event, Trained)]
    assert sum(losses[-4:]) < sum(losses[:4])
    scorer = loaded(tmp_path / "run")
    assert scorer.files.kind == "title-scorer"
    assert scorer.tokenizer.encode("春风东南") == loaded(begin).tokenizer.encode("春风东南")
    texts = [row["text"] for row in some_pairs(2)]
    found = textgen.load(written_by, precision="fp32").generate(
        texts, rank="scorer", scorer=str(tmp_path / "run"), num_candidates=3, max_new_tokens=8
    )
    for text, record in zip(texts, found, strict=True):
        assert record.error is None
        ids = scorer.tokenizer.encode
        expected = scorer.network.score([2, *ids(text), 3], [ids(one.text) for one in record.candidates])
        assert [one.score for one in record.candidates] == pytest.approx(expected.tolist(), abs=1e-5)
        assert len({*expected.tolist()}) > 1
