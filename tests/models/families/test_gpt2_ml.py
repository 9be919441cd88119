"""GPT2-ML against its formulas, written down once more in float64."""

from __future__ import annotations

import json
import math
from copy import copy
from pathlib import Path

import pytest
import torch
from bundles import write_bundle
from foreign import GROVER, grover_tensors, write_json, write_vocabulary
from reference_networks import GPT2_SIZES, randomise
from safetensors.torch import save_file
from small_titles import TOKENIZER
from torch import Tensor

from textgen.errors import ModelError
from textgen.models.empty_weights import unfilled
from textgen.models.families import GPT2_ML, family_for
from textgen.models.families.gpt2_ml import Gpt2Ml, Gpt2MlConfig
from textgen.models.layers.int8 import int8_problem
from textgen.models.precision import set_precision
from textgen.models.scoring import IncrementalGpt2
from textgen.models.whole_texts import WholeTexts
from textgen.store.catalog import find_directory
from textgen.store.convert.conversion import convert_model
from textgen.store.load import load_model
from textgen.store.save import save_model
from textgen.store.weights import read_weights

SIZES = GPT2_SIZES | {"n_inner": 80}
TEXTS = [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]


@pytest.fixture(scope="module")
def network() -> Gpt2Ml:
    made = Gpt2Ml(Gpt2MlConfig(**SIZES)).eval().requires_grad_(False)
    randomise(made, seed=5)
    return made


