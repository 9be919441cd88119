"""A title model learns to give its own candidates probabilities in the order of their ROUGE-L."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from stages import ROWS, Stages, examples_of, lacking, make_writer
from tiny import Bench
from torch import Tensor

import textgen
from textgen.backends.title.backend import TitleBackend
from textgen.metrics.overlap import mean_rouge, rouge_l
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.train.data.arrays import Arrays
from textgen.train.data.candidates import DIGITS, ranks, split
from textgen.train.objectives.loss import NO_TARGET
from textgen.train.step.loop import Loop
from textgen.train.step.machine import Machine

FEW: dict[str, Any] = {"beams": 2, "samples": 2, "candidates": 4}
END = 3
GOLD, OWN, READ = 275, 285, 300  # first ids of titles, of candidates, of articles


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path, tiny_models: Any) -> Path:
    return make_writer(tmp_path_factory.mktemp("writer"), tiny_tokenizer, tiny_models)


@pytest.fixture
def stages(bench: Bench, writer: Path) -> Stages:
    return Stages(bench, writer, **FEW)


def numbered(folder: Path) -> Arrays:
    """Articles with three candidates, with two, with some of one rank, with one, and with none."""
    long = list(range(OWN, OWN + 9))
    texts = [
        [[OWN], [OWN + 1, OWN + 2], [OWN + 3, OWN, OWN + 4, OWN]],
        [[GOLD, GOLD + 1], [OWN + 2]],
        [[OWN, OWN + 1], [OWN + 1, OWN], [OWN + 2, OWN + 3, OWN + 4]],
        [[OWN + 2]],
        [],
        [long, [], [OWN + 3]],
    ]
    places = [[0, 1, 2], [0, 1], [0, 0, 1], [0], [], [0, 1, 1]]
    return examples_of(
        folder,
        [
            {
                "source": list(range(READ, READ + 2 + 2 * number)),
                "target": list(range(GOLD, GOLD + 1 + number)),
                "candidates": [i for text in own for i in (*text, END)],
                "ranks": order,
            }
            for number, (own, order) in enumerate(zip(texts, places, strict=True))
        ],
    )


def lively(loop: Loop) -> Loop:
    for name, weight in loop.weights.items():
        if "prior" in name or "token_type" in name:
            weight.data += torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    loop.network.eval()
    return loop


def told(line: Tensor) -> list[int]:
    return [int(i) for i in line if i != NO_TARGET]


def laws(network: Any, recipe: Any, source: list[int], title: list[int]) -> list[Tensor]:
    """Log-probabilities `(steps, vocab)` of a text each way, read by itself."""
    specials = recipe.tokenizer.specials
    framed = [specials.cls, *source, specials.sep]
    found = []
    for way, first in enumerate((specials.l2r, specials.r2l)):
        wanted = recipe.target(title, backwards=bool(way))
        logits = network.extend(network.start([framed]), torch.tensor([[first, *wanted[:-1]]]))
        found.append(logits[0].log_softmax(-1))
    return found


def logprobs(network: Any, recipe: Any, source: list[int], title: list[int]) -> list[Tensor]:
    """Those of its pieces `(steps,)`, each way."""
    whole = laws(network, recipe, source, title)
    wanted = [recipe.target(title, backwards=way) for way in (False, True)]
    return [law[torch.arange(len(ids)), ids] for law, ids in zip(whole, wanted, strict=True)]


def by_hand(loop: Loop, example: int) -> tuple[float, float]:
    """Cross entropy of an article's title, and how far its candidates are from their order."""
    network, recipe, arrays, options = loop.network, loop.recipe, loop.arrays, loop.recipe.options
    source, title = arrays.ids("source", example), arrays.ids("target", example)
    told = torch.cat(logprobs(network, recipe, source, title))
    smooth = -torch.cat(laws(network, recipe, source, title)).mean()
    entropy = (1 - options.label_smoothing) * -float(told.mean()) + options.label_smoothing * float(smooth)
    ways: list[list[float]] = [[], []]
    for text in split(arrays.ids("candidates", example), END):
        for way, known in enumerate(logprobs(network, recipe, source, text)):
            ways[way].append(float(known.sum()) / len(known) ** options.length_exponent)
    margin: float = options.margin
    apart = [lacking(scores, arrays.ids("ranks", example), margin) for scores in ways]
    return entropy, sum(apart) / 2


