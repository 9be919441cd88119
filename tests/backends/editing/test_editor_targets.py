"""log pi of a record is the sum that the options say, term by term."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from textgen.backends.editing.correct import noise_of
from textgen.choice.allowed import punctuation_ids, text_ids
from textgen.mcmc.cgmh.channel import Evidence
from textgen.mcmc.cgmh.edits import FREE, State, Subject
from textgen.mcmc.cgmh.similarity import Similarity
from textgen.mcmc.cgmh.target import levenshtein
from textgen.models.scoring import sequence_logprobs
from textgen.options import CorrectOptions
from textgen.schema import Candidate, Row
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model
from textgen.text.content_words import content_words
from textgen.text.length import characters

SENTENCE = "由于天气原因，今天的比赛取消了。"


@pytest.fixture(scope="module")
def gpt2(editors: dict[str, Any]) -> LoadedModel:
    model: LoadedModel = editors["compose"].model
    return model


@pytest.fixture(scope="module")
def bert(gpt2: LoadedModel, small_models: Path) -> LoadedModel:
    """Of the same make."""
    name = "bert"
    return load_model(
        find_model(str(small_models / name) if small_models in gpt2.files.path.parents else name)
    )


def logprob(model: LoadedModel, text: str, lines: Sequence[str] = ()) -> float:
    """Of a line of its own behind others, by scores from scratch: the end symbol or a line break ends it."""
    specials, newline = model.tokenizer.specials, model.tokenizer.vocabulary.newline
    before = [specials.bos, newline, *(i for line in lines for i in [*model.tokenizer.encode(line), newline])]
    start = [*before, *model.tokenizer.encode(text)]
    allowed = text_ids(model.tokenizer, model.network.vocab_size)
    with torch.inference_mode():
        ends = sequence_logprobs(
            model.network, [], [[*start, specials.eos], [*start, newline]], allowed
        ).logsumexp(0)
        given = sequence_logprobs(model.network, [], [before], allowed)
    return float(ends - given)


def repeated(model: LoadedModel, text: str) -> int:
    marks = punctuation_ids(model.tokenizer.vocabulary)
    pairs = list(pairwise(model.tokenizer.encode(text)))
    return sum(
        (one in marks and other in marks) or (one, other) in pairs[:n] for n, (one, other) in enumerate(pairs)
    )


def only(editor: Any, row: Row, **options: Any) -> Candidate:
    [record] = editor.generate([row], seed=2, chains=1, **options)
    assert record.error is None
    return record.candidates[0]


@pytest.mark.parametrize("like", [(), ("他来了。", "雨停了。")])
def test_compose(editors: dict[str, Any], gpt2: LoadedModel, like: tuple[str, ...]) -> None:
    found = only(
        editors["compose"],
        Row("", "1", keywords=("春天", "公园")),
        steps=40,
        method="mh",
        power=0.8,
        length_reward=1.5,
        repetition=2.5,
        whole_words=0.0,
        like=like,
    )
    ids = gpt2.tokenizer.encode(found.text)
    assert found.logprob == pytest.approx(logprob(gpt2, found.text, like), abs=1e-3)
    assert found.chain is not None
    wanted = 0.8 * logprob(gpt2, found.text, like) + 1.5 * len(ids) - 2.5 * repeated(gpt2, found.text)
    assert found.chain.log_target == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize(
    ("command", "extra"),
    [("rewrite", {"changes": 0.5}), ("correct", {"distance": 0.5, "errors": 0.1, "evidence": 0.5})],
)
def test_rewrite_and_correct(
    editors: dict[str, Any], gpt2: LoadedModel, bert: LoadedModel, command: str, extra: dict[str, float]
) -> None:
    options = {"similarity": 12.0, "length_reward": 1.0, "repetition": 0.5} | extra
    if command == "rewrite":
        options |= {"change_weight": 2.0, "content": 1.5, "shared": -3.0, "distance": 0.25}
        options |= {"least_similarity": 0.0, "fluency_loss": 1e9, "checks": False}
    found = only(editors[command], Row(SENTENCE, "1"), steps=30, method="mh", **options)
    encode = gpt2.tokenizer.encode
    ids, source = tuple(encode(found.text)), tuple(encode(SENTENCE))
    assert ids != source
    specials = bert.tokenizer.specials
    similarity = Similarity(bert.network, specials.cls, specials.sep)  # type: ignore[arg-type]
    with torch.inference_mode():
        likeness = float(torch.cosine_similarity(*similarity.embeddings([ids, source]), dim=0))
    edits = levenshtein(source, ids)
    wanted = logprob(gpt2, found.text) + 12 * likeness + len(ids) - 0.5 * repeated(gpt2, found.text)
    wanted -= options["distance"] * edits
    if command == "rewrite":
        lost = sum(word not in found.text for word in content_words(SENTENCE))
        common = sum(min(ids.count(i), source.count(i)) for i in set(ids))
        wanted -= 2.0 * max(0, -(-len(source) // 2) - edits) + 1.5 * lost
        wanted -= 3.0 * 2 * common / (len(ids) + len(source))
    else:
        models = editors["correct"].models(CorrectOptions())
        noise = noise_of(source, models)
        wanted -= 0.1 * noise.cost(ids)
        state = State(ids, (FREE,) * len(ids), subject=Subject(source))
        wanted += 0.5 * Evidence(lambda one: noise, models.proposer.model).values([state])[0]
    assert found.chain is not None
    assert found.chain.log_target == pytest.approx(wanted, abs=5e-3)


def test_fill_and_lengths_outside_the_range(editors: dict[str, Any], gpt2: LoadedModel) -> None:
    """A state on the way that may not be reported: a chain may leave its range."""
    events: list[Any] = []
    editors["fill"].generate(
        ["今天___很好，我们去___"],
        steps=16,
        chains=1,
        seed=1,
        method="mh",
        length="2",
        length_weight=0.25,
        length_reward=3.5,
        repetition=0.0,
        on_event=events.append,
    )

    def outside(text: str) -> int:
        middle, _, end = text.removeprefix("今天").partition("很好，我们去")
        return sum(abs(characters(part) - 2) for part in (middle, end))

    told = [event for event in events if hasattr(event, "log_target")]
    one = next(event for event in told if outside(event.text))
    wanted = logprob(gpt2, one.text) + 3.5 * len(gpt2.tokenizer.encode(one.text)) - 0.25 * outside(one.text)
    assert one.log_target == pytest.approx(wanted, abs=2e-3)
