"""Dialogues as CDial-GPT continues them: a line is a turn, and who speaks is read beside every token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import vocabulary
from chinese_checkpoints import FIRST, SECOND, cdial
from foreign_networks import foreign

import textgen
from textgen.backends.dialogue import dialogue_ids
from textgen.cli.main import run
from textgen.events import ignore
from textgen.models.adapters.causal import CausalAdapter
from textgen.schema import Row

OPTIONS: dict[str, Any] = {"decode": "greedy", "max_new_tokens": 8}
ANSWERS = {
    "天气": f"天气\n{SECOND}",
    "天气\n": f"天气\n{SECOND}",
    "天气\n山下": f"天气\n山下\n{FIRST}",
    "天气\n山下\n天上": f"天气\n山下\n天上\n{SECOND}",
    "": FIRST,
}
TOKENS = vocabulary("[speaker1]", "[speaker2]")
TURNS = (TOKENS.index("[speaker1]"), TOKENS.index("[speaker2]"))


@pytest.fixture(params=["OpenAIGPTLMHeadModel", "GPT2LMHeadModel"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return cdial(tmp_path / "cdial", request.param)


def test_the_next_turn_is_written_by_whose_turn_it_is(folder: Path) -> None:
    model = textgen.load(str(folder), precision="fp32")
    together = model.generate([*ANSWERS], **OPTIONS)
    assert [record.candidates[0].text for record in together] == [*ANSWERS.values()]
    for prompt, record in zip(ANSWERS, together, strict=True):
        assert (record.prompt, record.candidates[0].finish_reason) == (prompt or None, "stop")
        assert prompt + "".join(model.stream(prompt, **OPTIONS)) == ANSWERS[prompt]
        (beam,) = model.generate(prompt, decode="beam", max_new_tokens=8)
        assert beam.candidates[0].text == ANSWERS[prompt]


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(folder), "--decode", "greedy", "--max-new-tokens", "8", "--quiet"]
    assert run(["sample", "天气\n山下", *options]) == 0
    assert capsys.readouterr().out == f"天气\n山下\n{FIRST}\n"


def test_a_long_dialogue_loses_its_first_turns(tmp_path: Path) -> None:
    model = textgen.load(str(cdial(tmp_path / "cdial")), precision="fp32")
    encode, (first, second) = model.tokenizer.encode, TURNS
    text = "今日小雨\n\n明早\n天上山下"
    whole = [first, *encode("今日小雨"), second, *encode("明早"), first, *encode("天上山下"), second]
    assert dialogue_ids(text, model.tokenizer, TURNS, 14) == (whole, 10, 10)
    last = [first, *encode("明早"), second, *encode("天上山下"), first]
    assert dialogue_ids(text, model.tokenizer, TURNS, 13) == (last, 6, 10)
    assert dialogue_ids(text, model.tokenizer, TURNS, 4) == ([first, *encode("山下"), second], 2, 10)
    told: list[Any] = []
    (record,) = model.generate("\n".join(["天上山下"] * 20), **OPTIONS, on_event=told.append)
    assert record.error is None
    assert record.used_tokens < record.input_tokens == 80
    assert any(getattr(event, "used", None) == record.used_tokens for event in told)


def test_a_turn_is_no_continuation_of_the_last_and_has_room_for_its_symbol(tmp_path: Path) -> None:
    model: Any = textgen.load(str(cdial(tmp_path / "cdial")), precision="fp32")
    options = model._parsed(OPTIONS)
    prepared = model.prepare(Row("ai"), options, ignore)
    assert model._written(prepared, [TOKENS.index("hello"), TOKENS.index("##b")]) == "\nhellob"
    prepared = model.prepare(Row("天" * 100), options, ignore)
    assert len(prepared.ids) + model._stop(prepared.row, options).limit == model.network.positions


@pytest.mark.parametrize("kind", ["gpt1", "gpt2"])
def test_token_types_are_the_symbols_that_tokens_stand_behind(kind: str) -> None:
    network = foreign(kind)
    adapter = CausalAdapter(network, positions=64, ends=[3], bos=1, turns=(5, 6))
    texts = [[1, 5, 20, 21, 6, 22, 23, 24], [1, 5, 30, 31, 32, 33, 34, 35]]
    types = [[1, 5, 5, 5, 6, 6, 6, 6], [1, 5, 5, 5, 5, 5, 5, 5]]
    with torch.inference_mode():
        wanted = network(input_ids=torch.tensor(texts), token_type_ids=torch.tensor(types)).logits
        torch.testing.assert_close(adapter(torch.tensor(texts)), wanted, atol=1e-5, rtol=0)
        state = adapter.start([text[:4] for text in texts]).repeat(2)
        for place in range(4, 8):
            tokens = torch.tensor([text[place] for text in texts for _ in range(2)])
            found = adapter.step(state, tokens)
            for row in range(4):
                torch.testing.assert_close(found[row, 4:], wanted[row // 2, place, 4:], atol=1e-5, rtol=0)
            state = state.select(torch.tensor([1, 0, 3, 2]))
        state = adapter.start([[], []])
        found = adapter.extend(state, torch.tensor(texts))
        torch.testing.assert_close(found[..., 4:], wanted[..., 4:], atol=1e-5, rtol=0)