def test_lines_of_a_batch(stages: Stages, tmp_path: Path) -> None:
    arrays = numbered(tmp_path / "own")
    recipe = stages.recipe("title-rank", replace=0.9)
    specials = recipe.tokenizer.specials
    assert specials.eos == END
    order = [5, 0, 3, 4]
    batch = recipe.batch(arrays, order, None)
    assert batch.inputs.shape == batch.targets.shape == (4, 2 + 2 * 3, 8)
    assert batch.inputs[:, :, 0].tolist() == [[specials.l2r, specials.r2l] * 4] * 4
    assert batch.ranks.tolist() == [[0, 1, 1], [0, 1, 2], [0, -1, -1], [-1, -1, -1]]
    assert recipe.places(batch) == 4
    for row, example in enumerate(order):
        assert batch.sources[row] == [specials.cls, *arrays.ids("source", example), specials.sep]
        texts = [arrays.ids("target", example), *split(arrays.ids("candidates", example), END)]
        for line in range(8):
            if line < 2 * len(texts):
                wanted = recipe.target(texts[line // 2], backwards=bool(line % 2))
                assert told(batch.targets[row, line]) == wanted
                assert batch.inputs[row, line, 1 : len(wanted)].tolist() == wanted[:-1]
            else:
                assert told(batch.targets[row, line]) == []
    whole = [told(line) for line in batch.targets[0, :4]]
    assert [len(line) for line in whole] == [7, 7, 8, 8]
    assert whole[2][-1] != END  # cut: not taught to end there
    assert told(batch.targets[0, 4]) == told(batch.targets[0, 5]) == [END]


def test_only_the_title_is_fed_with_others_in_it(stages: Stages, tmp_path: Path) -> None:
    arrays = numbered(tmp_path / "own")
    plain, noisy = (stages.recipe("title-rank", replace=share) for share in (0.0, 0.9))
    changed = 0
    for epoch in range(10):
        ours, theirs = (recipe.batch(arrays, range(6), epoch) for recipe in (plain, noisy))
        assert torch.equal(ours.targets, theirs.targets)
        assert torch.equal(ours.inputs[:, 2:], theirs.inputs[:, 2:])
        changed += not torch.equal(ours.inputs[:, :2], theirs.inputs[:, :2])
    assert changed > 5


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"margin": 0.0},
        {"margin": 0.7, "margin_weight": 3.0},
        {"margin": 0.4, "length_exponent": 0.0},
        {"margin": 0.4, "length_exponent": 2.0},
        {"margin": 0.4, "label_smoothing": 0.3},
    ],
    ids=lambda options: "-".join(f"{name}{value}" for name, value in options.items()) or "plain",
)
def test_the_loss_by_hand(stages: Stages, tmp_path: Path, options: dict[str, Any]) -> None:
    """Of articles in one batch and by themselves."""
    loop = lively(stages.loop_over(numbered(tmp_path / "own"), "title-rank", **options))
    recipe: Any = loop.recipe
    wanted = [by_hand(loop, example) for example in range(6)]
    assert [apart for _, apart in wanted][3:5] == [0, 0]
    assert sum(apart > 0.01 for _, apart in wanted) >= 2
    weight = recipe.options.margin_weight
    losses = [entropy + weight * apart for entropy, apart in wanted]
    batch = recipe.batch(loop.arrays, range(6), 0)
    smoothing = recipe.options.label_smoothing
    loss, prediction = recipe.loss(loop.network, batch, smoothing)
    assert float(loss) == pytest.approx(sum(losses), rel=1e-4)
    assert prediction.targets.tolist() == [i for row in batch.targets for line in row[:2] for i in told(line)]
    for example in (0, 1, 2, 3, 5):
        found, _ = recipe.loss(loop.network, recipe.batch(loop.arrays, [example], 0), smoothing)
        assert float(found) == pytest.approx(losses[example], rel=1e-4)


def test_articles_without_candidates(stages: Stages, tmp_path: Path) -> None:
    """They may be alone in a part of a step, and teach their titles."""
    loop = lively(stages.loop_over(numbered(tmp_path / "own"), "title-rank", margin=0.4))
    recipe: Any = loop.recipe
    loss, _ = recipe.loss(loop.network, recipe.batch(loop.arrays, [4, 4], 0))
    loss.backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in loop.weights.values())
    with torch.no_grad():
        assert float(loss) == pytest.approx(2 * by_hand(loop, 4)[0], rel=1e-4)


@torch.no_grad()
def test_the_dev_loss_is_not_smoothed(stages: Stages, tmp_path: Path) -> None:
    arrays = numbered(tmp_path / "own")
    plain, smooth = (
        lively(stages.loop_over(arrays, "title-rank", margin=0.4, label_smoothing=mass))
        for mass in (0.0, 0.3)
    )
    batch = plain.recipe.batch(arrays, range(6), None)
    trained = [float(plain.recipe.loss(plain.network, batch, mass)[0]) for mass in (0.0, 0.3)]
    assert trained[0] != pytest.approx(trained[1], rel=1e-2)
    assert float(smooth.recipe.loss(smooth.network, batch)[0]) == pytest.approx(trained[0], rel=1e-5)
    sums = smooth.recipe.dev_sums(smooth.network, batch)
    assert sums.tolist() == [[pytest.approx(trained[0], rel=1e-5), 6]]
    few = [
        Loop(smooth.recipe, smooth.network, arrays, Machine(None), 1).dev_figures(arrays)["loss"]
        for smooth.recipe.options in (plain.options, plain.options.model_copy(update={"batch_size": 6}))
    ]
    assert few == pytest.approx([trained[0] / 6] * 2, rel=1e-4)


