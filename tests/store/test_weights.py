"""Weights on disk: rows of int8 with a scale each, or floating point."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from textgen.errors import ModelError, TextgenError, UsageError
from textgen.files.atomic import write_whole
from textgen.resources import models_dir
from textgen.store.catalog import embedded_names
from textgen.store.weights import STORAGES, pack_weights, read_weights


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], storage: str, metadata: Mapping[str, str] | None = None
) -> None:
    """What `save_model` does with tensors."""
    write_whole(path, pack_weights(tensors, storage, metadata))


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


@pytest.mark.parametrize("name", embedded_names())
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


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., dict[str, Tensor]]:
    """Writes tensors in a storage and returns what the file then holds."""

    def write(tensors: dict[str, Tensor], storage: str) -> dict[str, Tensor]:
        write_weights(tmp_path / "w.safetensors", tensors, storage)
        stored: dict[str, Tensor] = load_file(tmp_path / "w.safetensors")
        return stored

    return write


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may become larger: a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def header(file: Path) -> dict[str, str]:
    with safe_open(file, framework="pt") as opened:
        return dict(opened.metadata())


@pytest.mark.parametrize("name", embedded_names())
def test_a_shipped_model_is_written_as_it_was(name: str, tmp_path: Path) -> None:
    shipped, again = models_dir() / name / "model.safetensors", tmp_path / "again.safetensors"
    write_weights(again, read_weights(shipped), "int8", {"kind": name})
    first, second = load_file(shipped), load_file(again)
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert second[key].dtype == tensor.dtype, key
        assert torch.equal(second[key], tensor), key
    assert header(again) == header(shipped)


def test_the_same_weights_are_the_same_file(tmp_path: Path) -> None:
    tensors = {"名": torch.ones(2, 3), "b": torch.ones(3)}
    metadata = {"kind": "gpt2", "note": "第一次", "a": "x"}
    contents = set()
    for _ in range(8):
        write_weights(tmp_path / "w", tensors, "int8", metadata)
        contents.add((tmp_path / "w").read_bytes())
    assert len(contents) == 1
    assert header(tmp_path / "w") == {"format": "pt", "storage": "int8-rowwise", **metadata}
    [content] = contents
    assert int.from_bytes(content[:8], "little") % 8 == 0
    assert read_weights(tmp_path / "w").keys() == tensors.keys()


@pytest.mark.parametrize("size", [1e-3, 0.02, 1.0, 3e4])
def test_rows_are_the_nearest_that_their_scale_allows(
    written: Callable[..., dict[str, Tensor]], size: float
) -> None:
    matrix = size * torch.randn(200, 300, generator=torch.Generator().manual_seed(5))
    stored = written({"m": matrix}, "int8")
    q, scale = stored["m"], stored["m.scale"]
    assert (q.dtype, scale.dtype) == (torch.int8, torch.float16)
    if size > 0.01:  # scales are normal numbers of float16: what is read is written to the same bits
        assert q.abs().amax(1).tolist() == [127] * 200
    expected = matrix.abs().amax(1) / 127
    torch.testing.assert_close(scale.float(), expected, rtol=2**-11, atol=2**-24)
    missed = (matrix.double() - q.double() * scale.double()[:, None]).abs()
    assert bool((missed <= scale.double()[:, None] * 0.50001).all())


def test_rows_at_the_end_of_float16(written: Callable[..., dict[str, Tensor]]) -> None:
    spacing = 2.0**-24  # of the smallest numbers of float16
    largest = [0.0, 1e-40, 1e-12, 0.3 * spacing, 127 * spacing, 128 * spacing, 190 * spacing, 7e-3, 8e-3]
    matrix = torch.tensor(largest)[:, None] * torch.tensor([1.0, -0.5, 0.25, 0.0])
    stored = written({"m": matrix}, "int8")
    q, scale = stored["m"].double(), stored["m.scale"].double()[:, None]
    assert scale[:, 0].tolist()[0] == 0.0
    assert scale[3:7, 0].tolist() == [spacing, spacing, 2 * spacing, 2 * spacing]
    assert q[0].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert bool(((matrix.double() - q * scale).abs() <= scale.clamp(min=spacing) / 2).all())
    assert int(q.abs().max()) <= 127


def test_what_is_no_matrix_is_float16_beside_int8(written: Callable[..., dict[str, Tensor]]) -> None:
    shapes = {"vector": (7,), "row": (1, 7), "column": (7, 1), "cube": (2, 3, 4), "one": (), "none": (0, 4)}
    stored = written({name: torch.full(shape, 0.1) for name, shape in shapes.items()}, "int8")
    assert stored.keys() == shapes.keys()
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert {name: tuple(tensor.shape) for name, tensor in stored.items()} == shapes


@pytest.mark.parametrize(("storage", "dtype"), [("fp32", torch.float32), ("fp16", torch.float16)])
def test_floating_point_is_written_as_it_is(tmp_path: Path, storage: str, dtype: torch.dtype) -> None:
    tensors = {"m": torch.randn(4, 5), "v": torch.randn(5), "d": torch.randn(3, dtype=torch.float64)}
    write_weights(tmp_path / "w", tensors, storage, {"kind": "gpt2"})
    stored = load_file(tmp_path / "w")
    assert {name: tensor.dtype for name, tensor in stored.items()} == dict.fromkeys(tensors, dtype)
    assert all(torch.equal(stored[name], tensor.to(dtype)) for name, tensor in tensors.items())
    assert header(tmp_path / "w") == {"format": "pt", "storage": storage, "kind": "gpt2"}


def test_tensors_of_all_sorts_are_stored(written: Callable[..., dict[str, Tensor]]) -> None:
    matrix = torch.randn(6, 4)
    tensors = {
        "m": matrix,
        "tied": matrix,  # the same memory
        "view": matrix.T,  # out of order in it
        "repeated": torch.ones(1, 3).expand(2, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "steps": torch.tensor(2**40),
    }
    stored = written(tensors, "fp32")
    assert stored["steps"].item() == 2**40
    del tensors["steps"]
    assert all(torch.equal(stored[name], tensor.float()) for name, tensor in tensors.items())
    assert matrix.dtype == torch.float32  # what was given is left alone


@pytest.mark.parametrize(
    ("storage", "tensor", "message"),
    [
        ("fp16", torch.tensor([1.0, -1e5]), "w has values up to 1e+05, beyond float16"),
        ("fp16", torch.full((3, 3), 65520.0), "w has values up to 6.552e+04, beyond float16"),
        ("int8", torch.tensor([1.0, -1e5]), "w has values up to 1e+05, beyond float16"),
        ("int8", torch.full((2, 2), 1e7), "w.scale has values up to 7.874e+04, beyond float16"),
        ("fp32", torch.full((2,), 1e300, dtype=torch.float64), "w has values up to 1e+300, beyond float32"),
        *[
            (storage, torch.full(shape, value), "w has values that are not finite")
            for storage in STORAGES
            for shape in [(3,), (2, 2)]
            for value in (torch.inf, torch.nan)
        ],
    ],
)
def test_what_does_not_fit_is_never_written(
    tmp_path: Path, storage: str, tensor: Tensor, message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        write_weights(tmp_path / "w", {"fits": torch.ones(2), "w": tensor}, storage)
    assert caught.value.message == message
    assert "diverge" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_the_largest_that_fits(written: Callable[..., dict[str, Tensor]]) -> None:
    largest = torch.full((2, 2), 65504.0)
    assert torch.equal(written({"w": largest}, "fp16")["w"], largest.half())
    rows = written({"w": largest * 126}, "int8")  # a matrix reaches further than a vector
    assert rows["w.scale"].isfinite().all()


@pytest.mark.parametrize(
    ("name", "tensor"), [("a.scale", torch.ones(2)), ("a", torch.ones(2, 2, dtype=torch.int8))]
)
@pytest.mark.parametrize("storage", STORAGES)
def test_what_would_be_read_as_something_else_is_refused(
    tmp_path: Path, name: str, tensor: Tensor, storage: str
) -> None:
    with pytest.raises(ModelError, match="cannot be stored"):
        write_weights(tmp_path / "w", {name: tensor}, storage)


def test_an_unknown_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write_weights(tmp_path / "w", {}, "int4")
    assert (caught.value.message, caught.value.hint) == (
        "storage int4 is unknown",
        "one of: fp32, fp16, int8",
    )


def test_everybody_may_read_what_is_written(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_weights(tmp_path / "w", {"w": torch.ones(2)}, "fp16")
    finally:
        os.umask(before)
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o640


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "w"
    write_weights(file, {"w": torch.ones(2)}, "fp32")
    before = file.read_bytes()
    with room_for(4000), pytest.raises(TextgenError) as caught:
        write_weights(file, {"w": torch.ones(5000)}, "fp32")
    assert caught.value.message == f"cannot write {file}: File too large"
    assert caught.value.hint
    assert caught.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
    assert file.read_bytes() == before


def test_a_file_is_replaced_only_once_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, synced = tmp_path / "w", []
    write_weights(file, {"w": torch.ones(2)}, "fp32")
    before = file.read_bytes()

    def fsync(number: int) -> None:
        synced.append(os.fstat(number).st_size)
        assert file.read_bytes() == before
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        write_weights(file, {"w": torch.zeros(5000)}, "fp32")
    assert synced[0] > 20000
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
    assert file.read_bytes() == before


def test_a_file_system_that_cannot_sync_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(number: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    write_weights(tmp_path / "w", {"w": torch.ones(2)}, "fp32")
    assert torch.equal(read_weights(tmp_path / "w")["w"], torch.ones(2))


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TextgenError, match="No such file or directory"):
        write_weights(tmp_path / "absent" / "w", {"w": torch.ones(2)}, "fp32")
