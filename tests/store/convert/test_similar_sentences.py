"""A converted SimBERT or RoFormer-Sim writes in textgen what its network says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from bundles import write_bundle
from foreign import SIZES, WORDS, google_names, random_network, write_json, write_vocabulary

import textgen
from textgen.cli.main import run
from textgen.store.catalog import find_directory
from textgen.store.convert.conversion import convert_model

KINDS = {"simbert": "electra", "roformer-sim": "roformer"}  # by what transformers computes the same
POSITIONS = 128
CLS, SEP = WORDS.index("[CLS]"), WORDS.index("[SEP]")
TEXTS = ["今天天气很好", "我们去公园。", "好"]
TOKENS = 6


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Any]:
    """A converted model, and the network of transformers with the same weights."""
    network = random_network(KINDS[request.param], POSITIONS)
    with torch.no_grad():  # what is written is to depend on what was read and written
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    write_vocabulary(tmp_path / "tf")
    given = {**SIZES, "embedding_size": 8, "max_position_embeddings": POSITIONS}
    write_json(tmp_path / "tf" / "bert_config.json", given)
    write_bundle(tmp_path / "tf" / "bert_model.ckpt", google_names(network))
    convert_model(tmp_path / "tf", tmp_path / "out", kind=request.param)
    return tmp_path / "out", network


@torch.no_grad()
def most_probable(network: Any, text: str) -> str:
    """What the network writes, each time its most probable word, by whole forwards under the mask."""
    source = [CLS, *map(WORDS.index, text), SEP]
    words = [number for number, word in enumerate(WORDS) if not word.startswith("[")]
    written: list[int] = []
    while len(written) < TOKENS:
        types = torch.tensor([0] * len(source) + [1] * len(written))
        level = types.cumsum(0)
        hidden = (level[None, :] > level[:, None]).float() * torch.finfo(torch.float32).min
        ids = torch.tensor([source + written])
        output = network(input_ids=ids, token_type_ids=types[None], attention_mask=hidden[None, None])
        possible = [*words, SEP] if written else words  # an empty text is none
        found = max(possible, key=lambda word: float(output.logits[0, -1, word]))
        if found == SEP:
            break
        written.append(found)
    return "".join(WORDS[word].removeprefix("##") for word in written)


def test_the_most_probable_words(both: tuple[Path, Any]) -> None:
    folder, network = both
    options = {"decode": "greedy", "rank": "logprob", "checks": False, "max_new_tokens": TOKENS}
    found = [result.candidates[0].text for result in textgen.load(str(folder)).generate(TEXTS, **options)]
    assert found == [most_probable(network, text) for text in TEXTS]
    assert len(set(found)) > 1
    assert len(set("".join(found))) > 2


def test_the_command(both: tuple[Path, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = both
    article = folder.parent / "article.txt"
    article.write_text(TEXTS[0], encoding="utf-8")
    assert find_directory(str(folder)).positions == POSITIONS
    given = ["title", str(article), "--model", str(folder), "--no-checks", "--max-new-tokens", "4"]
    assert run([*given, "-n", "3"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(set(printed)) == 3
    assert set("".join(printed)) <= set("".join(WORDS[5:]))
    assert run([*given, "--direction", "r2l"]) == 2


def test_its_vocabulary_has_to_lie_beside_it(both: tuple[Path, Any]) -> None:
    folder, _ = both
    (folder / "vocab.txt").unlink()
    with pytest.raises(textgen.TextgenError, match="has no tokenizer"):
        textgen.load(str(folder))
