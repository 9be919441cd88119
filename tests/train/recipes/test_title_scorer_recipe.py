"""A scorer learns the order of what a title model writes, and ranks by it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import SHORT, Bench, Countdown, same, some_pairs, write_lines
from torch import Tensor

import textgen
from textgen.errors import TextgenError, UsageError
from textgen.events import Scored, ignore
from textgen.files.rows import FileRows
from textgen.metrics.overlap import rouge_l
from textgen.models.families.title_scorer import TitleScorer
from textgen.options.train_titles import TitleScorerTrainOptions
from textgen.store.catalog import find_model, find_scorer
from textgen.store.load import load_model
from textgen.train.data import generated
from textgen.train.data.arrays import Arrays
from textgen.train.data.candidates import UNIT, CandidateWriter, before, in_order, ordering_loss, ranks, split
from textgen.train.data.corpus import build_corpus
from textgen.train.recipes.title_scorer import TitleScorerRecipe, first_rouge, listwise_loss, pairs_in_order
from textgen.train.run import Outcome, never, train

ROWS = some_pairs(10)
FEW: dict[str, Any] = {"title_length": 8, "beams": 2, "samples": 2, "candidates": 4}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path, tiny_models: Any) -> Path:
    """A title model that makes mistakes."""
    folder = tmp_path_factory.mktemp("writer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textgen.train.session.draw_curve", lambda directory: directory)
        Bench(folder, tiny_tokenizer, tiny_models).train("title", "writer", ROWS, steps=50, batch_size=10)
    return folder / "writer"


class Workshop:
    """Runs of scorers over the same rows."""

    def __init__(self, bench: Bench, writer: Path) -> None:
        self.folder = bench.folder
        self.rows = write_lines(bench.folder / "rows.jsonl", ROWS)
        self.events: list[Any] = []
        self.given = SHORT | FEW | {"start": str(bench.models["bert"]), "writer": str(writer)}

    def train(self, name: str = "scorer", rows: Path | None = None, **options: Any) -> Outcome:
        self.events = []
        path, made = rows or self.rows, self.given | options
        return train("title-scorer", [path], self.folder / name, on_event=self.events.append, **made)

    def recipe(self, **options: Any) -> TitleScorerRecipe:
        return TitleScorerRecipe(TitleScorerTrainOptions(**self.given | options))

    def refusal(self, **options: Any) -> str:
        with pytest.raises(TextgenError) as caught:
            self.train(**options)
        assert type(caught.value) is UsageError
        assert "\n" not in caught.value.line
        assert not (self.folder / "scorer").exists()
        return caught.value.line


@pytest.fixture
def shop(bench: Bench, writer: Path) -> Workshop:
    return Workshop(bench, writer)


def written(shop: Workshop, recipe: TitleScorerRecipe, folder: Path) -> Arrays | None:
    """The examples with candidates."""
    corpus = build_corpus(FileRows([str(shop.rows)], recipe.options.reading), recipe, folder, never, ignore)
    return recipe.complete(corpus, folder.with_name(f"{folder.name}-written"), lambda: False, ignore)


@pytest.mark.parametrize("objective", ["margin", "listwise"])
def test_the_order_is_learned(shop: Workshop, writer: Path, objective: str) -> None:
    """What ranks first among the candidates that were learned is the best of them."""
    learned: dict[str, Any] = {"beams": 4, "samples": 0, "candidates": 64, "steps": 120, "batch_size": 10}
    dev: dict[str, Any] = {"dev": shop.rows, "eval_every": 120}
    outcome = shop.train(objective=objective, learning_rate=2e-2, **learned, **dev)
    assert outcome.figures["accuracy"] > 0.95
    search: dict[str, Any] = {"beams": 4, "num_candidates": 4, "max_new_tokens": 9, "checks": False}
    texts, titles = [row["text"] for row in ROWS], [row["title"] for row in ROWS]
    backend, scorer = textgen.load(str(writer), precision="fp32"), str(shop.folder / "scorer")

    def first(**options: Any) -> float:
        found = backend.generate(texts, **search, **options)
        scores = [rouge_l(one.candidates[0].text, title) for one, title in zip(found, titles, strict=True)]
        return 100 * sum(scores) / len(scores)

    ranked = first(rank="scorer", scorer=scorer)
    assert ranked == pytest.approx(outcome.figures["rouge-l"], abs=1.0)  # ties aside, that is what dev says
    assert ranked > first(rank="blend") + 5


def test_the_files_are_a_model(shop: Workshop) -> None:
    shop.train(source_length=10)
    files = find_scorer(str(shop.folder / "scorer"))
    assert files.config == {
        "model_type": "title-scorer",
        "vocab_size": 128,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 10 + 8 + 3,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    } | {"vocab_size": files.config["vocab_size"]}
    network = load_model(files).network
    assert isinstance(network, TitleScorer)
    assert float(network.head.abs().max()) > 0
    names = load_file(files.weights)
    assert not [name for name in names if name.startswith(("cls.", "prior."))]
    assert names["bert.embeddings.position_embeddings.weight"].shape == (21, 16)


@pytest.mark.parametrize("start", ["bert", "title"])
def test_the_trunk_is_that_of_the_start(shop: Workshop, writer: Path, start: str) -> None:
    path = writer if start == "title" else Path(shop.given["start"])
    recipe = shop.recipe(start=str(path))
    network = recipe.build(Arrays.__new__(Arrays))
    old, new = load_file(path / "model.safetensors"), network.state_dict()
    assert torch.equal(
        new["bert.encoder.layer.1.output.dense.weight"], old["bert.encoder.layer.1.output.dense.weight"]
    )
    kinds = "bert.embeddings.token_type_embeddings.weight"
    assert torch.equal(new[kinds][0], old[kinds][0])
    assert torch.equal(new[kinds][1], old[kinds][1 if start == "title" else 0])
    assert network.score([2, 9, 3], [[9], [10]]).tolist() == [0, 0]
    assert recipe.config(network)["type_vocab_size"] == 2


def test_a_batch_is_what_was_written(shop: Workshop, tmp_path: Path) -> None:
    """Every candidate stands behind its own article, and has the ROUGE-L of its own title."""
    recipe = shop.recipe()
    arrays = written(shop, recipe, tmp_path / "again")
    assert arrays is not None
    batch = recipe.batch(arrays, [3, 7], 0)
    ids, lengths, starts = batch.read
    texts = [split(arrays.ids("candidates", example), recipe.tokenizer.specials.eos) for example in (3, 7)]
    assert len(ids) == sum(map(len, texts))
    row = 0
    for number, example in enumerate((3, 7)):
        assert 2 <= len(texts[number]) <= FEW["candidates"]
        for place, text in enumerate(texts[number]):
            length, start = int(lengths[row]), int(starts[row])
            assert ids[row, 1 : start - 1].tolist() == arrays.ids("source", example)
            assert ids[row, start : length - 1].tolist() == text
            wanted = rouge_l(recipe.tokenizer.decode(text), ROWS[example]["title"])
            assert float(batch.rouge[number, place]) == pytest.approx(wanted, abs=1e-5)
            row += 1
        known = batch.rouge[number][batch.places[number] >= 0]
        assert known.tolist() == sorted(known.tolist(), reverse=True)


def test_writing_is_resumed(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "AT_ONCE", 4)
    shop.train("whole")
    asked: list[int] = []
    write = CandidateWriter.columns

    def told(self: CandidateWriter, arrays: Arrays, numbers: Sequence[int], kept: Any) -> Any:
        asked.extend(numbers)
        return write(self, arrays, numbers, kept)

    monkeypatch.setattr(CandidateWriter, "columns", told)
    assert shop.train("parts", stopped=Countdown(2)) == Outcome(0, 5, finished=False, figures={})
    lines = shop.folder / "parts" / f"data-written-{generated.LINES}"
    kept = lines.read_text(encoding="utf-8").splitlines()
    assert len(kept) == 4
    # killed while it wrote: a block that is not whole, and a torn line, are written anew
    lines.write_text("\n".join([*kept, kept[0], kept[0][:20]]), encoding="utf-8")
    assert not shop.train("parts", stopped=Countdown(2), resume=True).finished
    assert asked == list(range(8))
    assert lines.read_text(encoding="utf-8").splitlines()[:4] == kept
    assert shop.train("parts", resume=True).finished
    assert asked == list(range(10))
    assert same(shop.folder / "whole", shop.folder / "parts")


def test_steps_are_resumed(shop: Workshop) -> None:
    shop.train("whole")
    assert not shop.train("parts", stopped=Countdown(3)).finished
    assert shop.train("parts", resume=True).finished
    assert same(shop.folder / "whole", shop.folder / "parts")


def test_parts_of_a_step_change_nothing(shop: Workshop) -> None:
    shop.train("one", accumulate=1, steps=1)
    shop.train("four", accumulate=4, steps=1)
    ours, theirs = (load_file(shop.folder / name / "model.safetensors") for name in ("one", "four"))
    torch.testing.assert_close(ours["head"], theirs["head"], atol=1e-4, rtol=0)


def test_dev_figures(shop: Workshop, tmp_path: Path) -> None:
    """They are those of all articles together, whatever batches they come in."""
    recipe = shop.recipe()
    arrays = written(shop, recipe, tmp_path / "again")
    assert arrays is not None
    network = recipe.build(arrays).eval().requires_grad_(False)
    network.head.copy_(torch.randn(network.head.shape, generator=torch.Generator().manual_seed(2)))
    found = []
    for size in (1, 3, 10):
        sums = torch.zeros(3, 2, dtype=torch.float64)
        for at in range(0, 10, size):
            sums += recipe.dev_sums(network, recipe.batch(arrays, range(at, min(10, at + size)), None))
        found.append((sums[:, 0] / sums[:, 1]).tolist())
    assert found[0] == pytest.approx(found[2], abs=1e-4)
    assert found[1] == pytest.approx(found[2], abs=1e-4)
    # by hand, an article after the other
    right = pairs = 0
    first, lacking = list[float](), list[float]()
    for number in range(10):
        batch = recipe.batch(arrays, [number], None)
        texts = split(arrays.ids("candidates", number), recipe.tokenizer.specials.eos)
        specials = recipe.tokenizer.specials
        source = [specials.cls, *arrays.ids("source", number), specials.sep]
        scores, rouge = network.score(source, texts).tolist(), batch.rouge[0].tolist()
        first.append(100 * rouge[max(range(len(texts)), key=lambda n: scores[n])])
        better = [(i, j) for i in range(len(texts)) for j in range(len(texts)) if rouge[i] > rouge[j]]
        right += sum(scores[i] > scores[j] for i, j in better)
        pairs += len(better)
        gaps = [(batch.places[0, j] - batch.places[0, i], scores[i] - scores[j]) for i, j in better]
        lacking.append(sum(max(0.0, 0.1 * float(gap) - lead) for gap, lead in gaps) / max(1, len(gaps)))
    assert found[2] == pytest.approx([sum(lacking) / 10, right / pairs, sum(first) / 10], abs=1e-3)


def test_the_best_by_rouge_is_kept(shop: Workshop) -> None:
    options: dict[str, Any] = {"dev_metric": "rouge-l", "eval_every": 2, "steps": 8}
    outcome = shop.train(dev=shop.rows, **options)
    looks = [event for event in shop.events if isinstance(event, Scored)]
    assert outcome.figures["rouge-l"] == max(event.figures["rouge-l"] for event in looks)


def test_an_article_without_candidates_teaches_nothing(shop: Workshop, tmp_path: Path) -> None:
    recipe = shop.recipe()
    network = recipe.build(Arrays.__new__(Arrays)).requires_grad_(True)

    class Nothing(Arrays):
        def __init__(self) -> None:
            pass

        def ids(self, column: str, example: int) -> list[int]:
            return [9, 10] if column == "source" else []

    batch = recipe.batch(Nothing(), [0, 1], 0)
    loss, _ = recipe.loss(network, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert recipe.dev_sums(network, batch).tolist() == [[0, 2], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"writer": "gpt2"}, "writer gpt2 is a gpt2 model (a title model writes titles)"),
        ({"writer": "nobody"}, "there is no model nobody"),
        (
            {"start": "gpt2"},
            "start gpt2 is a gpt2 model (this recipe starts from a bert or title or",
        ),
        ({"start": "random"}, "this recipe starts from a bert or title or masked-lm (start bert"),
        ({"rdrop": 1.0}, "rdrop goes with one title an article"),
        ({"label_smoothing": 0.1}, "label_smoothing is for what is written"),
        ({"beams": 1, "samples": 0}, "leave nothing to order"),
        ({"sharpness": 3.0}, "sharpness does not apply to objective margin"),
        ({"objective": "listwise", "margin": 0.2}, "margin does not apply to objective listwise"),
        ({"source_length": 70}, "source_length 70 is more than the model reads (it reads 69 tokens"),
        ({"title_length": 78}, "title_length 78 leaves no room for the article"),
        ({"dev_metric": "bleu"}, "dev_metric"),
    ],
)
def test_refusals(shop: Workshop, options: dict[str, Any], told: str) -> None:
    assert told in shop.refusal(**options)


def test_the_loss_of_a_distribution() -> None:
    noise = torch.Generator().manual_seed(1)
    scores, wanted = torch.randn(3, 4, generator=noise), torch.randn(3, 4, generator=noise)
    there = torch.tensor([[True] * 4, [True, True, False, False], [False] * 4])
    found = listwise_loss(scores, wanted, there)
    for row, known in ((0, 4), (1, 2)):
        law, ours = wanted[row, :known].softmax(0), scores[row, :known].softmax(0)
        assert float(found[row]) == pytest.approx(float((law * (law / ours).log()).sum()), abs=1e-5)
    assert float(found[2]) == 0
    assert listwise_loss(wanted, wanted, there).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    leaf = scores.clone().requires_grad_(True)
    listwise_loss(leaf, wanted, there).sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert bool(leaf.grad.isfinite().all())
    assert leaf.grad[~there].abs().max() == 0


def test_figures_of_an_order() -> None:
    places = torch.tensor([[0, 1, 1, 2], [0, 0, -1, -1], [0, 1, -1, -1]])
    scores = torch.tensor([[3.0, 1.0, 1.0, 2.0], [1.0, 2.0, 9.0, 9.0], [5.0, 5.0, 7.0, 7.0]])
    assert before(places).sum((-2, -1)).tolist() == [5, 0, 1]
    right, pairs = pairs_in_order(scores, places)
    assert (float(right), int(pairs)) == (3 + 0.5, 6)
    rouge = torch.tensor([[0.9, 0.5, 0.5, 0.1], [0.4, 0.4, 0.0, 0.0], [0.8, 0.2, 0.0, 0.0]])
    masked = scores.masked_fill(places < 0, -torch.inf)
    assert first_rouge(masked, rouge).tolist() == pytest.approx([0.9, 0.4, 0.5])
    lacking: Tensor = ordering_loss(scores, places, 0.5)
    assert lacking.tolist() == pytest.approx([(1.5 + 1.5) / 5, 0, 0.5])


def test_the_order_of_texts() -> None:
    texts = ["春夏", "春夏秋冬", "秋", "春夏秋", "花"]
    found = in_order(texts, "春夏秋冬", 9)
    assert [text for _, text in found] == ["春夏秋冬", "春夏秋", "春夏", "秋", "花"]
    assert ranks([score for score, _ in found]) == [0, 1, 2, 3, 4]
    assert ranks([0.5, 0.5, 0.1]) == [0, 0, 1]
    assert [text for _, text in in_order(texts, "春夏秋冬", 3)] == ["春夏秋冬", "春夏", "花"]
    assert all(round(score * UNIT) <= UNIT for score, _ in found)


def test_adapters(shop: Workshop) -> None:
    pytest.importorskip("peft")
    shop.train(lora=2)
    network = load_model(find_model(str(shop.folder / "scorer"))).network
    assert isinstance(network, TitleScorer)
    assert float(network.head.abs().max()) > 0
    started = load_file(Path(shop.given["start"]) / "model.safetensors")
    assert torch.equal(
        network.bert.embeddings.word_embeddings.weight, started["bert.embeddings.word_embeddings.weight"]
    )
    assert json.loads((shop.folder / "scorer" / "config.json").read_text(encoding="utf-8"))