def normed(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    deviation = (apart.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return apart / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def dense(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def expected(network: Gpt2Ml, ids: list[int]) -> Tensor:
    """Logits `(length, vocab)`."""
    return of_weights(network.state_dict(), ids, SIZES["n_head"])


def of_weights(tensors: dict[str, Tensor], ids: list[int], heads: int) -> Tensor:
    """Logits `(length, vocab)`, head by head and place by place."""
    weights = {n.removeprefix("transformer."): t.double() for n, t in tensors.items()}
    layers = len({name.split(".")[1] for name in weights if name.startswith("h.")})
    x = normed(weights["wte.weight"][ids] + weights["wpe.weight"][: len(ids)], weights, "emb_norm")
    for layer in range(layers):
        name, contexts = f"h.{layer}", []
        parts = dense(x, weights, f"{name}.attn.c_attn").chunk(3, -1)
        for q, k, v in zip(*(part.chunk(heads, -1) for part in parts), strict=True):
            rows = []
            for place in range(len(ids)):
                scores = k[: place + 1] @ q[place] / math.sqrt(q.shape[-1])
                rows.append(scores.softmax(0) @ v[: place + 1])
            contexts.append(torch.stack(rows))
        h = x + dense(torch.cat(contexts, -1), weights, f"{name}.attn.c_proj")
        inner = dense(normed(h, weights, f"{name}.ln_1"), weights, f"{name}.mlp.c_fc")
        inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
        x = normed(h + dense(inner, weights, f"{name}.mlp.c_proj"), weights, f"{name}.ln_2")
    return x @ weights["wte.weight"].T


def test_whole_rows_and_steps_are_the_formulas(network: Gpt2Ml) -> None:
    whole = network(torch.tensor(TEXTS))
    state, hidden = network.read([text[:3] for text in TEXTS])
    steps = torch.stack([network.step(state, torch.tensor([t[n] for t in TEXTS])) for n in (3, 4)], 1)
    for n, text in enumerate(TEXTS):
        wanted = expected(network, text).float()
        torch.testing.assert_close(whole[n], wanted, atol=1e-4, rtol=0)
        torch.testing.assert_close(network.head(state, hidden[n][None])[0], wanted[:3], atol=1e-4, rtol=0)
        torch.testing.assert_close(steps[n], wanted[3:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("length", [1, 65])
def test_without_its_start_symbol_a_source_is_as_wide_as_with_it(network: Gpt2Ml, length: int) -> None:
    network = copy(network)
    network.left_out = 3
    source, longer = [3, *range(10, 9 + length)], [3, *range(20, 29 + length)]

    def step(*sources: list[int]) -> Tensor:
        return network.step(network.start(sources), torch.tensor([7] * len(sources)))[0]

    assert torch.equal(step(source), step(source, longer))
    torch.testing.assert_close(
        step(source), expected(network, [*source[1:], 7])[-1].float(), atol=1e-4, rtol=0
    )


def test_chains_of_edits_score_its_texts(network: Gpt2Ml) -> None:
    everything = torch.ones(101, dtype=torch.bool)
    texts = [(5, 6), (7, 8, 9)]
    found = IncrementalGpt2(network, [1], [3], everything).score(texts, [None] * 2)
    plain = WholeTexts(network, [1], [3], everything).score(texts, [None] * 2)
    for one, other, text in zip(found, plain, texts, strict=True):
        logprobs = expected(network, [1, *text]).log_softmax(-1)
        wanted = float(logprobs.gather(1, torch.tensor([*text, 3])[:, None]).sum())
        assert one.logprob == pytest.approx(wanted, abs=1e-4)
        assert other.logprob == pytest.approx(wanted, abs=1e-4)


def test_the_largest_has_one_and_a_half_billion_parameters() -> None:
    sizes = {"vocab_size": 21128, "n_embd": 1536, "n_layer": 48, "n_head": 24, "n_positions": 1024}
    with unfilled():
        network = Gpt2Ml(Gpt2MlConfig(**sizes, n_inner=6144, layer_norm_epsilon=1e-5))
    count = sum(weight.numel() for weight in network.parameters())
    assert count == 48 * (12 * 1536**2 + 13 * 1536) + (21128 + 1024 + 2) * 1536
    assert round(count / 1e9, 1) == 1.4


def test_a_converted_checkpoint_computes_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "tf"
    write_vocabulary(folder)
    write_json(folder / "mega.json", GROVER)
    write_bundle(folder / "model.ckpt", grover_tensors())
    convert_model(folder, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    network = Gpt2Ml(Gpt2MlConfig.from_dict(config)).eval().requires_grad_(False)
    written = read_weights(tmp_path / "out" / "model.safetensors")
    network.load_state_dict(written)
    wanted = of_weights(dict(written), [5, 6, 7], config["n_head"])
    torch.testing.assert_close(network(torch.tensor([[5, 6, 7]]))[0], wanted.float(), atol=1e-3, rtol=0)


def test_a_directory_of_one_is_loaded_and_one_of_another_activation_is_not(
    network: Gpt2Ml, tmp_path: Path
) -> None:
    config = SIZES | {"vocab_size": 8192, "model_type": "gpt2-ml", "activation_function": "gelu"}
    assert family_for(config) is GPT2_ML
    large = Gpt2Ml(Gpt2MlConfig.from_dict(config)).eval().requires_grad_(False)
    randomise(large, seed=6)
    save_model(tmp_path / "grover", large, config, TOKENIZER, storage="fp32")
    loaded = load_model(find_directory(str(tmp_path / "grover")), "grover")
    assert torch.equal(loaded.network(torch.tensor(TEXTS)), large(torch.tensor(TEXTS)))
    save_model(tmp_path / "other", large, config | {"activation_function": "gelu_new"}, TOKENIZER)
    with pytest.raises(ModelError, match="activation_function 'gelu_new' is not supported"):
        load_model(find_directory(str(tmp_path / "other")), "other")


@pytest.mark.parametrize("stored", ["trunk.bin", "model.safetensors"])
def test_a_conversion_to_pytorch_that_calls_itself_a_gpt2(tmp_path: Path, stored: str) -> None:
    """As gpt2-ml-torch writes it: masks among the tensors, GPT-2's 50256, and the trunk without a prefix."""
    made = Gpt2Ml(Gpt2MlConfig(**GPT2_SIZES, n_inner=4 * SIZES["n_embd"]))
    randomise(made, seed=7)
    tensors = dict(made.transformer.state_dict())
    for layer in range(SIZES["n_layer"]):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 4, 4, dtype=torch.uint8).tril()
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    folder = tmp_path / "gpt2-ml-torch"
    folder.mkdir()
    config = GPT2_SIZES | {"model_type": "gpt2", "activation_function": "gelu"}
    write_json(folder / "config.json", config | {"bos_token_id": 50256, "eos_token_id": 50256})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(chr(0x4E00 + n) for n in range(97))]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    if stored == "trunk.bin":
        torch.save(tensors, folder / "pytorch_model.bin")
        assert convert_model(folder, tmp_path / "out").kind == "gpt2-ml"
        folder = tmp_path / "out"
    else:
        save_file({f"transformer.{name}": tensor for name, tensor in tensors.items()}, folder / stored)
    loaded = load_model(find_directory(str(folder)), "torch")
    for row, text in zip(loaded.network(torch.tensor(TEXTS)), TEXTS, strict=True):
        torch.testing.assert_close(row, expected(made, text).float(), atol=1e-4, rtol=0)
    specials = loaded.tokenizer.specials
    assert (specials.bos, specials.eos, loaded.network.left_out) == (2, 3, 2)


@pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))
def test_it_multiplies_in_int8(network: Gpt2Ml) -> None:
    packed = Gpt2Ml(Gpt2MlConfig(**SIZES)).eval().requires_grad_(False)
    packed.load_state_dict(network.state_dict())
    set_precision(packed, "int8")
    found, wanted = (one(torch.tensor(TEXTS)) for one in (packed, network))
    assert 0 < float((found - wanted).abs().max()) < 0.1 * float(wanted.abs().max())
