"""SimBERT and RoFormer-Sim with their cache against one forward of transformers over everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from bundles import write_bundle
from foreign import SIZES, google_names, random_network, write_json
from safetensors.torch import load_file
from torch import Tensor

from textgen.models.empty_weights import unfilled
from textgen.models.families import family_for
from textgen.models.views import TitleModel, TwoWayModel
from textgen.store.convert.conversion import convert_model
from textgen.tokenizers.base import Specials

SOURCES = [[2, 5, 6, 7, 8, 3], [2, 9, 10, 3], [2, 11, 6, 12, 13, 14, 3]]
TARGETS = [[3, 7, 8, 9], [3, 15, 5, 6], [3, 10, 10, 11]]  # the first of each is the source's own
KINDS = {"simbert": "electra", "roformer-sim": "roformer"}  # what transformers computes the same with
TOLERANCE = {"atol": 1e-5, "rtol": 0.0}


@pytest.fixture(scope="module", params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Our network, converted; and that of transformers with the same weights."""
    kind = request.param
    theirs = random_network(KINDS[kind])
    folder = tmp_path_factory.mktemp(kind)
    write_json(folder / "tf" / "bert_config.json", {**SIZES, "embedding_size": 8})
    write_bundle(folder / "tf" / "bert_model.ckpt", google_names(theirs))
    convert_model(folder / "tf", folder / "out", kind=kind)
    return network_in(folder / "out"), theirs


def network_in(folder: Path) -> Any:
    config = json.loads((folder / "config.json").read_bytes())
    family = family_for(config)
    with unfilled():
        network = family.build(config, Specials(pad=0), folder / "config.json")
    tensors = load_file(folder / "model.safetensors")
    network.load_state_dict({family.prefix + name: tensor for name, tensor in tensors.items()}, assign=True)
    return network.eval().requires_grad_(False)


def reencoded(theirs: Any, source: list[int], target: list[int]) -> Tensor:
    """Logits from the source's last place on, by one forward under the mask of a UniLM."""
    types = torch.tensor([0] * len(source) + [1] * (len(target) - 1))
    level = types.cumsum(0)
    hidden = (level[None, :] > level[:, None]).float() * torch.finfo(torch.float32).min
    ids = torch.tensor([[*source, *target[1:]]])
    output = theirs(input_ids=ids, token_type_ids=types[None], attention_mask=hidden[None, None])
    logits: Tensor = output.logits[0, len(source) - 1 :]
    return logits


@torch.no_grad()
def test_cached_equals_one_forward(both: tuple[Any, Any]) -> None:
    ours, theirs = both
    expected = [reencoded(theirs, source, target) for source, target in zip(SOURCES, TARGETS, strict=True)]
    targets = torch.tensor(TARGETS)
    at_once = ours.extend(ours.start(SOURCES), targets)
    torch.testing.assert_close(at_once, torch.stack(expected), **TOLERANCE)
    state = ours.start(SOURCES)
    steps = [ours.step(state, targets[:, count]) for count in range(targets.shape[1])]
    torch.testing.assert_close(torch.stack(steps, 1), torch.stack(expected), **TOLERANCE)


@torch.no_grad()
def test_rows_of_a_state_are_repeated_and_selected(both: tuple[Any, Any]) -> None:
    ours, theirs = both
    read = ours.start(SOURCES[:2])
    state = read.repeat(2)
    first = ours.step(state, torch.tensor([3, 3, 3, 3]))
    state = state.select(torch.tensor([1, 1, 3, 2]))
    second = ours.step(state, torch.tensor([7, 8, 9, 10]))
    for row, (source, token) in enumerate([(0, 7), (0, 8), (1, 9), (1, 10)]):
        expected = reencoded(theirs, SOURCES[source], [3, token])
        torch.testing.assert_close(first[row], expected[0], **TOLERANCE)
        torch.testing.assert_close(second[row], expected[1], **TOLERANCE)
    # what was read serves others
    again = ours.step(read.select(torch.tensor([1])), torch.tensor([3]))
    torch.testing.assert_close(again[0], first[2], **TOLERANCE)


@torch.no_grad()
def test_the_first_token_of_a_target_stands_for_the_end_of_the_source(both: tuple[Any, Any]) -> None:
    ours, _ = both
    found = [ours.step(ours.start(SOURCES[:1]), torch.tensor([first])) for first in (2, 3, 0)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_views(both: tuple[Any, Any]) -> None:
    ours, _ = both
    assert isinstance(ours, TitleModel)
    assert not isinstance(ours, TwoWayModel)
    assert not ours.two_way
    assert ours.source_room(4) == SIZES["max_position_embeddings"] - 4
    state, hidden = ours.read(SOURCES)
    assert [len(one) for one in hidden] == [0, 0, 0]
    assert state.rows == 3