def test_candidates_are_what_the_model_writes(stages: Stages) -> None:
    """By beams and samples in both directions, different ones, with their places by ROUGE-L."""
    recipe = stages.recipe("title-rank", candidates=64)
    arrays = stages.written(recipe)
    backend = TitleBackend(load_model(find_model(str(stages.writer))))
    texts: list[set[str]] = [set() for _ in ROWS]
    for way in ("l2r", "r2l"):
        options: dict[str, Any] = {"direction": way, "max_new_tokens": 9, "rank": "logprob", "checks": False}
        rows = [row["text"] for row in ROWS]
        for record, known in zip(
            backend.generate(rows, decode="beam", beams=2, num_candidates=2, **options), texts, strict=True
        ):
            known |= {candidate.text for candidate in record.candidates}
    ties = samples = 0
    for number, row in enumerate(ROWS):
        assert recipe.tokenizer.decode(arrays.ids("source", number)) == row["text"]
        assert recipe.tokenizer.decode(arrays.ids("target", number)) == row["title"]
        ids = split(arrays.ids("candidates", number), END)
        found = [recipe.tokenizer.decode(text) for text in ids]
        assert texts[number] <= set(found)
        assert len(set(found)) == len(found) <= 8
        samples += len(found) - len(texts[number])
        places = arrays.ids("ranks", number)
        scores = [rouge_l(text, row["title"]) for text in found]
        assert (places[0], max(places)) == (0, len({round(score, DIGITS) for score in scores}) - 1)
        for one in range(len(found) - 1):
            step = places[one + 1] - places[one]
            assert step == (scores[one] > scores[one + 1] + 1e-7)
            assert scores[one] >= scores[one + 1] - 1e-7
            ties += not step
    assert samples > 5
    assert ties > 5
    few = stages.recipe("title-rank", candidates=3)
    fewer = stages.written(few, "few")
    for number in range(10):
        whole, some = (split(one.ids("candidates", number), END) for one in (arrays, fewer))
        assert len(some) == min(3, len(whole))
        assert (some[0], some[-1]) == (whole[0], whole[-1])
        assert [whole.index(text) for text in some] == sorted(whole.index(text) for text in some)
        order = [arrays.ids("ranks", number)[whole.index(text)] for text in some]
        assert fewer.ids("ranks", number) == ranks([-place for place in order])


def in_pairs(network: Any, recipe: Any, arrays: Arrays) -> float:
    """The share of the pairs of candidates whose mean log-probabilities are in order, both ways."""
    good = count = 0
    for example in range(len(arrays)):
        texts, places = split(arrays.ids("candidates", example), END), arrays.ids("ranks", example)
        source = arrays.ids("source", example)
        known = [[float(way.mean()) for way in logprobs(network, recipe, source, text)] for text in texts]
        for better in range(len(texts)):
            for worse in range(len(texts)):
                if places[better] < places[worse]:
                    good += sum(known[better][way] > known[worse][way] for way in (0, 1))
                    count += 2
    return good / count


def test_the_order_gets_better_and_titles_no_worse(stages: Stages) -> None:
    learned: dict[str, Any] = {"beams": 3, "samples": 2, "candidates": 12, "margin": 0.1}
    stages.added = stages.added | learned
    recipe = stages.recipe("title-rank")
    arrays = stages.written(recipe)
    more: dict[str, Any] = {"batch_size": 10, "learning_rate": 3e-3, "margin_weight": 5.0, "log_every": 50}
    stages.train("title-rank", steps=25, **more)
    shares, rouge = [], []
    for path in (stages.writer, stages.folder / "run"):
        model = load_model(find_model(str(path)))
        assert model.files.config["two_way"] is False
        with torch.no_grad():
            shares.append(in_pairs(model.network, recipe, arrays))
        found = textgen.load(str(path)).generate(
            [row["text"] for row in ROWS], decode="greedy", max_new_tokens=8
        )
        texts = [record.candidates[0].text for record in found]
        rouge.append(100 * mean_rouge(texts, [row["title"] for row in ROWS]).rougeL)
    assert shares[1] > shares[0] + 0.1
    assert rouge[1] > rouge[0] - 5
