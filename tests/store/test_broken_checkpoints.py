"""What is broken in a checkpoint is refused in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from checkpoints import change_json, write_vocabulary
from chinese_checkpoints import TOKENS, gpt2_chinese, rewritten, shard

import textgen
from textgen.errors import ModelError
from textgen.store.catalog import find_model
from textgen.store.load import load_model


def without_shard(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def quantized(method: str) -> Callable[[Path], None]:
    return lambda folder: change_json(
        folder, "config.json", quantization_config={"quant_method": method, "bits": 4}
    )


def remote(kind: str) -> Callable[[Path], None]:
    code = {"AutoModelForCausalLM": "m.Model"}
    return lambda folder: change_json(folder, "config.json", model_type=kind, auto_map=code)


def gguf(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")


def only_gguf_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")


def instead(name: str, start: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(start + "\nsize 12345\n", encoding="utf-8")


def in_gbk(folder: Path) -> None:
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="gbk")


def inside(*names: str) -> Callable[[Path], object]:
    def move(folder: Path) -> None:
        inner = folder.joinpath(*names)
        inner.mkdir(parents=True)
        for file in [file for file in folder.iterdir() if file.is_file()]:
            file.rename(inner / file.name)

    return move


POINTER = "version https://git-lfs.github.com/spec/v1"


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")


def said(name: str, **content: Any) -> Callable[[Path], None]:
    """Another file says this; a `tokenizer.json` in place of the vocabulary."""

    def say(folder: Path) -> None:
        change_json(folder, name, **content)
        if name == "tokenizer.json":
            (folder / "vocab.txt").unlink()

    return say


def with_post_processor(folder: Path) -> None:
    said("tokenizer.json", model={"vocab": {"a": 0}}, post_processor={"processors": [3]})(folder)
    change_json(folder, "config.json", eos_token_id=0)


FORM = "tokenizer(_config)?.json is not of the form that such files have"


def other_tokenizer(folder: Path) -> None:
    write_vocabulary(folder, ["<pad>", "<s>", "</s>", *TOKENS[5:]])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    "another architecture": (
        lambda folder: change_json(folder, "config.json", architectures=["GPT2ForSequenceClassification"]),
        "is a GPT2ForSequenceClassification, which writes no text",
    ),
    "missing shard": (without_shard, "lacks 1 of 2 parts of its weights"),
    "truncated": (truncated, "cannot read .*model.safetensors"),
    "wrong shapes": (
        lambda folder: change_json(folder, "config.json", n_embd=32),
        r"has \S+ \(.*\), config.json says \(.*\)",
    ),
    "missing tensor": (
        lambda folder: rewritten(folder, lambda tensors: tensors.pop("transformer.ln_f.weight")),
        "lacks the tensor transformer.ln_f.weight",
    ),
    "longer vocabulary": (
        lambda folder: write_vocabulary(folder, [*TOKENS, "多", "余"]),
        f"the tokenizer has {len(TOKENS) + 2} tokens, the model {len(TOKENS)}",
    ),
    "no tokenizer": (lambda folder: (folder / "vocab.txt").unlink(), "has no tokenizer"),
    "another tokenizer": (other_tokenizer, r"has no token \[CLS\]"),
    "pickle only": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        "has no model.safetensors",
    ),
    "remote code": (remote("chatglm"), "needs code of its own"),
    "remote code for a head that transformers lacks": (remote("clip"), "needs code of its own"),
    "unknown to transformers": (
        lambda folder: change_json(folder, "config.json", model_type="gpt99"),
        "transformers knows no gpt99 models",
    ),
    "not finite": (
        lambda folder: rewritten(folder, lambda tensors: tensors["transformer.wpe.weight"].fill_(torch.nan)),
        "transformer.wpe.weight has values that are not finite",
    ),
    "GPTQ": (quantized("gptq"), r"is quantized \(gptq\)"),
    "AWQ": (quantized("awq"), r"is quantized \(awq\)"),
    "bitsandbytes": (quantized("bitsandbytes"), r"is quantized \(bitsandbytes\)"),
    "GGUF beside a config": (only_gguf_weights, "holds GGUF files"),
    "pointer of weights": (
        instead("model.safetensors", POINTER),
        "model.safetensors is a pointer of Git LFS, not the file .git lfs pull fetches the file",
    ),
    "pointer of a tokenizer": (
        instead("spiece.model", POINTER),
        "spiece.model is a pointer of Git LFS",
    ),
    "web page": (instead("config.json", "<!DOCTYPE html>"), "config.json is a web page, not the file"),
    "vocabulary in GBK": (in_gbk, "cannot read .*vocab.txt: it is not UTF-8"),
    "model in a folder": (inside("gpt2"), "has no config.json .there is a model in .*model/gpt2"),
    "cache of the hub": (
        inside("snapshots", "5de1f"),
        "has no config.json .there is a model in .*model/snapshots/5de1f",
    ),
    "GGUF": (gguf, "holds GGUF files"),
    "ids of a list": (said("tokenizer_config.json", added_tokens_decoder=[1]), FORM),
    "no number for an id": (
        said("tokenizer_config.json", added_tokens_decoder={"x": {"content": "[A]"}}),
        FORM,
    ),
    "a negative id": (said("tokenizer_config.json", added_tokens_decoder={"-3": {"content": "[A]"}}), FORM),
    "a token for an id": (
        said("added_tokens.json", **{"[A]": "[B]"}),
        "added_tokens.json is not of the form",
    ),
    "no model in a tokenizer": (said("tokenizer.json", model=[1]), FORM),
    "a token without an id": (
        said("tokenizer.json", model={"vocab": {"[CLS]": 2}}, added_tokens=[{"content": "x"}]),
        FORM,
    ),
    "a step that is none": (with_post_processor, FORM),
    "two symbols with one id": (
        said("added_tokens.json", **{"[SEP]": 2}),
        r"\[SEP\] is 2 of the added tokens, and 3 in vocab.txt",
    ),
    "weights elsewhere": (
        said("config.json", transformers_weights="other.safetensors"),
        "config.json says the weights are in other.safetensors",
    ),
    "an adapter beside it": (
        lambda folder: (folder / "adapter_config.json").write_text("{}"),
        "holds an adapter beside the model",
    ),
    "an adapter alone": (adapter, "holds an adapter, not a model"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    break_it, message = BROKEN[name]
    folder = gpt2_chinese(tmp_path / "model")
    break_it(folder)
    with pytest.raises(ModelError) as raised:
        textgen.load(str(folder))
    assert re.search(message, raised.value.line)
    assert "\n" not in str(raised.value.line)
    assert raised.value.hint


def test_a_vocabulary_far_shorter_than_the_matrix(tmp_path: Path) -> None:
    """As the vocabulary of the first Chinese BART beside the weights of the second."""
    folder = checkpoints.gpt2(tmp_path / "model", TOKENS, {}, vocab_size=len(TOKENS) + 600, n_embd=700)
    write_vocabulary(folder, TOKENS)
    with pytest.raises(ModelError, match=f"has {len(TOKENS)} tokens, the model {len(TOKENS) + 600}"):
        load_model(find_model(str(folder)))


def test_what_does_not_fit_into_memory_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    monkeypatch.setattr("textgen.store.pretrained.available_memory", lambda: 1000)
    with pytest.raises(ModelError, match=r"takes 0\.0 GB of memory, and 0\.0 GB are free"):
        textgen.load(str(folder))
