"""Weights on disk: rows of int8 with a scale each, or floating point."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from textgen.errors import ModelError
from textgen.models.storage import read_weights
from textgen.resources import models_dir


def test_rows_are_multiplied_by_their_scales(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file(
        {
            "m": torch.tensor([[-128, 0, 127], [1, 2, -3]], dtype=torch.int8),
            "m.scale": torch.tensor([0.5, 0.25], dtype=torch.float16),
            "v": torch.tensor([0.1, -1.5], dtype=torch.float16),
        },
        file,
    )
    weights = read_weights(file)
    assert sorted(weights) == ["m", "v"]
    assert weights["m"].tolist() == [[-64.0, 0.0, 63.5], [0.25, 0.5, -0.75]]
    assert weights["v"].tolist() == [0.0999755859375, -1.5]  # what float16 makes of 0.1
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_every_product_is_the_exact_one(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    q = torch.arange(-128, 128, dtype=torch.int8).repeat(64, 1)
    scale = (torch.rand(64, generator=generator) * 1e-3).half()
    save_file({"w": q, "w.scale": scale}, tmp_path / "f.safetensors")
    found = read_weights(tmp_path / "f.safetensors")["w"]
    # 8 and 11 bits of significand make 19 at most: float32 holds every product
    assert torch.equal(found.double(), q.double() * scale.double()[:, None])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_floating_point_files_are_read_as_they_are(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.tensor([[0.5, -3.0], [1.0, 0.125]])
    save_file({"w": values.to(dtype)}, tmp_path / "f.safetensors")
    weights = read_weights(tmp_path / "f.safetensors")
    assert weights["w"].dtype == torch.float32
    assert torch.equal(weights["w"], values)


def test_int8_without_its_scale_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.safetensors"
    save_file({"a.weight": torch.ones(2, 2, dtype=torch.int8)}, file)
    with pytest.raises(ModelError) as caught:
        read_weights(file)
    assert caught.value.message == f"{file}: a.weight is int8 but a.weight.scale is missing"
    assert caught.value.hint == "is the file whole?"
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("damage", ["empty", "garbage", "truncated", "missing", "folder"])
def test_a_broken_file_is_one_line_and_a_hint(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "f.safetensors"
    if damage == "folder":
        file.mkdir()
    elif damage == "truncated":
        save_file({"w": torch.ones(100)}, file)
        file.write_bytes(file.read_bytes()[:-1])
    elif damage != "missing":
        file.write_bytes(b"" if damage == "empty" else b"no tensors here, only text" * 10)
    with pytest.raises(ModelError) as caught:
        read_weights(file)
    assert caught.value.message.startswith(f"cannot read {file}: ")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "is the file whole?"
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("name", ["gpt2", "bert", "title"])
def test_shipped_matrices_are_int8_by_rows_and_vectors_float16(name: str) -> None:
    file = models_dir() / name / "model.safetensors"
    stored = load_file(file)
    weights = read_weights(file)
    matrices = {key for key, tensor in stored.items() if tensor.dim() == 2}
    assert {key for key, tensor in stored.items() if tensor.dtype == torch.int8} == matrices
    assert {tensor.dtype for key, tensor in stored.items() if key not in matrices} == {torch.float16}
    assert weights.keys() == stored.keys() - {f"{key}.scale" for key in matrices}
    key = max(matrices)
    expected = stored[key].double() * stored[f"{key}.scale"].double()[:, None]
    assert torch.equal(weights[key].double(), expected)
