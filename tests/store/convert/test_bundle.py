"""TensorFlow's checkpoints are read to the bit, and broken ones refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bundles import table, write_bundle
from refusals import refusal
from torch import Tensor

from textgen.errors import ModelError
from textgen.store.convert.bundle import read_bundle
from textgen.store.convert.table import rows as table_rows

TENSORS = {
    "bert/a/single": torch.randn(3, 4, generator=torch.Generator().manual_seed(1)),
    "bert/a/half": torch.tensor([1.5, -2.0, 65504.0], dtype=torch.float16),
    "bert/a/brain": torch.tensor([[3.25], [-1e30]], dtype=torch.bfloat16),
    "bert/b/double": torch.tensor([1 / 3], dtype=torch.float64),
    "bert/b/int": torch.tensor([1, -2], dtype=torch.int32),
    "global_step": torch.tensor(2**40, dtype=torch.int64),
    "empty": torch.empty(0, 5),
    **{f"many/layer_{number}/kernel": torch.full((2, 2), float(number)) for number in range(60)},
}


def read(index: Path) -> dict[str, Tensor]:
    return {name: tensor.read() for name, tensor in read_bundle(index)[0].items()}


@pytest.mark.parametrize("shards", [1, 3])
def test_what_was_written_is_read(tmp_path: Path, shards: int) -> None:
    index = write_bundle(tmp_path / "model.ckpt", TENSORS, shards=shards)
    tensors, files = read_bundle(index)
    assert [file.name for file in files] == [f"model.ckpt.data-{i:05}-of-{shards:05}" for i in range(shards)]
    assert tensors.keys() == TENSORS.keys()
    for name, expected in TENSORS.items():
        assert (tensors[name].shape, tensors[name].dtype) == (tuple(expected.shape), expected.dtype)
        assert torch.equal(tensors[name].read(), expected), name


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "model.ckpt", TENSORS, shards=2)


def said(index: Path) -> str:
    error = refusal(lambda: read(index))
    assert type(error) is ModelError
    return str(error.message)


def test_one_wrong_bit_of_a_tensor_is_found(index: Path) -> None:
    shard = index.with_name("model.ckpt.data-00001-of-00002")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert said(index).startswith(f"{shard}: the checksum of many/layer_")


@pytest.mark.parametrize("at", range(0, 2000, 61))
def test_one_wrong_bit_of_the_index_is_found(index: Path, at: int) -> None:
    content = bytearray(index.read_bytes())
    content[at] ^= 1 << at % 8
    index.write_bytes(content)
    assert said(index).startswith(f"cannot read {index}: ")


@pytest.mark.parametrize("size", [0, 10, 47, 500, -1])
def test_a_truncated_index_is_refused(index: Path, size: int) -> None:
    index.write_bytes(index.read_bytes()[:size])
    assert said(index) == f"cannot read {index}: it does not end as the index of a checkpoint does"


def test_compressed_blocks_are_refused(index: Path) -> None:
    content = index.read_bytes()
    # the kind of compression stands behind the block, before its checksum; that of the last block is known
    content = content[: -48 - 5] + b"\1" + content[-48 - 4 :]
    index.write_bytes(content)
    assert "its blocks are compressed" in said(index)


def test_rows_that_are_none_are_refused(index: Path) -> None:
    rows = dict(table_rows(index.read_bytes()))
    for change, reason in (
        ({b"bert/\xff": rows[b"empty"]}, "a name is not UTF-8"),
        ({b"empty": rows[b"empty"][:-2]}, "an entry is cut off"),
        ({b"empty": b"\x0b"}, "an entry is no protocol buffer"),
        ({b"": b""}, "it does not say how many shards there are"),
    ):
        index.write_bytes(table(rows | change))
        assert said(index) == f"cannot read {index}: {reason}"


def test_a_missing_shard_is_named(index: Path) -> None:
    shard = index.with_name("model.ckpt.data-00001-of-00002")
    shard.unlink()
    assert said(index) == f"there is no {shard}"


def test_a_short_shard_is_found_before_it_is_read(index: Path) -> None:
    shard = index.with_name("model.ckpt.data-00000-of-00002")
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-3])
    error = refusal(lambda: read_bundle(index))
    assert error.message == f"{shard} has {size - 3} bytes, its index says {size}"
