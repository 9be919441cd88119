"""One network on several devices: accelerate places its parts, here on the processor and on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import TEXT
from chinese_checkpoints import bart, bert, gpt2_chinese, texts
from safetensors.torch import load_file

import textgen
from textgen.errors import TextgenError
from textgen.store import spread

ON_DISK = {
    "gpt2": {"transformer.wte": "cpu", "transformer.wpe": "cpu", "transformer.drop": "cpu"}
    | {"transformer.h": "disk", "transformer.ln_f": "cpu", "lm_head": "disk"},
    "bart": {"model.shared": "cpu", "model.encoder": "cpu", "model.decoder": "disk", "lm_head": "disk"}
    | {"final_logits_bias": "cpu"},
    "bert": {"bert.embeddings": "cpu", "bert.encoder": "disk", "cls": "cpu"},
}
GB = 10**9


@pytest.mark.parametrize("kind", ON_DISK)
def test_parts_that_lie_elsewhere_write_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = {"gpt2": gpt2_chinese, "bart": bart, "bert": bert}[kind](tmp_path / kind)
    asked: list[int] = []
    monkeypatch.setattr(
        "textgen.store.pretrained.device_map", lambda needed: asked.append(needed) or ON_DISK[kind]
    )
    model: Any = textgen.load(str(folder), precision="fp32")
    assert asked == [sum(tensor.nbytes for tensor in load_file(folder / "model.safetensors").values())]
    assert any(parameter.is_meta for parameter in model.network.parameters()), "a part is elsewhere"
    if kind == "bert":
        (found,) = model.generate("今日小雨", sweeps=2, seed=1)
        monkeypatch.undo()
        (wanted,) = textgen.load(str(folder), precision="fp32").generate("今日小雨", sweeps=2, seed=1)
        assert found.candidates[0].text == wanted.candidates[0].text
    else:
        assert texts(folder, ["", "今日"] if kind == "gpt2" else ["明早下山", "山上"]) == [TEXT, TEXT]


@pytest.mark.parametrize(
    ("gpus", "needed", "found"),
    [(2, 9 * GB, None), (1, 30 * GB, None), (2, 30 * GB, "auto"), (2, 19 * GB, "auto")],
)
def test_only_what_one_gpu_cannot_hold_is_spread(
    monkeypatch: pytest.MonkeyPatch, gpus: int, needed: int, found: str | None
) -> None:
    assert spread.device_map(10**15) is None, "a processor is one device"
    monkeypatch.setattr(torch, "get_default_device", lambda: torch.device("cuda", 0))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (20 * GB, 24 * GB))
    assert spread.device_map(needed) == found
    monkeypatch.setattr(spread, "find_spec", lambda name: None)
    if found:
        with pytest.raises(TextgenError, match=r"takes several GPUs and the package accelerate") as raised:
            spread.device_map(needed)
        assert raised.value.hint == "pip install 'textgen-zh[gpus]'"
