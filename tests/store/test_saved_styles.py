"""Folders of models with styles are loaded, or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from styled import (
    SIZE,
    STYLES,
    conditional,
    masked_bert,
    whole_gpt2,
)

from textgen.errors import ModelError
from textgen.models.families import OWN
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.models.layers.conditional_norm import condition_of, in_style
from textgen.store.catalog import find_model
from textgen.store.load import load_model


@pytest.fixture(params=[family.name for family in OWN.values() if family.styles])
def saved(request: pytest.FixtureRequest, make_folder: Callable[..., Any]) -> tuple[Any, Any]:
    """A model folder with styles, and the network that was saved there."""
    folder = make_folder(request.param)
    network: Any
    if request.param == "gpt2":
        network = Gpt2(Gpt2Config.from_dict(folder.config))
    else:
        network = Bert(BertConfig.from_dict(folder.config))
    network.load_state_dict(folder.tensors)
    network, _ = conditional(network)
    folder.config |= {"styles": list(STYLES), "condition_size": SIZE}
    folder.tensors = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    folder.write()
    return folder, network


def test_a_folder_with_styles_is_loaded(saved: tuple[Any, Any]) -> None:
    folder, network = saved
    loaded: Any = load_model(find_model(str(folder.path))).network
    condition = condition_of(loaded)
    assert condition is not None
    assert condition.styles == STYLES
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    forward = whole_gpt2 if isinstance(loaded, Gpt2) else masked_bert
    for styles in (1, torch.tensor([2, 3, 0])):
        assert torch.equal(forward(in_style(loaded, styles)), forward(in_style(network, styles)))
    assert torch.equal(forward(loaded), forward(network))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"styles": []}, "styles cannot be []"),
        ({"styles": "诗歌"}, "styles cannot be '诗歌'"),
        ({"styles": None}, "styles cannot be None"),
        ({"styles": ["诗歌", " "]}, "styles cannot be ['诗歌', ' ']"),
        ({"styles": ["诗歌", 3]}, "styles cannot be ['诗歌', 3]"),
        ({"styles": ["诗歌", "诗歌"]}, "styles cannot be ['诗歌', '诗歌']"),
        ({"condition_size": 0}, "condition_size cannot be 0"),
        ({"condition_size": True}, "condition_size cannot be True"),
        ({"condition_size": None}, "condition_size cannot be None"),
        ({"condition_size": 8.0}, "condition_size cannot be 8.0"),
        ({"condition_size": 9}, ", 9)"),
        ({"styles": ["诗歌", "新闻"]}, "config.json says (3, 8)"),
    ],
)
def test_a_config_whose_styles_cannot_be(saved: tuple[Any, Any], changed: dict[str, Any], told: str) -> None:
    folder, _ = saved
    (folder.path / "config.json").write_text(json.dumps(folder.config | changed), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(find_model(str(folder.path)))
    assert told in caught.value.line
    assert "\n" not in caught.value.line
    assert caught.value.hint


def test_styles_and_weights_that_do_not_belong_together(saved: tuple[Any, Any]) -> None:
    folder, _ = saved
    plain = {name: value for name, value in folder.config.items() if name != "styles"}
    (folder.path / "config.json").write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ModelError, match="has no place for"):
        load_model(find_model(str(folder.path)))
    folder.write()
    of_none = {name: t for name, t in folder.tensors.items() if not name.endswith((".gain", ".shift"))}
    save_file(of_none, folder.path / "model.safetensors")
    with pytest.raises(ModelError, match="lacks the tensor"):
        load_model(find_model(str(folder.path)))
