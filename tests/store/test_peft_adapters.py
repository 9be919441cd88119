"""Adapters of PEFT, merged into their base."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import checkpoints
import peft
import pytest
import torch
import transformers
from checkpoints import TEXT, change_json, write_vocabulary
from chinese_checkpoints import TOKENS, bert, gpt2_chinese, texts

import textgen
from textgen.errors import ModelError, UsageError


def lora(folder: Path, base: Path, last: str, layer: str = "lm_head") -> Path:
    """An adapter by which 今 is followed by another character, if it is one of the head."""
    network = transformers.GPT2LMHeadModel.from_pretrained(base)
    adapted = peft.get_peft_model(
        network, peft.LoraConfig(r=1, lora_alpha=1, target_modules=[layer], task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_A" in name:
                parameter.zero_()
                parameter[0, TOKENS.index("今")] = 1.0
            elif "lora_B" in name:
                parameter.zero_()
                parameter[TOKENS.index(last), 0] = 100.0
    adapted.save_pretrained(folder)
    return folder


def test_an_adapter_is_merged_into_its_base(tmp_path: Path) -> None:
    base = gpt2_chinese(tmp_path / "base")
    adapter = lora(tmp_path / "lora", base, "转")
    assert texts(base, [""]) == [TEXT]
    model = textgen.load(str(base), precision="fp32", adapter=str(adapter))
    (record,) = model.generate("", decode="greedy", max_new_tokens=14)
    assert record.candidates[0].text == "今转晴。"
    assert record.model.startswith("base+lora@sha256:")
    for out, given in (("a.jsonl", {"adapter": str(adapter)}), ("b.jsonl", {})):
        textgen.run_batch(
            "sample",
            str(written(tmp_path / "prompts.txt", "今\n")),
            tmp_path / out,
            model=str(base),
            decode="greedy",
            max_new_tokens=14,
            **given,
        )
    told = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("a.jsonl", "b.jsonl")]
    assert [one["candidates"][0]["text"] for one in told] == ["今转晴。", TEXT]
    with pytest.raises(UsageError, match="is of another run"):
        textgen.run_batch(
            "sample",
            str(tmp_path / "prompts.txt"),
            tmp_path / "a.jsonl",
            model=str(base),
            decode="greedy",
            max_new_tokens=14,
            resume=True,
        )


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def test_an_adapter_of_another_base_is_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    base, masked = gpt2_chinese(tmp_path / "base"), bert(tmp_path / "bert")
    adapter = lora(tmp_path / "lora", base, "转", "c_attn")
    recwarn.clear()
    logger = logging.getLogger("transformers")  # which passes nothing on to that of pytest
    logger.addHandler(caplog.handler)
    change_json(adapter, "adapter_config.json", base_model_name_or_path=str(masked))
    textgen.load(str(base), adapter=str(adapter))  # the path of a base may be anything
    change_json(adapter, "adapter_config.json", target_modules=["q_proj"])
    with pytest.raises(ModelError, match="cannot load") as raised:
        textgen.load(str(base), adapter=str(adapter))
    assert raised.value.hint == "was it trained on this model?"
    logger.removeHandler(caplog.handler)
    assert not caplog.records
    assert not recwarn.list
    written(adapter / "adapter_model.safetensors", "version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match="is a pointer of Git LFS"):
        textgen.load(str(base), adapter=str(adapter))


def test_an_adapter_that_does_not_fit(tmp_path: Path) -> None:
    base = gpt2_chinese(tmp_path / "base")
    adapter = lora(tmp_path / "lora", base, "转")
    with pytest.raises(UsageError, match="does not go with gpt2"):
        textgen.load("gpt2", adapter=str(adapter))
    with pytest.raises(UsageError, match="there is no directory"):
        textgen.load(str(base), adapter=str(tmp_path / "none"))
    other = checkpoints.gpt2(tmp_path / "other", TOKENS, {}, n_embd=68)
    write_vocabulary(other, TOKENS)
    with pytest.raises(ModelError, match="cannot load"):
        textgen.load(str(other), adapter=str(adapter))
    change_json(adapter, "adapter_config.json", target_modules=["c_attn"])
    with pytest.raises(ModelError, match="lora"):
        textgen.load(str(base), adapter=str(adapter))
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        textgen.load(str(base), adapter=str(adapter))
