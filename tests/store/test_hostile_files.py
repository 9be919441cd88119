"""Whatever is wrong with a model's files, it is said in one line, soon, and before much is allocated."""

from __future__ import annotations

import codecs
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from safetensors.torch import load as parse
from safetensors.torch import save_file
from torch import Tensor

from textgen.errors import ModelError, TextgenError
from textgen.store.catalog import find_model
from textgen.store.load import load_model, load_tokenizer
from textgen.store.weights import pack_weights

Maker = Callable[..., Any]
WEIGHT = {"gpt2": "transformer.h.0.attn.c_attn.weight", "bert": "cls.predictions.transform.dense.weight"}
WORD = {"gpt2": "transformer.wte.weight", "bert": "bert.embeddings.word_embeddings.weight"}


def load(folder: Any) -> Any:
    return load_model(find_model(str(folder.path)))


def refusal(folder: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load(folder)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    return caught.value.message


def as_int8(folder: Any) -> dict[str, Tensor]:
    """The folder's tensors with their matrices in int8 and scales, to be broken and written."""
    return parse(pack_weights(folder.tensors, "int8"))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(float("nan"), torch.float32), (float("inf"), torch.float16), (-float("inf"), torch.bfloat16)],
)
def test_a_value_that_is_not_finite_is_refused_by_name(
    make_folder: Maker, value: float, dtype: torch.dtype
) -> None:
    for kind, name in WEIGHT.items():
        folder = make_folder(kind, name=kind)
        folder.tensors = {name: tensor.to(dtype) for name, tensor in folder.tensors.items()}
        folder.write()
        load(folder)
        folder.tensors[name][3, 5] = value
        folder.write()
        assert refusal(folder) == (f"{folder.path}/model.safetensors: {name} has values that are not finite")


def test_a_prior_that_is_not_finite_is_refused(make_folder: Maker) -> None:
    folder = make_folder("title")
    prior = {name: folder.tensors.pop(name) for name in ("prior.a", "prior.t")}
    prior["prior.t"][7] = float("nan")
    folder.write()
    save_file(prior, folder.path / "prior.safetensors")
    assert refusal(folder) == f"{folder.path}/prior.safetensors: prior.t has values that are not finite"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            lambda scale: scale.index_fill(0, torch.tensor([2]), float("nan")),
            "has values that are not finite",
        ),
        (
            lambda scale: scale.index_fill(0, torch.tensor([2]), float("inf")),
            "has values that are not finite",
        ),
        (lambda scale: scale.index_fill(0, torch.tensor([2]), -1.0), "has negative scales"),
        (lambda scale: scale[:-1].clone(), "float16 (8191,)"),
        (lambda scale: scale[:1].clone(), "float16 (1,)"),
        (lambda scale: scale[:, None].clone(), "float16 (8192, 1)"),
        (lambda scale: scale[0].clone(), "float16 ()"),
        (lambda scale: torch.ones(8192, dtype=torch.int32), "int32 (8192,)"),
        (lambda scale: torch.ones(8192, dtype=torch.int8), "int8 (8192,)"),
    ],
)
def test_scales_that_cannot_be(make_folder: Maker, wrong: Callable[[Tensor], Tensor], told: str) -> None:
    folder = make_folder("bert")
    tensors, name = as_int8(folder), f"{WORD['bert']}.scale"
    save_file(tensors, folder.path / "model.safetensors")
    load(folder)
    save_file(tensors | {name: wrong(tensors[name])}, folder.path / "model.safetensors")
    message = refusal(folder)
    assert name in message
    assert told in message


