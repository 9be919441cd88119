"""The second stage of a title model: its directions see each other, and what they see is not the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from leaks import leaked
from stages import ROWS, Stages, examples_of, make_writer
from tiny import Bench

import textgen
from textgen.choice.allowed import title_ids
from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.families.two_streams import TwoStreams
from textgen.options.title import Direction
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.train.data.arrays import Arrays
from textgen.train.objectives.loss import NO_TARGET
from textgen.train.recipes.bidirectional import PSEUDO, Streams
from textgen.train.step.loop import Loop

CLOSE: dict[str, Any] = {"rtol": 0.0, "atol": 1e-5}
LENGTHS = range(1, 9)
GOLD, OWN, READ = 275, 285, 300  # first ids of titles, of what the model wrote, of articles
EPOCHS = range(12)
WAYS: tuple[Direction, Direction] = ("l2r", "r2l")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path, tiny_models: Any) -> Path:
    return make_writer(tmp_path_factory.mktemp("writer"), tiny_tokenizer, tiny_models)


@pytest.fixture
def stages(bench: Bench, writer: Path) -> Stages:
    return Stages(bench, writer)


def numbered(folder: Path, own: int = OWN) -> Arrays:
    """Titles of one to eight different pieces, and a piece fewer each that the model wrote."""
    return examples_of(
        folder,
        [
            {
                "source": list(range(READ, READ + 3 + 2 * length)),
                "target": list(range(GOLD, GOLD + length)),
                "l2r": list(range(own, own + length - (own == OWN))),
                "r2l": list(range(own, own + length - (own == OWN))),
            }
            for length in LENGTHS
        ],
    )


def lively(loop: Loop) -> Loop:
    """Token types and copies that matter much."""
    for name, weight in loop.weights.items():
        if "prior" in name or "token_type" in name:
            weight.data += torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    loop.network.eval()
    return loop


def told(row: torch.Tensor) -> list[int]:
    return [int(i) for i in row if i != NO_TARGET]


def steps(batch: Streams, row: int, way: int) -> int:
    """How long a stream is, its direction token included."""
    return int(batch.shown[row, way]) or len(told(batch.targets[row, way]))


def fed(batch: Streams, row: int, way: int) -> list[int]:
    """What stands in a stream behind its direction token."""
    return batch.inputs[row, way, 1 : steps(batch, row, way)].tolist()


def written(batch: Streams) -> torch.Tensor:
    """`(rows, ways, steps)`, where something stands."""
    counts = [[steps(batch, row, way) for way in (0, 1)] for row in range(len(batch.sources))]
    return torch.arange(batch.inputs.shape[2]) < torch.tensor(counts)[:, :, None]


def alone(batch: Streams, row: int) -> bool:
    shown: list[int] = batch.shown[row].tolist()
    assert (0 in shown) == (shown == [0, 0])
    return shown == [0, 0]


def golden(batch: Streams, row: int) -> list[int]:
    """The ways of a row that are fed the title."""
    return [way for way in (0, 1) if set(fed(batch, row, way)) & set(range(GOLD, GOLD + 9))]


def seen_before_it_is_asked_for(batch: Streams, row: int, way: int) -> int:
    """Of the title, in the other stream, as far as that is shown."""
    other = fed(batch, row, 1 - way)[: max(0, int(batch.shown[row, 1 - way]) - 1)]
    return leaked(told(batch.targets[row, way]), other)


def test_no_gold_is_shown_before_it_is_asked_for(stages: Stages, tmp_path: Path) -> None:
    arrays = numbered(tmp_path / "own")
    recipe = stages.recipe("bidirectional")
    rows = {True: 0, False: 0}
    for epoch in [*EPOCHS, None]:
        batch = recipe.batch(arrays, range(len(arrays)), epoch)
        for row in range(len(arrays)):
            rows[alone(batch, row)] += 1
            assert [seen_before_it_is_asked_for(batch, row, way) for way in (0, 1)] == [0, 0]
    assert min(rows.values()) > 20


def test_gold_in_both_streams_would_be_shown(stages: Stages, tmp_path: Path) -> None:
    """Where the model had written the very title, half of it is; where they are alone, nothing."""
    arrays = numbered(tmp_path / "gold", own=GOLD)
    recipe = stages.recipe("bidirectional")
    for epoch in EPOCHS:
        batch = recipe.batch(arrays, range(len(arrays)), epoch)
        for row, length in enumerate(LENGTHS):
            found = [seen_before_it_is_asked_for(batch, row, way) for way in (0, 1)]
            assert sorted(found) == [0, 0 if alone(batch, row) else length // 2]


def test_streams_of_a_batch(stages: Stages, tmp_path: Path) -> None:
    """One is gold and told, beside what the model wrote itself; or both are gold, told, and alone."""
    arrays = numbered(tmp_path / "own")
    recipe = stages.recipe("bidirectional")
    specials = recipe.tokenizer.specials
    found = set()
    for epoch in EPOCHS:
        batch = recipe.batch(arrays, range(len(arrays)), epoch)
        assert batch.inputs[:, :, 0].tolist() == [[specials.l2r, specials.r2l]] * len(arrays)
        for row, length in enumerate(LENGTHS):
            assert batch.sources[row] == [specials.cls, *arrays.ids("source", row), specials.sep]
            gold = golden(batch, row)
            for way in (0, 1):
                title = arrays.ids("target" if way in gold else PSEUDO[way], row)
                if length < 8:  # else its end is cut off
                    assert fed(batch, row, way) == (title[::-1] if way else title)
                text = [*fed(batch, row, way), specials.eos]
                assert told(batch.targets[row, way]) == (text if way in gold else [])
                assert int(batch.shown[row, way]) == (0 if alone(batch, row) else len(text))
            assert len(gold) == (2 if alone(batch, row) else 1)
            found.add(tuple(gold))
    assert found == {(0,), (1,), (0, 1)}


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 0.22, 0.38), (1.0, 1, 1)])
def test_shares_of_what_is_drawn(
    stages: Stages, tmp_path: Path, share: float, least: float, most: float
) -> None:
    """Anew in every epoch, and the same whatever else is in the batch."""
    arrays = numbered(tmp_path / "own")
    recipe = stages.recipe("bidirectional", alone=share)
    drawn = []
    for epoch in range(60):
        batch = recipe.batch(arrays, [7, 3, 5, 6], epoch)
        drawn.append([tuple(golden(batch, row)) for row in range(4)])
        again = recipe.batch(arrays, [5], epoch)
        assert tuple(golden(again, 0)) == drawn[-1][2]
        assert again.shown.tolist() == batch.shown[2:3].tolist()
    fates = [one for row in drawn for one in row]
    count = len(fates)
    assert least <= fates.count((0, 1)) / count <= most
    if share < 1:
        assert 0.4 < fates.count((0,)) / (count - fates.count((0, 1))) < 0.6
        assert len(set(map(tuple, drawn))) > 5


def test_dev_rows_are_never_alone(stages: Stages, tmp_path: Path) -> None:
    """Every other is gold left to right, whatever stands beside it."""
    arrays = numbered(tmp_path / "own")
    recipe = stages.recipe("bidirectional", alone=1.0, replace=0.5)
    batch = recipe.batch(arrays, [2, 3, 4, 7], None)
    assert [golden(batch, row) for row in range(4)] == [[0], [1], [0], [1]]
    assert (batch.shown > 0).all()


def test_the_titles_that_it_wrote_may_be_cut_or_empty(stages: Stages, tmp_path: Path) -> None:
    long = list(range(OWN, OWN + 9))
    columns = {"source": [READ], "target": [GOLD, GOLD + 1], "l2r": long, "r2l": long}
    arrays = examples_of(tmp_path / "long", [columns, columns | {"l2r": [], "r2l": []}])
    recipe = stages.recipe("bidirectional", alone=0.0)
    for epoch in EPOCHS:
        batch = recipe.batch(arrays, [0, 1], epoch)
        (gold,) = golden(batch, 0)
        whole = long[::-1] if gold == 0 else long
        assert fed(batch, 0, 1 - gold) == whole[:7]
        (gold,) = golden(batch, 1)
        assert fed(batch, 1, 1 - gold) == []
        assert int(batch.shown[1, 1 - gold]) == 1


def test_inputs_are_replaced_in_both_streams(stages: Stages, tmp_path: Path) -> None:
    arrays = numbered(tmp_path / "own")
    plain, noisy = (stages.recipe("bidirectional", alone=0.0, replace=share) for share in (0.0, 0.5))
    changed = {"gold": 0, "own": 0}
    for epoch in EPOCHS:
        ours, theirs = (one.batch(arrays, range(len(arrays)), epoch) for one in (plain, noisy))
        assert torch.equal(ours.targets, theirs.targets)
        assert torch.equal(ours.inputs[:, :, 0], theirs.inputs[:, :, 0])
        for row in range(2, len(arrays)):
            for way in (0, 1):
                other = fed(theirs, row, way) != fed(ours, row, way)
                changed["gold" if way in golden(ours, row) else "own"] += other
                assert set(fed(theirs, row, way)) <= set(fed(ours, row, way))
    assert min(changed.values()) > 5


@torch.no_grad()
def test_rows_alone_are_two_ordinary_decoders(stages: Stages, tmp_path: Path) -> None:
    """In one batch with rows that are not."""
    loop = lively(stages.loop_over(numbered(tmp_path / "own"), "bidirectional"))
    network: Any = loop.network
    both = set()
    for epoch in EPOCHS[:4]:
        batch = loop.recipe.batch(loop.arrays, range(len(loop.arrays)), epoch)
        whole = loop.recipe.logits(network, batch)  # type: ignore[attr-defined]
        types = network.token_types(batch.inputs[:, :, 0])
        apart = teacher_forced(network, batch.sources, batch.inputs, types, interaction=False)
        known = batch.targets != NO_TARGET
        for row in range(2, len(loop.arrays)):
            both.add(alone(batch, row))
            if alone(batch, row):
                torch.testing.assert_close(whole[row][known[row]], apart[row][known[row]], **CLOSE)
            else:
                assert (whole[row, :, 1] - apart[row, :, 1]).abs().max() > 1e-3
                # of the partner's direction token alone nothing is learned, but it is seen
                assert not torch.equal(whole[row, :, 0], apart[row, :, 0])
    assert both == {True, False}


@torch.no_grad()
def test_what_is_fed_in_training_is_what_is_seen_in_writing(stages: Stages, tmp_path: Path) -> None:
    """Step by step with a cache, where a stream that has ended is frozen."""
    loop = lively(stages.loop_over(numbered(tmp_path / "own"), "bidirectional", alone=0.0))
    network: Any = loop.network
    assert network.two_way
    specials = loop.recipe.tokenizer.specials
    batch = loop.recipe.batch(loop.arrays, range(len(loop.arrays)), 0)
    whole = loop.recipe.logits(network, batch)  # type: ignore[attr-defined]
    two = TwoStreams(network, (specials.l2r, specials.r2l))
    lengths = set()
    for row, source in enumerate(batch.sources):
        state = two.start([source])
        counts = [steps(batch, row, way) for way in (0, 1)]
        lengths.add(counts[0] - counts[1])
        for step in range(max(counts)):
            state.freeze(torch.tensor([step >= count for count in counts]))
            found = two.step(state, batch.inputs[row, :, step])
            for way in (0, 1):
                if step < counts[way]:
                    torch.testing.assert_close(whole[row, way, step], found[way], **CLOSE)
    assert lengths == {-1, 1}


@torch.no_grad()
def test_padding_is_hidden_from_the_partner(stages: Stages, tmp_path: Path) -> None:
    """Whatever stands there, and however much a longer neighbour makes of it."""
    loop = lively(stages.loop_over(numbered(tmp_path / "own"), "bidirectional", alone=0.0))
    batch = loop.recipe.batch(loop.arrays, [3, 7], 0)
    before = loop.recipe.logits(loop.network, batch)  # type: ignore[attr-defined]
    known = written(batch)
    assert not known[0].all()
    batch.inputs[~known] = GOLD
    after = loop.recipe.logits(loop.network, batch)  # type: ignore[attr-defined]
    assert torch.equal(after[known], before[known])
    by_itself = loop.recipe.batch(loop.arrays, [3], 0)
    single = loop.recipe.logits(loop.network, by_itself)[0]  # type: ignore[attr-defined]
    longest = by_itself.inputs.shape[2]
    assert longest < batch.inputs.shape[2]
    own = known[0, :, :longest]
    torch.testing.assert_close(before[0, :, :longest][own], single[own], **CLOSE)
    # what the partner has really written is seen
    (gold,) = golden(by_itself, 0)
    by_itself.inputs[0, gold, 2] = READ
    other = loop.recipe.logits(loop.network, by_itself)[0, 1 - gold]  # type: ignore[attr-defined]
    assert torch.equal(other[:2], single[1 - gold, :2])
    assert not torch.allclose(other[2], single[1 - gold, 2])


@torch.no_grad()
def test_pseudo_targets_are_what_the_start_writes(stages: Stages) -> None:
    recipe = stages.recipe("bidirectional", alone=0.0)
    arrays = stages.written(recipe)
    backend = textgen.load(str(stages.writer), precision="fp32")
    for way in WAYS:
        options: dict[str, Any] = {"decode": "greedy", "max_new_tokens": 9, "direction": way}
        records = backend.generate([row["text"] for row in ROWS], **options)
        titles = [record.candidates[0].text for record in records]
        assert [recipe.tokenizer.decode(arrays.ids(way, n)) for n in range(10)] == titles
        assert titles != [row["title"] for row in ROWS]
    for number, row in enumerate(ROWS):
        assert recipe.tokenizer.decode(arrays.ids("source", number)) == row["text"]
        assert recipe.tokenizer.decode(arrays.ids("target", number)) == row["title"]
    # by the network itself: each piece of its own stream is the likeliest behind those before it
    start = load_model(find_model(str(stages.writer)))
    network: Any = start.network
    allowed = title_ids(start.tokenizer, network.vocab_size)
    own = 0
    for epoch in (0, 1):
        batch = recipe.batch(arrays, range(10), epoch)
        types = network.token_types(batch.inputs[:, :, 0])
        logits = teacher_forced(network, batch.sources, batch.inputs, types, interaction=False)
        logits = logits.masked_fill(~allowed, -torch.inf)
        logits[:, :, 0, recipe.tokenizer.specials.eos] = -torch.inf  # no title is empty
        best = logits.argmax(-1)
        for example in range(10):
            for number, way in enumerate(WAYS):
                if not told(batch.targets[example, number]):
                    text = recipe.target(arrays.ids(way, example), backwards=bool(number))[:-1]
                    assert fed(batch, example, number) == text
                    assert best[example, number, : len(text)].tolist() == text
                    own += 1
    assert own > 5
