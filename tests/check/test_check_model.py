"""`check_model`: what is sound is said to be, and all that is broken is found at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import checkpoints
import foreign_vocabularies as vocabularies
import pytest
import torch
import transformers
from checkpoints import TEXT, change_json, saved, write_vocabulary
from safetensors.torch import load_file, save_file

from textgen.backends.sameness import Sameness
from textgen.check import writing
from textgen.check.finding import BROKEN, NOTE, OK, SKIPPED, Finding
from textgen.check.run import STEPS, check_model
from textgen.cli.main import run
from textgen.errors import UsageError
from textgen.resources import models_dir

TOKENS = checkpoints.vocabulary("春", "来", "，")


def gpt2(folder: Path) -> Path:
    """As `uer/gpt2-chinese-*`: its config.json has GPT-2's symbols, which are no tokens of its vocabulary."""
    checkpoints.gpt2(folder, TOKENS, checkpoints.chain(TOKENS, "，", TEXT, "[SEP]"))
    change_json(folder, "config.json", bos_token_id=50256, eos_token_id=50256)
    write_vocabulary(folder, TOKENS)
    return folder


def bert(folder: Path) -> Path:
    sizes = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=len(TOKENS), max_position_embeddings=32, **sizes)
    saved(folder, transformers.BertForMaskedLM(config), {TOKENS.index("[MASK]"): TOKENS.index("雨")})
    write_vocabulary(folder, TOKENS)
    return folder