def test_int8_that_is_no_matrix_and_scales_of_nothing(make_folder: Maker) -> None:
    folder = make_folder("gpt2")
    tensors = as_int8(folder)
    one, bias = torch.ones(32, dtype=torch.int8), "transformer.ln_f.bias"
    save_file(tensors | {bias: one, f"{bias}.scale": torch.ones(32)}, folder.path / "model.safetensors")
    assert f"{bias} is int8 (32,)" in refusal(folder)
    save_file(tensors | {f"{bias}.scale": torch.ones(32)}, folder.path / "model.safetensors")
    assert f"{bias}.scale has no int8 matrix" in refusal(folder)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("gpt2", "vocab_size"),
        ("gpt2", "n_layer"),
        ("gpt2", "n_positions"),
        ("bert", "hidden_size"),
        ("bert", "num_hidden_layers"),
        ("bert", "layer_norm_eps"),
        ("title", "intermediate_size"),
        ("title", "type_vocab_size"),
        ("title", "num_attention_heads"),
    ],
)
@pytest.mark.parametrize("value", [2**24, 2**31, 10**18, 10**400, 1e300, float("inf"), float("nan"), True])
def test_absurd_sizes_are_refused_before_anything_is_made(
    make_folder: Maker, kind: str, key: str, value: Any
) -> None:
    folder = make_folder(kind)
    folder.config[key] = value
    (folder.path / "config.json").write_text(json.dumps(folder.config), encoding="utf-8")
    assert str(folder.path) in refusal(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"model_type": ' + b'{"a": ' * 100_000,
        b'{"model_type": "gpt2", "a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"model_type": "gpt2", "n_embd": ' + b"9" * 5000 + b"}",
        b"",
        b"\xff\xfe",
        b"\x80\x81",
        b"null",
        b'{"model_type": {"a": 1}}',
        b'{"model_type": "gpt2"}',
        b'{"model_type": "bert", "styles": "' + b"x" * 10_000 + b'", "condition_size": 1}',
    ],
)
def test_a_config_that_is_none(make_folder: Maker, content: bytes) -> None:
    folder = make_folder("gpt2")
    (folder.path / "config.json").write_bytes(content)
    assert str(folder.path) in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.model", "prior.safetensors"])
@pytest.mark.parametrize("instead", ["pipe", "folder", "loop"])
def test_no_file_where_one_should_be(make_folder: Maker, name: str, instead: str) -> None:
    folder = make_folder("title")
    path = folder.path / name
    path.unlink(missing_ok=True)
    if instead == "pipe":
        os.mkfifo(path)
    elif instead == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    if name == "prior.safetensors":  # it is not needed: the weights hold a prior
        load(folder)
    else:
        assert str(folder.path) in refusal(folder)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_config_is_read_in_any_encoding_of_unicode(make_folder: Maker, encoding: str) -> None:
    folder = make_folder("gpt2")
    (folder.path / "config.json").write_text(json.dumps(folder.config), encoding=encoding)
    if encoding == "utf-8-sig":
        assert (folder.path / "config.json").read_bytes().startswith(codecs.BOM_UTF8)
    load(folder)


def mutations(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The content with some bytes changed, left out, put in, or cut off behind."""
    chance = random.Random(seed)
    for _ in range(count):
        found, where = bytearray(content), chance.randrange(len(content))
        some = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 6)))
        kind = chance.randrange(4)
        if kind == 0:
            found[where : where + len(some)] = some
        elif kind == 1:
            del found[where : where + len(some)]
        elif kind == 2:
            found[where:where] = some
        else:
            del found[where:]
        yield bytes(found)


def test_mutated_tokenizers_load_whole_or_are_refused(make_folder: Maker) -> None:
    folder = make_folder("gpt2")
    path = folder.path / "tokenizer.model"
    content = path.read_bytes()
    files = find_model(str(folder.path))
    ends = [content[:3000], content[-3000:]]  # the specials and the bytes; how texts are normalised
    loaded = 0
    for number, part in enumerate(ends):
        for broken in mutations(part, 20, seed=number):
            path.write_bytes(broken + content[3000:] if number == 0 else content[:-3000] + broken)
            try:
                tokenizer = load_tokenizer(files)
            except ModelError as error:
                assert "\n" not in error.message
            else:
                loaded += 1
                assert tokenizer.decode(tokenizer.encode("春 天，ﬁ\n")) == "春 天，ﬁ\n"
    assert 0 < loaded < 20


def test_mutated_headers_and_configs_load_whole_or_are_refused(make_folder: Maker) -> None:
    folder = make_folder("bert")
    path, config = folder.path / "model.safetensors", folder.path / "config.json"
    save_file(as_int8(folder), path)
    weights, told = path.read_bytes(), config.read_bytes()
    header = 8 + int.from_bytes(weights[:8], "little")
    refused = 0
    for broken in mutations(weights[:header], 20, seed=1):
        path.write_bytes(broken + weights[header:])
        refused += not loads(folder)
    path.write_bytes(weights)
    for broken in mutations(told, 20, seed=2):
        config.write_bytes(broken)
        refused += not loads(folder)
    assert refused > 20


def loads(folder: Any) -> bool:
    try:
        load(folder)
    except TextgenError as error:
        assert "\n" not in error.message
        return False
    return True
