"""Weights on disk: safetensors, int8 by rows or floating point.

Row storage keeps a matrix as int8 `q` and one float16 scale a row beside it, `W = q * scale[:, None]`;
vectors are float16. Tied matrices are left out.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from textgen.errors import ModelError

SCALE = ".scale"


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file in float32, rows dequantised.

    Raises:
        ModelError: The file is missing or broken, or an int8 matrix lacks its scales.
    """
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}", hint="is the file whole?") from None
    return {name: _dense(name, stored, path) for name in stored if not name.endswith(SCALE)}


def _dense(name: str, stored: dict[str, Tensor], path: Path) -> Tensor:
    tensor = stored[name]
    if tensor.dtype != torch.int8:
        return tensor.float()
    scale = stored.get(name + SCALE)
    if scale is None:
        raise ModelError(f"{path}: {name} is int8 but {name}{SCALE} is missing", hint="is the file whole?")
    return tensor.float().mul_(scale.float()[:, None])
