"""Checkpoints of GPT2-ML under the names of GPT-2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from bundles import write_bundle
from foreign import GROVER, GROVER_LAYERS, grover_tensors, write_json, write_vocabulary
from refusals import refusal
from safetensors.torch import save_file

import textgen
from textgen.store.convert.conversion import convert_model
from textgen.store.weights import read_weights


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tf"
    write_vocabulary(folder)
    write_json(folder / "mega.json", GROVER)
    tensors = grover_tensors()
    slots = {f"{name}/adafactor_v": tensor for name, tensor in tensors.items()}
    write_bundle(
        folder / "model.ckpt-220000", {**tensors, **slots, "global_step": torch.tensor(220000)}, shards=2
    )
    return folder


def test_the_names_of_gpt2(source: Path, tmp_path: Path) -> None:
    done = convert_model(source, tmp_path / "out")
    assert (done.kind, done.left_out) == ("gpt2-ml", [])
    tensors, written = grover_tensors(), read_weights(tmp_path / "out" / "model.safetensors")
    assert len(written) == 4 + GROVER_LAYERS * 12
    begin, new = "newslm/layer10/", "transformer.h.10."
    together = [tensors[f"{begin}{part}_layer/kernel"] for part in ("query", "key", "value")]
    assert torch.equal(written[f"{new}attn.c_attn.weight"], torch.cat(together, 1))
    together = [tensors[f"{begin}{part}_layer/bias"] for part in ("query", "key", "value")]
    assert torch.equal(written[f"{new}attn.c_attn.bias"], torch.cat(together))
    for name, old in {
        "transformer.wte.weight": "newslm/embeddings/word_embed",
        "transformer.wpe.weight": "newslm/embeddings/pos_embed",
        "transformer.emb_norm.weight": "newslm/embeddings/LayerNorm_embed_norm/gamma",
        f"{new}attn.c_proj.weight": f"{begin}context_projection_layer/kernel",
        f"{new}ln_1.weight": f"{begin}LayerNorm_mlp_ln0/gamma",
        f"{new}ln_2.bias": f"{begin}LayerNorm_mlp_ln1/beta",
        f"{new}mlp.c_fc.weight": f"{begin}intermediate/kernel",
        f"{new}mlp.c_proj.bias": f"{begin}output/bias",
    }.items():
        assert torch.equal(written[name], tensors[old]), name


def test_the_config(source: Path, tmp_path: Path) -> None:
    convert_model(source, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8")) == {
        "model_type": "gpt2-ml",
        "vocab_size": 20,
        "n_embd": 12,
        "n_layer": 11,
        "n_head": 3,
        "n_positions": 16,
        "n_inner": 48,
        "activation_function": "gelu",
        "layer_norm_epsilon": 1e-5,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }


def test_parts_of_different_shapes_are_refused(source: Path, tmp_path: Path) -> None:
    other = {"newslm/layer03/key_layer/kernel": torch.zeros(11, 12)}
    write_bundle(source / "model.ckpt-220000", grover_tensors() | other)
    error = refusal(lambda: convert_model(source, tmp_path / "out"))
    assert error.message == "tensors that belong together have the shapes (12, 12), (11, 12), (12, 12)"


def test_no_kind_is_to_be_said(source: Path, tmp_path: Path) -> None:
    error = refusal(lambda: convert_model(source, tmp_path / "out", kind="bert"))
    assert error.message == "kind bert does not go with such a checkpoint"


def test_a_prompt_is_read_without_the_start_symbol(source: Path, tmp_path: Path) -> None:
    convert_model(source, tmp_path / "out")
    write_vocabulary(tmp_path / "out")
    model = textgen.load(str(tmp_path / "out"), precision="fp32")
    network, bos = model.network, model.tokenizer.specials.bos
    assert bos == 2
    told = network.step(network.start([[bos, 5, 6]]), torch.tensor([7]))
    assert torch.equal(told, network.step(network.start([[5, 6]]), torch.tensor([7])))
    assert not torch.equal(told, network.extend(network.start([[]]), torch.tensor([[bos, 5, 6, 7]]))[:, -1])
    records = model.generate(["今天", ""], max_new_tokens=4, end_at="any", seed=1)
    assert [record.error for record in records] == [None, None]
    assert records[0].candidates[0].text.startswith("今天")


def test_titles_behind_a_prompt(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert_model(source, out)
    write_vocabulary(out)
    tensors = read_weights(out / "model.safetensors")
    tensors["transformer.wpe.weight"] = tensors["transformer.wpe.weight"].repeat(6, 1)
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    write_json(out / "config.json", config | {"n_positions": 96})
    (record,) = textgen.load(str(out), task="title", precision="fp32").generate(
        "天气", prompt_template="我{article}很好", decode="greedy", max_new_tokens=4, checks=False
    )
    (sample,) = textgen.load(str(out), precision="fp32").generate(
        "我天气很好", decode="greedy", max_new_tokens=4, end_at="any"
    )
    assert sample.candidates[0].text == f"我天气很好{record.candidates[0].text}"
    assert sample.candidates[0].logprob == record.candidates[0].logprob
