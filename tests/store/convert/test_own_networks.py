"""What is converted fills the networks that textgen has for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bundles import write_bundle
from foreign import GROVER, SIZES, google_names, grover_tensors, random_network, write_json
from safetensors.torch import load_file

from textgen.models.empty_weights import unfilled
from textgen.models.families import family_for
from textgen.store.convert.conversion import convert_model
from textgen.tokenizers.base import Specials


@pytest.mark.parametrize("kind", ["gpt2-ml", "nezha"])
def test_every_tensor_has_its_place(tmp_path: Path, kind: str) -> None:
    if kind == "nezha":
        tensors = google_names(random_network("bert"))
        del tensors["bert/embeddings/position_embeddings"]
        given = SIZES | {"use_relative_position": True}
    else:
        tensors, given = grover_tensors(), GROVER
    write_json(tmp_path / "tf" / "bert_config.json", given)
    write_bundle(tmp_path / "tf" / "model.ckpt", tensors)
    convert_model(tmp_path / "tf", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_bytes())
    family = family_for(config)
    assert family.name == kind
    with unfilled():
        network = family.build(config, Specials(pad=0), tmp_path / "config.json")
    network.load_state_dict(load_file(tmp_path / "out" / "model.safetensors"), assign=True)
    for name, value in family.computed.items():
        assert config.get(name, value) == value