def mt5(folder: Path) -> Path:
    sizes = {"d_model": 300, "d_kv": 8, "d_ff": 8, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
    ends = {"eos_token_id": 1, "pad_token_id": 0, "decoder_start_token_id": 0}
    config = transformers.MT5Config(vocab_size=300, tie_word_embeddings=False, **sizes, **ends)
    saved(folder, transformers.MT5ForConditionalGeneration(config), dict(pairwise([0, 20, 21, 22, 1])))
    vocabularies.sentencepiece_model(folder / "spiece.model")
    return folder


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def states(found: list[Finding]) -> dict[str, set[str]]:
    return {step.name: {one.state for one in found if one.step == step.name} for step in STEPS}


def facts(found: list[Finding], step: str) -> dict[str, Any]:
    return {name: value for one in found if one.step == step for name, value in one.facts.items()}


def lines(found: list[Finding], state: str) -> list[str]:
    return [f"{one.step}: {one.line}" for one in found if one.state == state]


def test_a_sound_gpt2_over_a_vocabulary_of_bert(tmp_path: Path) -> None:
    found = [*check_model(str(gpt2(tmp_path / "model")))]
    assert [step.name for step in STEPS] == list(dict.fromkeys(one.step for one in found))
    assert not [one for one in found if one.state in (BROKEN, SKIPPED)]
    assert facts(found, "config")["class"] == "GPT2LMHeadModel"
    weights = facts(found, "weights")
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    assert weights["parameters"] == sum(tensor.numel() for tensor in tensors.values())
    assert (weights["precision"], weights["files"]) == ("fp32", 1)
    assert weights["memory"] == (tmp_path / "model" / "model.safetensors").stat().st_size
    assert facts(found, "tensors")["tensors"] == len(tensors)
    vocabulary = facts(found, "vocabulary")
    assert (vocabulary["tokens"], vocabulary["rows"]) == (len(TOKENS), len(TOKENS))
    assert (vocabulary["file"], vocabulary["cased"]) == ("vocab.txt", False)
    assert (vocabulary["simplified"], vocabulary["traditional"]) == (3, 2), "国们来, 國這"
    symbols = facts(found, "symbols")["symbols"]
    assert symbols["bos"] == [{"id": 2, "token": "[CLS]"}]
    assert symbols["eos"] == [{"id": 3, "token": "[SEP]"}]
    assert [line for line in lines(found, NOTE) if line.startswith("symbols")] == [
        "symbols: config.json has bos_token_id 50256 (no token); textgen takes [CLS] (2)",
        "symbols: config.json has eos_token_id 50256 (no token); textgen takes [SEP] (3)",
    ]
    trip = facts(found, "round trip")
    assert "😀" in trip["lost"]
    assert "天" in trip["back"]
    assert not trip["lossless"]
    commands = facts(found, "commands")
    assert commands["commands"] == ["title", "sample", "compose", "rewrite", "correct", "fill"]
    assert commands["proposes"]
    assert commands["train"] == ["gpt2"]
    sample = facts(found, "sample")
    assert sample["text"].startswith("春")
    assert sample["tokens"] > 0 < sample["rate"]
    assert facts(found, "sameness") == {"same": True, "difference": pytest.approx(0, abs=1e-4)} | {
        "tolerance": 1e-4
    }


def test_all_that_is_broken_is_found(tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "model")
    change_weights(folder, lambda tensors: [tensors.pop(f"transformer.ln_f.{n}") for n in ("weight", "bias")])
    write_vocabulary(folder, [*TOKENS, "多", "余"])
    found = [*check_model(str(folder))]
    hint = "does config.json belong to these weights?"
    assert lines(found, BROKEN) == [
        f"tensors: {folder} lacks the tensor transformer.ln_f.{name} ({hint})" for name in ("bias", "weight")
    ] + [
        f"vocabulary: {folder}: the tokenizer has {len(TOKENS) + 2} tokens, the model {len(TOKENS)} "
        "(is it the tokenizer the model was trained with?)",
    ]
    assert lines(found, SKIPPED) == [
        "sample: not looked at: see tensors",
        "sameness: not looked at: see tensors",
    ]
    assert states(found)["symbols"] >= {OK}, "which needs neither"
    assert states(found)["commands"] == {OK}


@pytest.mark.parametrize("missing", ["vocab.txt", "model.safetensors", "config.json"])
def test_what_is_there_is_looked_at_without_the_rest(tmp_path: Path, missing: str) -> None:
    folder = gpt2(tmp_path / "model")
    (folder / missing).unlink()
    found = states([*check_model(str(folder))])
    broken = {"vocab.txt": "vocabulary", "model.safetensors": "weights", "config.json": "config"}[missing]
    assert [step for step, those in found.items() if BROKEN in those] == [broken]
    skipped = {step for step, those in found.items() if SKIPPED in those}
    assert (
        skipped
        == {
            "vocab.txt": {"symbols", "round trip", "sample", "sameness"},
            "model.safetensors": {"tensors", "sample", "sameness"},
            "config.json": {step.name for step in STEPS[1:]},
        }[missing]
    )


def test_tensors_that_are_not_used_are_a_note(tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "model")
    change_weights(folder, lambda tensors: tensors.update({"v_head.weight": torch.ones(2)}))
    found = [*check_model(str(folder))]
    assert states(found)["tensors"] == {OK, NOTE}
    assert facts(found, "tensors")["unused"] == ["v_head.weight"]
    assert states(found)["sample"] == {OK}


def test_many_faults_of_tensors_are_counted(tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "model")
    change_weights(folder, lambda tensors: [tensors.pop(name) for name in [*tensors][:9]])
    found = [one for one in check_model(str(folder)) if one.step == "tensors"]
    assert [one.state for one in found] == [BROKEN] * 6
    assert found[-1].line == "4 more tensors are wrong"


def test_a_bert(tmp_path: Path) -> None:
    found = [*check_model(str(bert(tmp_path / "model")))]
    assert not lines(found, BROKEN)
    assert set(facts(found, "symbols")["symbols"]) == {"pad", "eos", "mask", "cls", "sep"}
    assert facts(found, "commands")["commands"] == ["sample"]
    assert "雨" in facts(found, "sample")["text"]
    assert states(found)["sameness"] == {OK}


def test_an_mt5(tmp_path: Path) -> None:
    found = [*check_model(str(mt5(tmp_path / "model")))]
    assert not lines(found, BROKEN)
    symbols = facts(found, "symbols")["symbols"]
    assert symbols["starts"] == [{"id": 0, "token": "<pad>"}]
    assert "bos" not in symbols
    commands = facts(found, "commands")
    assert (commands["commands"], commands["proposes"]) == (["title"], False)
    assert facts(found, "sample")["tokens"] == 4
    assert states(found)["sameness"] == {OK}


def test_a_model_of_ours() -> None:
    found = [*check_model("title")]
    assert {state for those in states(found).values() for state in those} == {OK}
    assert facts(found, "weights")["precision"] == "int8"
    assert facts(found, "symbols")["symbols"]["l2r"][0]["token"] == "<l2r>"
    commands = facts(found, "commands")
    assert commands["commands"] == ["title"]
    assert commands["train"] == ["title", "bidirectional", "title-rank", "title-scorer"]
    assert commands["proposes"]
    assert facts(found, "sameness")["same"]


def test_all_that_is_broken_of_a_model_of_ours_is_found(tmp_path: Path) -> None:
    folder = shutil.copytree(models_dir() / "bert", tmp_path / "bert")
    shutil.copy(models_dir() / "tokenizer" / "zh8k.model", folder / "tokenizer.model")
    change_json(folder, "config.json", vocab_size=8000)

    def change(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if name.startswith("bert.encoder.layer.5.output.LayerNorm")]:
            tensors[f"{name}.old"] = tensors.pop(name)

    change_weights(folder, change)
    found = [*check_model(str(folder))]
    told = [line.split(" (")[0].removeprefix(f"tensors: {folder} ") for line in lines(found, BROKEN)]
    norm = "bert.encoder.layer.5.output.LayerNorm"
    assert told == [
        f"lacks the tensor {norm}.bias",
        f"lacks the tensor {norm}.weight",
        f"has a tensor {norm}.bias.old that such a model has no place for",
        f"has a tensor {norm}.weight.old that such a model has no place for",
        "has bert.embeddings.word_embeddings.weight",
        "tensors: 1 more tensor is wrong",
        f"vocabulary: {folder}: the tokenizer has 8185 tokens, the model 8000",
    ]
    assert states(found)["round trip"] == {OK}


def test_the_command_prints_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = bert(tmp_path / "model")
    change_weights(folder, lambda tensors: tensors.pop("cls.predictions.transform.dense.bias"))
    assert run(["models", "check", str(folder)]) == 1
    plain = capsys.readouterr().out.splitlines()
    assert plain[0] == "config      ok      masked-lm (BertForMaskedLM): layers 1, width 64, positions 32"
    assert [line[12:18] for line in plain].count("broken") == 1
    assert run(["models", "check", str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["sound"]) == (str(folder), False)
    assert len(found["findings"]) == len(plain)
    [broken] = [one for one in found["findings"] if one["state"] == "broken"]
    assert broken["step"] == "tensors"
    assert broken["hint"] == "does config.json belong to these weights?"


def test_another_precision_than_that_of_auto(tmp_path: Path) -> None:
    found = [*check_model(str(gpt2(tmp_path / "model")), precision="fp32")]
    assert facts(found, "sample")["precision"] == "fp32"
    assert states(found)["sameness"] == {OK}
    with pytest.raises(UsageError, match="there is no precision fp8"):
        check_model(str(tmp_path / "model"), precision="fp8")


def test_texts_that_depend_on_the_batch_are_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(gpt2(tmp_path / "model"))
    for found, told in (
        (Sameness(True, 3e-3), "4 texts: log-probabilities differ by 3.0e-03: texts may depend on the batch"),
        (
            Sameness(False, 0.0),
            "of 4 texts some are others alone than in batches: texts may depend on the batch",
        ),
    ):
        monkeypatch.setattr(writing, "sameness", lambda *_, found=found, **__: found)
        last = [*check_model(folder)][-1]
        assert (last.step, last.state, str(last.text)) == ("sameness", NOTE, told)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no model nothing"):
        check_model("nothing")
