"""Random replacement of what the decoder is fed: how much, by what, and what stays."""

from __future__ import annotations

import pytest
import torch
from tiny import LETTERS, Bench, some_text

from textgen.train.recipes.pairs import Pairs
from textgen.train.step.loop import Loop

COUNT, LENGTH, SHARE = 300, 8, 0.3
# titles of eight different letters, of which none is in the article
ROWS = [
    {"text": some_text(12, n, LETTERS[:20]), "title": LETTERS[20 + n % 12 : 20 + n % 12 + LENGTH]}
    for n in range(COUNT)
]
ALL = list(range(COUNT))


def batches(bench: Bench, epoch: int | None = 0, **options: object) -> tuple[Pairs, Pairs, Loop]:
    """The same examples without replacement, and with it."""
    plain = bench.loop("title", "plain", rows=ROWS)
    loop = bench.loop("title", "replaced", rows=ROWS, replace=SHARE, **options)
    return plain.recipe.batch(plain.arrays, ALL, epoch), loop.recipe.batch(loop.arrays, ALL, epoch), loop


def test_without_replacement_the_loss_is_the_baseline(bench: Bench) -> None:
    plain, loop = bench.loop("title", "plain"), bench.loop("title", "none", replace=0.0)
    batch = loop.recipe.batch(loop.arrays, [1, 2, 3], 0)
    assert torch.equal(batch.inputs, plain.recipe.batch(plain.arrays, [1, 2, 3], None).inputs)
    ours, theirs = (one.step(0, 0, [1, 2, 3]).loss for one in (loop, plain))
    assert ours == theirs
    other = bench.loop("title", "some", replace=0.9).step(0, 0, [1, 2, 3]).loss
    assert other != theirs


def test_half_of_the_titles_stay_and_of_the_others_so_many_inputs_change(bench: Bench) -> None:
    plain, replaced, _ = batches(bench)
    changed = (plain.inputs != replaced.inputs)[:, :, 1:]
    streams = changed.flatten(0, 1)
    # a draw of the same letter, one in eight, changes nothing
    expected = 0.5 * SHARE * (1 - 1 / LENGTH)
    assert float(streams.float().mean()) == pytest.approx(expected, abs=0.02)
    touched = streams[streams.any(-1)]
    assert float(touched.float().sum(-1).mean()) == pytest.approx(2.22, abs=0.2)  # of those with any
    assert float(streams.any(-1).float().mean()) == pytest.approx(0.5 * (1 - 0.7375**LENGTH), abs=0.05)
    by_place = streams.float().mean(0)
    assert by_place.min() > expected - 0.07, "a place is spared"


def test_targets_sources_and_directions_stay(bench: Bench) -> None:
    plain, replaced, _ = batches(bench)
    assert torch.equal(plain.targets, replaced.targets)
    assert plain.sources == replaced.sources
    assert torch.equal(plain.inputs[:, :, 0], replaced.inputs[:, :, 0])


def test_directions_and_epochs_draw_for_themselves(bench: Bench) -> None:
    plain, first, loop = batches(bench)
    changed = plain.inputs != first.inputs
    assert not torch.equal(changed[:, 0].any(-1), changed[:, 1].any(-1))
    second = loop.recipe.batch(loop.arrays, ALL, 1)
    assert not torch.equal(first.inputs, second.inputs)
    again = loop.recipe.batch(loop.arrays, ALL, 0)
    assert torch.equal(first.inputs, again.inputs)


def test_an_example_draws_the_same_in_any_batch(bench: Bench) -> None:
    _, together, loop = batches(bench)
    alone = loop.recipe.batch(loop.arrays, [7], 0)
    assert torch.equal(alone.inputs[0], together.inputs[7])


def test_replacements_are_from_the_title(bench: Bench) -> None:
    _, replaced, loop = batches(bench)
    for number, streams in enumerate(replaced.inputs.tolist()):
        title = set(loop.recipe.tokenizer.encode(ROWS[number]["title"]))
        assert {i for stream in streams for i in stream[1:]} <= title


def test_or_from_article_and_title(bench: Bench) -> None:
    plain, replaced, loop = batches(bench, replace_from="input")
    changed = plain.inputs != replaced.inputs
    from_article = 0
    for number, streams in enumerate(replaced.inputs.tolist()):
        article = set(loop.recipe.tokenizer.encode(ROWS[number]["text"]))
        title = set(loop.recipe.tokenizer.encode(ROWS[number]["title"]))
        drawn = [i for stream in streams for i in stream[1:]]
        assert set(drawn) <= article | title
        from_article += sum(i in article for i in drawn)
    # twelve pieces of the article, eight of the title
    assert from_article / int(changed.sum()) == pytest.approx(12 / 19, abs=0.05)


def test_the_dev_file_is_as_it_is(bench: Bench) -> None:
    plain, replaced, _ = batches(bench, epoch=None)
    assert torch.equal(plain.inputs, replaced.inputs)


def test_every_seed_draws_its_own(bench: Bench) -> None:
    _, one, _ = batches(bench)
    _, other, _ = batches(bench, seed=1)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.mark.parametrize(("recipe", "more"), [("gpt2", {"window": 40}), ("conditional", {})])
def test_of_what_a_language_model_is_fed(bench: Bench, recipe: str, more: dict[str, object]) -> None:
    """The pieces of its texts are replaced by others of the same row; frames and targets stay."""
    rows = [{"text": some_text(12, n, LETTERS), "label": "甲"} for n in range(60)]
    plain = bench.loop(recipe, "plain", rows=rows, **more)
    loop = bench.loop(recipe, "replaced", rows=rows, replace=0.5, **more)
    count = len(plain.arrays)
    batches = [one.recipe.batch(one.arrays, range(count), 0) for one in (plain, loop)]
    one, other = (batch.texts if recipe == "conditional" else batch for batch in batches)
    assert torch.equal(one.targets, other.targets)
    specials = loop.recipe.tokenizer.specials
    frame = torch.isin(one.inputs, torch.tensor([specials.bos, specials.eos, specials.pad]))
    assert frame.any()
    assert torch.equal(one.inputs[frame], other.inputs[frame])
    changed = one.inputs != other.inputs
    for number, (before, after) in enumerate(zip(one.inputs.tolist(), other.inputs.tolist(), strict=True)):
        # the last piece of a row is told, not fed, and may be drawn
        own = {*before, *one.targets[number].tolist()}
        assert set(after) <= own, number
    assert 0 < int(changed.any(-1).sum()) < count
    assert float(changed[changed.any(-1)].float().mean()) > 0.2
    again = loop.recipe.batch(loop.arrays, range(count), 1)
    assert not torch.equal((again.texts if recipe == "conditional" else again).inputs, other.inputs)
    dev = loop.recipe.batch(loop.arrays, range(count), None)
    assert torch.equal((dev.texts if recipe == "conditional" else dev).inputs, one.inputs)
