"""Chains on a masked model: what the options promise, seen from the records."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import textgen
from textgen.backends.bert import BertBackend
from textgen.backends.best_of import is_sound
from textgen.backends.chain_reports import EVERY
from textgen.events import ChainStep, Event, Steps
from textgen.models.families.bert import Bert
from textgen.options.gibbs import TAKERS
from textgen.schema import Candidate, Row
from textgen.store.catalog import inspect_model
from textgen.store.load import LoadedModel

SENTENCE = "今天天气很好，我们去公园。"
METHODS: list[dict[str, Any]] = [
    {},
    {"scan": "block", "block": 2, "temperature": 0.8, "top_k": 50},
    {"scan": "all", "method": "mh", "energy": "local"},
    {"method": "mh"},
    {"method": "anneal", "anneal": "1:0.2:geometric", "scan": "sequential"},
]


@pytest.fixture(scope="module", params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def bert(request: pytest.FixtureRequest, small_models: Path) -> Any:
    if request.param == "shipped":
        return textgen.load("bert", precision="fp32")  # energies are computed in another way here
    return BertBackend.open(inspect_model(small_models / "bert", "bert", embedded=True))


def sample(bert: Any, text: str = "", **options: Any) -> list[Candidate]:
    given = {"seed": 4, "sweeps": 3} | ({} if text else {"length": "4-6"}) | options
    record = bert.generate(text, **given)[0]
    assert record.error is None
    return record.candidates


@pytest.mark.parametrize("width", [8, 20])
def test_one_place_is_computed_as_in_the_whole(bert_model: LoadedModel, width: int) -> None:
    network = bert_model.network
    assert isinstance(network, Bert)
    generator = torch.Generator().manual_seed(width)
    ids = torch.randint(273, 8185, (7, width), generator=generator)
    lengths = torch.randint(3, width + 1, (7,), generator=generator)
    places = torch.tensor([int(length) // 2 for length in lengths])
    rows = torch.arange(7)
    with torch.inference_mode():
        whole = network.logits(network.encode(ids, lengths))
        found = network.masked_logits(ids, lengths, places)
        torch.testing.assert_close(found, whole[rows, places], atol=2e-5, rtol=0)
        assert float((found - whole[rows, places - 1]).abs().max()) > 1
        for row in range(7):
            one = slice(row, row + 1)
            assert torch.equal(network.masked_logits(ids[one], lengths[one], places[one])[0], found[row])


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_texts_do_not_depend_on_the_batch_nor_on_how_many(bert: Any, options: dict[str, Any]) -> None:
    four = sample(bert, num_candidates=4, sweeps=2, **options)
    assert len({candidate.text for candidate in four}) > 1
    assert sample(bert, num_candidates=4, sweeps=2, batch_size=1, **options) == four
    two = sample(bert, num_candidates=2, sweeps=2, **options)
    assert [(c.text, c.score) for c in two] == [(c.text, c.score) for c in four[:2]]


@pytest.mark.parametrize("options", METHODS[1:4], ids=str)
def test_rows_do_not_depend_on_each_other(bert: Any, options: dict[str, Any]) -> None:
    rows = ["好天气。", "我们走吧", "好"]
    together = bert.generate(rows, seed=4, sweeps=2, batch_size=3, **options)
    alone = [sample(bert, row, sweeps=2, **options) for row in rows]
    assert [record.candidates for record in together] == alone


def test_fewer_chains_give_their_last_states(bert: Any) -> None:
    options = {"sweeps": 9, "burn_in": 3, "thin": 2, "chains": 2}
    five = sample(bert, num_candidates=5, **options)
    assert [(c.chain.chain, c.chain.step) for c in five] == [(0, 9), (1, 9), (0, 7), (1, 7), (0, 5)]
    earlier = sample(bert, num_candidates=2, **options | {"sweeps": 7})
    assert [candidate.text for candidate in earlier] == [candidate.text for candidate in five[2:4]]
    assert sample(bert, num_candidates=2, **options) == five[:2]


def test_a_text_is_the_best_of_the_last_states_of_its_chain(bert: Any) -> None:
    options = {"sweeps": 9, "burn_in": 3}
    states = sample(bert, num_candidates=6, chains=1, **options)  # the last one first
    assert sample(bert, best_of=1, **options) == states[:1]
    for number in (2, 4, 6):
        [text] = sample(bert, best_of=number, **options)
        assert text == max(states[:number], key=lambda one: (is_sound(one.text), one.score))
    assert sample(bert, **options) == [text]
    halves = sample(bert, num_candidates=2, chains=1, best_of=3, **options)
    of = [max(half, key=lambda one: (is_sound(one.text), one.score)) for half in (states[:3], states[3:])]
    assert halves == of


def test_more_chains_only_tell(bert: Any) -> None:
    two = sample(bert, num_candidates=2, sweeps=9, burn_in=1, best_of=1)
    of_five = sample(bert, num_candidates=2, sweeps=9, burn_in=1, chains=5)
    assert [c.text for c in of_five] == [c.text for c in two]
    assert [c.chain.chain for c in of_five] == [0, 1]
    assert two[0].chain.rhat != of_five[0].chain.rhat
    assert of_five[0].chain.rhat == of_five[1].chain.rhat
    assert of_five[0].chain.ess == of_five[1].chain.ess > 0


def energy_of(bert: Any, text: str, energy: str, hidden: list[int] | None = None) -> float:
    """E of a text without spaces by a loop over the model."""
    ids = bert.tokenizer.encode(text)
    specials, vocabulary = bert.tokenizer.specials, bert.tokenizer.vocabulary
    framed = torch.tensor([[specials.cls, *ids, specials.sep]])
    banned = vocabulary.byte_ids | {vocabulary.newline} | vocabulary.spaced
    allowed = [i for i, token in enumerate(vocabulary.pieces) if token and i not in banned]
    total = 0.0
    for place, token in enumerate(ids, 1):
        if hidden is not None and place - 1 not in hidden:
            continue
        masked = framed.clone()
        masked[0, place] = specials.mask
        with torch.inference_mode():
            logits = bert.network.masked_logits(masked, torch.tensor([len(ids) + 2]), torch.tensor([place]))[
                0
            ]
        total -= float(logits[token])
        if energy == "local":
            total += float(logits[allowed].double().logsumexp(-1))
    return total


@pytest.mark.parametrize("energy", ["raw", "local"])
@pytest.mark.parametrize("method", TAKERS["energy"][1])
def test_reports_tell_the_energy_of_the_text(bert: Any, method: str, energy: str) -> None:
    candidate = sample(bert, "今天天气吃很的。", method=method, energy=energy, keep="天气", sweeps=5)[0]
    report = candidate.chain
    assert "天气" in candidate.text
    assert report.log_target == pytest.approx(-energy_of(bert, candidate.text, energy), abs=1e-3)
    assert report.kind == ("sample" if method == "mh" else "search")
    assert report.steps == 5
    assert 2 <= report.step <= 5
    assert method == "anneal" or report.step == 5
    assert 0 < report.acceptance["random"] < 1
    assert 0 < report.novel <= report.acceptance["random"]
    assert (report.rhat is None) == (method == "anneal")
    free = [0, 1, 4, 5, 6, 7]
    assert candidate.score == pytest.approx(-energy_of(bert, candidate.text, "local", free) / 6, abs=1e-4)
    assert candidate.score_kind == "mean_pseudo_logprob"


def test_annealing_tells_the_best_state_after_burn_in(bert: Any) -> None:
    events: list[Event] = []
    # so hot that it does not end at its best
    options = {"method": "anneal", "anneal": "9:8", "sweeps": 6, "burn_in": 2, "length": 6}
    [candidate] = sample(bert, on_event=events.append, **options)
    steps = [event for event in events if isinstance(event, ChainStep)]
    late = [step for step in steps if step.step > 2 * 6]
    assert candidate.chain.log_target == max(step.log_target for step in late)
    assert candidate.text in {step.text for step in late if step.log_target == candidate.chain.log_target}
    assert candidate.text != steps[-1].text


def test_plain_chains_have_no_energy_but_diagnostics(bert: Any) -> None:
    first, second = sample(bert, SENTENCE, num_candidates=2, sweeps=9, burn_in=1, best_of=1)
    for number, candidate in enumerate((first, second)):
        report = candidate.chain
        assert report.log_target is None
        assert (report.kind, report.chain, report.step, report.steps) == ("sample", number, 9, 9)
        assert report.acceptance == {"random": 1.0}
        assert 0 < report.novel < 1
        assert report.rhat > 0.5
        assert report.ess > 0
    assert candidate.to_dict()["chain"]["kind"] == "sample"


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_what_is_kept_stays(bert: Any, options: dict[str, Any]) -> None:
    text = "在Linux上Linux诗😀，\n天天上"
    kept = ["Linux", "天", "诗😀，"]
    for candidate in sample(bert, text, num_candidates=2, keep=kept, sweeps=3, **options):
        assert candidate.text.count("Linux") >= 2
        assert "诗😀，\n天天" in candidate.text
        assert candidate.text != text or options.get("method")


def test_what_is_not_kept_goes(bert: Any) -> None:
    free = sample(bert, "在Linux上写诗", num_candidates=2, sweeps=5)
    assert any("Linux" not in candidate.text for candidate in free)


def test_a_token_that_a_kept_word_only_touches_is_kept_whole(bert: Any) -> None:
    text = "Windows系统很好用"
    tokens = [bert.tokenizer.decode([i]) for i in bert.tokenizer.encode(text)]
    assert "Windows" in tokens
    assert all("Windows" in c.text for c in sample(bert, text, keep="dow", num_candidates=2, sweeps=6))


def test_keep_needs_its_words_in_a_sentence(bert: Any) -> None:
    records = bert.generate([SENTENCE, "没有那个词。"], keep=["天气", "公园"], sweeps=1, seed=1)
    assert records[0].error is None
    assert "天气 is not in the sentence" in records[1].error
    everything = bert.generate(SENTENCE, keep=SENTENCE, sweeps=1, seed=1)[0]
    assert "nothing in the sentence can be resampled" in everything.error
    assert "keep less" in everything.error
    empty, whole = bert.generate(["", "一个词。"], keep="词", sweeps=1, seed=1)
    assert "keep needs a sentence" in empty.error
    assert whole.error is None  # a row without a sentence does not stop the others


def test_a_text_that_lost_a_kept_word_is_not_shown(bert: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgen.backends.bert.kept_spans", lambda *_: [])
    record = bert.generate(SENTENCE, keep="今天天气", sweeps=3, seed=2)[0]
    assert "今天天气 was lost" in record.error
    assert record.candidates == []


def test_every_step_is_told(bert: Any) -> None:
    events: list[Event] = []
    rows = [Row("😀我用Linux里好。", name="a"), Row("天", name="b")]
    options = {"sweeps": 3, "num_candidates": 2, "method": "mh"}
    records = bert.generate(rows, seed=4, on_event=events.append, **options)
    progress = [event for event in events if isinstance(event, Steps)]
    chains: dict[tuple[str, int], list[ChainStep]] = {}
    for event in events:
        if isinstance(event, ChainStep):
            chains.setdefault((event.name, event.chain), []).append(event)
    assert set(chains) == {("a", 0), ("a", 1), ("b", 0), ("b", 1)}
    total = sum(map(len, chains.values()))
    assert [(event.done, event.total) for event in progress] == [
        (done, total) for done in range(1, total + 1) if done % EVERY == 0 or done == total
    ]
    for (name, chain), steps in chains.items():
        record = records["ab".index(name)]
        tokens = record.candidates[chain].tokens
        assert [step.step for step in steps] == list(range(1, len(steps) + 1))
        assert len(steps) == 3 * tokens
        assert steps[-1].text == record.candidates[chain].text.removeprefix("😀")  # which is not read
        before = None
        for step in steps:
            start, end = step.edited
            assert 0 <= start < end <= len(step.text)
            assert step.move == "random"
            assert step.tokens == tokens
            if before is not None and step.changed:
                assert step.accepted
                assert before.text != step.text
                assert before.text[:start] == step.text[:start]
                assert before.text.endswith(step.text[end:])
            elif before is not None:
                assert before.text == step.text
                assert before.log_target == step.log_target
            before = step
    assert any(step.changed for steps in chains.values() for step in steps)


def test_a_block_is_edited_from_its_first_to_its_last_place(bert: Any) -> None:
    events: list[Event] = []
    sample(bert, SENTENCE, scan="all", on_event=events.append)
    steps = [event for event in events if isinstance(event, ChainStep)]
    assert len(steps) == 3
    for before, after in pairwise(steps):
        start, end = after.edited
        differing = [n for n, (a, b) in enumerate(zip(before.text, after.text, strict=True)) if a != b]
        assert (start, end) == (differing[0], differing[-1] + 1)
