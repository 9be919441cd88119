"""Checkpoints of UER-py compute in transformers what they did before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign import SIZES, logits, random_network, write_json, write_vocabulary
from refusals import refusal
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from textgen.store.convert.conversion import convert_model

GIVEN = {
    "emb_size": 12,
    "feedforward_size": 20,
    "hidden_size": 12,
    "hidden_act": "gelu_new",
    "heads_num": 3,
    "layers_num": 2,
    "dropout": 0.1,
}
LAYER = {
    "attention.self.query": "self_attn.linear_layers.0",
    "attention.self.key": "self_attn.linear_layers.1",
    "attention.self.value": "self_attn.linear_layers.2",
    "attention.output.dense": "self_attn.final_linear",
    "attention.output.LayerNorm": "layer_norm_1",
    "intermediate.dense": "feed_forward.linear_1",
    "output.dense": "feed_forward.linear_2",
    "output.LayerNorm": "layer_norm_2",
    "attn.c_proj": "self_attn.final_linear",
    "ln_1": "layer_norm_1",
    "mlp.c_fc": "feed_forward.linear_1",
    "mlp.c_proj": "feed_forward.linear_2",
    "ln_2": "layer_norm_2",
}
OUTSIDE = {
    "bert.embeddings.word_embeddings.weight": "embedding.word.embedding.weight",
    "bert.embeddings.position_embeddings.weight": "embedding.pos.embedding.weight",
    "bert.embeddings.token_type_embeddings.weight": "embedding.seg.embedding.weight",
    "bert.embeddings.LayerNorm.": "embedding.layer_norm.",
    "cls.predictions.transform.dense.": "target.mlm.linear_1.",
    "cls.predictions.transform.LayerNorm.": "target.mlm.layer_norm.",
    "cls.predictions.decoder.": "target.mlm.linear_2.",
    "transformer.wte.weight": "embedding.word.embedding.weight",
    "transformer.wpe.weight": "embedding.pos.embedding.weight",
    "transformer.ln_f.": "encoder.layer_norm.",
    "lm_head.weight": "target.lm.output_layer.weight",
}
OLD = {
    "embedding.word.embedding": "embedding.word_embedding",
    "embedding.pos.embedding": "embedding.position_embedding",
    "embedding.seg.embedding": "embedding.segment_embedding",
    "target.mlm.linear": "target.mlm_linear",
    "target.mlm.layer_norm": "target.layer_norm",
    "target.lm.output_layer": "target.output_layer",
}


def uer_names(network: nn.Module) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        if name == "cls.predictions.bias":
            continue
        inner = re.fullmatch(r"(?:bert\.encoder\.layer|transformer\.h)\.(\d+)\.(.+)\.(weight|bias)", name)
        if inner is None:
            begin = next(begin for begin in OUTSIDE if name.startswith(begin))
            new = OUTSIDE[begin] + name.removeprefix(begin)
        else:
            layer, part, end = inner.groups()
            if name.startswith("transformer.") and value.dim() == 2:
                value = value.t()
            if part == "attn.c_attn":
                for number, third in enumerate(value.chunk(3)):
                    new = f"encoder.transformer.{layer}.self_attn.linear_layers.{number}.{end}"
                    tensors[new] = third.clone()
                continue
            new = f"encoder.transformer.{layer}.{LAYER[part]}.{end}"
        if "layer_norm" in new:
            new = new.replace(".weight", ".gamma").replace(".bias", ".beta")
        tensors[new] = value.clone()
    types = "embedding.seg.embedding.weight"
    if types in tensors:  # UER has one more, of padding
        tensors[types] = torch.cat([torch.full((1, 12), 9.0), tensors[types]])
    return tensors


def old_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        next((name.replace(new, old) for new, old in OLD.items() if name.startswith(new)), name): tensor
        for name, tensor in tensors.items()
    }


def folder_of(tensors: dict[str, Tensor], folder: Path, **given: Any) -> Path:
    write_vocabulary(folder)
    write_json(folder / "base_config.json", GIVEN | given)
    torch.save(tensors, folder / "cluecorpussmall.bin")
    return folder


@pytest.mark.parametrize("old", [False, True])
def test_bert(tmp_path: Path, old: bool) -> None:
    network = random_network("bert")
    tensors = uer_names(network)
    tensors = old_names(tensors) if old else tensors
    extra = {"target.sp.linear_1.bias": torch.zeros(12)}
    folder = folder_of(tensors | extra, tmp_path / "uer", hidden_act="gelu")
    done = convert_model(folder, tmp_path / "out")
    assert (done.kind, done.left_out) == ("bert", list(extra))
    again, info = AutoModelForMaskedLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert {key: list(value) for key, value in info.items() if value} == {}
    torch.testing.assert_close(logits(again.eval()), logits(network), atol=1e-6, rtol=0.0)
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert {key: config[key] for key in SIZES} == SIZES
    assert "tie_word_embeddings" not in config


@pytest.mark.parametrize("old", [False, True])
def test_gpt2(tmp_path: Path, old: bool) -> None:
    network = random_network("gpt2")
    tensors = uer_names(network)
    folder = folder_of(old_names(tensors) if old else tensors, tmp_path / "uer")
    assert convert_model(folder, tmp_path / "out").kind == "gpt2"
    again, info = AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert {key: list(value) for key, value in info.items() if value} == {}
    torch.testing.assert_close(logits(again.eval()), logits(network), atol=1e-6, rtol=0.0)
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    # by the vocabulary, not the 50256 of transformers
    assert [config[f"{name}_token_id"] for name in ("bos", "eos", "pad")] == [2, 3, 0]


@pytest.mark.parametrize(
    ("kind", "head", "auto"),
    [
        ("bert", "target.mlm.linear_2.weight", AutoModelForMaskedLM),
        ("gpt2", "target.lm.output_layer.weight", AutoModelForCausalLM),
    ],
)
def test_an_output_matrix_of_its_own_is_kept(tmp_path: Path, kind: str, head: str, auto: Any) -> None:
    tensors = uer_names(random_network(kind))
    tensors[head] = tensors[head] * 2
    folder = folder_of(tensors, tmp_path / "uer", hidden_act="gelu")
    convert_model(folder, tmp_path / "out")
    again, info = auto.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert {key: list(value) for key, value in info.items() if value} == {}
    assert again.config.tie_word_embeddings is False
    assert torch.equal(again.get_output_embeddings().weight, tensors[head])
    assert torch.equal(again.get_input_embeddings().weight, tensors["embedding.word.embedding.weight"])


def test_what_is_of_another_kind_is_refused(tmp_path: Path) -> None:
    tensors = uer_names(random_network("bert"))
    del tensors["target.mlm.linear_2.weight"]
    error = refusal(lambda: convert_model(folder_of(tensors, tmp_path / "uer"), tmp_path / "out"))
    assert error.message == "this kind of UER model is not converted"


def test_the_config_says_how_many_heads(tmp_path: Path) -> None:
    tensors = uer_names(random_network("bert"))
    folder = folder_of(tensors, tmp_path / "uer", layers_num=12)
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert error.message == "the config says layers_num 12, the checkpoint has 2"
    (folder / "base_config.json").unlink()
    error = refusal(lambda: convert_model(folder, tmp_path / "out"))
    assert error.message == f"{folder} has no config of the model"
