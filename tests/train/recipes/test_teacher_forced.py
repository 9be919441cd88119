"""What a network says of whole texts in training is what it says step by step in writing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny import Bench, some_pairs

from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.train.step.loop import Loop

CLOSE = {"rtol": 0.0, "atol": 1e-5}


def title_loop(bench: Bench, recipe: str) -> Loop:
    loop = bench.loop(recipe, rows=some_pairs(6))
    for name, weight in loop.weights.items():
        if "prior" in name or "token_type" in name:
            weight.data += torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    loop.network.eval()
    return loop


@torch.no_grad()
@pytest.mark.parametrize("recipe", ["title", "rnn-title"])
def test_titles_of_a_batch_are_those_of_incremental_writing(bench: Bench, recipe: str) -> None:
    """In both directions at once, of articles and titles of different lengths."""
    loop = title_loop(bench, recipe)
    batch: Any = loop.recipe.batch(loop.arrays, range(6), None)
    assert len({len(source) for source in batch.sources}) > 2
    whole = loop.recipe.logits(loop.network, batch)
    assert whole.std() > 0.1
    firsts = set()
    for row, source in enumerate(batch.sources):
        for way, stream in enumerate(batch.inputs[row]):
            length = int((batch.targets[row, way] >= 0).sum())
            state = loop.network.start([source])
            firsts.add(int(stream[0]))
            for step in range(length):
                found = loop.network.step(state, stream[step : step + 1])
                torch.testing.assert_close(whole[row, way, step], found[0], **CLOSE)
    assert len(firsts) == 2


@torch.no_grad()
def test_directions_of_one_article_do_not_see_each_other(bench: Bench) -> None:
    loop = title_loop(bench, "title")
    batch: Any = loop.recipe.batch(loop.arrays, [0, 1], None)
    before = loop.recipe.logits(loop.network, batch)
    batch.inputs[:, 1, 1:] = 290
    after = loop.recipe.logits(loop.network, batch)
    assert torch.equal(after[:, 0], before[:, 0])
    assert torch.equal(after[:, 1, 0], before[:, 1, 0])
    assert not torch.allclose(after[:, 1, 1:], before[:, 1, 1:])


@torch.no_grad()
def test_a_piece_is_not_seen_before_its_place(bench: Bench) -> None:
    loop = title_loop(bench, "title")
    batch: Any = loop.recipe.batch(loop.arrays, [0, 1], None)
    before = loop.recipe.logits(loop.network, batch)
    for place in range(1, batch.inputs.shape[2]):
        kept = batch.inputs[:, :, place].clone()
        batch.inputs[:, :, place] = 290
        after = loop.recipe.logits(loop.network, batch)
        assert torch.equal(after[:, :, :place], before[:, :, :place])
        assert not torch.allclose(after[:, :, place], before[:, :, place])
        batch.inputs[:, :, place] = kept


@torch.no_grad()
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_texts_of_a_gpt2_are_those_of_incremental_writing(bench: Bench, prefix: int) -> None:
    network = load_model(find_model(str(bench.models["gpt2"]))).network
    ids = torch.randint(273, 310, (3, 20), generator=torch.Generator().manual_seed(2))
    whole = network(ids)
    state = network.start([row[:prefix].tolist() for row in ids])
    torch.testing.assert_close(whole[:, prefix:], network.extend(state, ids[:, prefix:]), **CLOSE)
    state = network.start([row[:prefix].tolist() for row in ids])
    for place in range(prefix, 20):
        torch.testing.assert_close(whole[:, place], network.step(state, ids[:, place]), **CLOSE)


@torch.no_grad()
def test_padding_behind_a_text_changes_nothing(bench: Bench) -> None:
    loop = bench.loop("gpt2")
    loop.network.eval()
    count = len(loop.arrays)
    lengths = loop.arrays.lengths().tolist()
    shortest = lengths.index(min(lengths))
    together = loop.recipe.batch(loop.arrays, range(count), None)
    alone = loop.recipe.batch(loop.arrays, [shortest], None)
    assert together.inputs.shape[1] > alone.inputs.shape[1]
    one = loop.recipe.predict(loop.network, alone)
    rows = loop.recipe.predict(loop.network, together)
    at = sum(length - 1 for length in lengths[:shortest])
    assert torch.equal(rows.targets[at : at + len(one.targets)], one.targets)
    torch.testing.assert_close(rows.logits[at : at + len(one.targets)], one.logits, **CLOSE)
