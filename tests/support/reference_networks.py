"""Small random networks of transformers beside ours with the same weights, and model folders on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig as TheirBertConfig
from transformers import BertForMaskedLM, GPT2LMHeadModel
from transformers import GPT2Config as TheirGpt2Config

from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.models.layers.copy_prior import CopyPrior
from textgen.resources import models_dir

__all__ = [
    "dequantised",
    "make_folder",
    "one_thread",
    "prior",
    "shipped_reference",
    "their_bert",
    "their_gpt2",
    "threads",
    "tiny_bert",
    "tiny_gpt2",
]

TIED = {"lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
BERT_SIZES = {
    "vocab_size": 101,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
    "type_vocab_size": 3,
    "layer_norm_eps": 1e-12,
}
GPT2_SIZES = {
    "vocab_size": 101,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 128,
    "layer_norm_epsilon": 1e-5,
}


def randomise(network: nn.Module, seed: int) -> None:
    """Make every tensor matter: biases, norms and embeddings too."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(network.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        is_norm = name.endswith(("LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight"))
        parameter.data.copy_(1 + 0.2 * noise if is_norm else 0.25 * noise)


def own_weights(theirs: nn.Module) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in theirs.state_dict().items() if name not in TIED}


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads; what it was comes back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def one_thread(threads: Callable[[int], None]) -> None:
    threads(1)


@pytest.fixture(scope="session")
def their_bert() -> BertForMaskedLM:
    config = TheirBertConfig(
        **BERT_SIZES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=0
    )
    theirs = BertForMaskedLM(config).eval().requires_grad_(False)
    randomise(theirs, seed=1)
    return theirs


@pytest.fixture(scope="session")
def tiny_bert(their_bert: BertForMaskedLM) -> Bert:
    ours = Bert(BertConfig(**BERT_SIZES)).eval().requires_grad_(False)
    ours.load_state_dict(own_weights(their_bert))
    return ours


@pytest.fixture(scope="session")
def prior() -> CopyPrior:
    """A copy prior in which every id matters, for the vocabulary of the tiny networks."""
    prior = CopyPrior(BERT_SIZES["vocab_size"]).requires_grad_(False)
    generator = torch.Generator().manual_seed(21)
    prior.a.copy_(torch.randn(prior.a.shape, generator=generator))
    prior.t.copy_(torch.randn(prior.t.shape, generator=generator))
    return prior


@pytest.fixture(scope="session")
def their_gpt2() -> GPT2LMHeadModel:
    config = TheirGpt2Config(**GPT2_SIZES, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    theirs = GPT2LMHeadModel(config).eval().requires_grad_(False)
    randomise(theirs, seed=2)
    return theirs


@pytest.fixture(scope="session")
def tiny_gpt2(their_gpt2: GPT2LMHeadModel) -> Gpt2:
    ours = Gpt2(Gpt2Config(**GPT2_SIZES)).eval().requires_grad_(False)
    ours.load_state_dict(own_weights(their_gpt2))
    return ours


@pytest.fixture(scope="session")
def dequantised() -> Callable[[str], dict[str, Tensor]]:
    """The weights of a shipped model, computed here from the file: q * scale by rows, in float64."""

    def read(name: str) -> dict[str, Tensor]:
        stored = load_file(models_dir() / name / "model.safetensors")
        scales = {n: t for n, t in stored.items() if n.endswith(".scale")}
        dense = {}
        for n, t in stored.items():
            if n in scales:
                continue
            wide = t.double()
            dense[n] = (
                wide * scales[f"{n}.scale"].double()[:, None] if t.dtype == torch.int8 else wide
            ).float()
        return dense

    return read


@pytest.fixture(scope="session")
def shipped_reference(dequantised: Callable[[str], dict[str, Tensor]]) -> Callable[[str], nn.Module]:
    """transformers' network with the weights of a shipped model."""

    def build(name: str) -> nn.Module:
        config = json.loads((models_dir() / name / "config.json").read_text(encoding="utf-8"))
        network, config_class = (
            (GPT2LMHeadModel, TheirGpt2Config) if name == "gpt2" else (BertForMaskedLM, TheirBertConfig)
        )
        theirs = network(config_class.from_dict(config)).eval().requires_grad_(False)
        given = {n: t for n, t in dequantised(name).items() if not n.startswith("prior.")}
        missing, unexpected = theirs.load_state_dict(given, strict=False)
        assert set(missing) <= TIED
        assert unexpected == []
        theirs.tie_weights()
        return theirs

    return build


class ModelFolder:
    """A small model directory with the real vocabulary, to be broken in one place."""

    def __init__(self, path: Path, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.path = path
        self.config = config
        self.tensors = tensors
        path.mkdir()
        self.write()

    def write(self) -> None:
        (self.path / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
        save_file(self.tensors, self.path / "model.safetensors")
        shutil.copyfile(models_dir() / "tokenizer" / "zh8k.model", self.path / "tokenizer.model")


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., ModelFolder]:
    """Makes a model directory of a kind: `gpt2`, `bert` or `title`."""

    def make(kind: str, name: str = "folder") -> ModelFolder:
        sizes = (GPT2_SIZES if kind == "gpt2" else BERT_SIZES) | {"vocab_size": 8192}
        network = Gpt2(Gpt2Config.from_dict(sizes)) if kind == "gpt2" else Bert(BertConfig.from_dict(sizes))
        randomise(network, seed=3)
        config = sizes | {"model_type": "gpt2" if kind == "gpt2" else "bert"}
        tensors = dict(network.state_dict())
        if kind == "title":
            config["target_types"] = {"l2r": 1, "r2l": 2}
            generator = torch.Generator().manual_seed(4)
            tensors["prior.a"] = torch.randn(8192, generator=generator)
            tensors["prior.t"] = torch.randn(8192, generator=generator)
        return ModelFolder(tmp_path / name, config, tensors)

    return make
