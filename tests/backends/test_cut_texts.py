"""A text that `max_new_tokens` cut says so."""

from __future__ import annotations

import pytest
from small_networks import GPT2, network_of

from textgen.backends.gpt2 import Gpt2Backend
from textgen.backends.outcome import cut_notes
from textgen.events import Event, Note
from textgen.options import ContinueOptions, GibbsOptions, Options, TitleOptions
from textgen.schema import Candidate
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_tokenizer


def ended(*reasons: str) -> list[Candidate]:
    return [Candidate("春", 0.0, "", None, 1, reason) for reason in reasons]


@pytest.mark.parametrize(
    ("candidates", "options", "told"),
    [
        (ended("length"), TitleOptions(), ("the text was cut at max_new_tokens 46",)),
        (
            ended("length", "stop", "length"),
            ContinueOptions(max_new_tokens=9, end_at="any"),
            ("2 of 3 texts were cut at max_new_tokens 9",),
        ),
        (
            ended("length", "stop"),
            ContinueOptions(max_new_tokens=9, end_at="sentence"),
            ("no sentence ended in 1 of 2 texts: left as it is, with up to 1 tokens",),
        ),
        (ended("stop", "sentence", "loop"), ContinueOptions(), ()),
        ([], TitleOptions(), ()),
        (ended("length"), GibbsOptions(), ()),
    ],
)
def test_what_is_told(candidates: list[Candidate], options: Options, told: tuple[str, ...]) -> None:
    assert cut_notes(candidates, options) == told


def test_a_stream_tells_what_a_record_would() -> None:
    files = find_model("gpt2")
    toy = Gpt2Backend(LoadedModel(files, network_of(GPT2), load_tokenizer(files), "toy"))
    prompt = "今天我们去公园散步，看到很多花草树木，のと、大家都很高兴。今天我们去公园"
    [record] = toy.generate(prompt, seed=5, max_new_tokens=6, end_at="any")
    told: list[Event] = []
    text = "".join(toy.stream(prompt, seed=5, max_new_tokens=6, end_at="any", on_event=told.append))
    assert prompt + text == record.candidates[0].text
    assert len(record.notes) > 1
    assert record.notes[-1] == "the text was cut at max_new_tokens 6"
    assert [event.text for event in told if isinstance(event, Note)] == list(record.notes)
