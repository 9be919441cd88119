"""Networks that are too large for one GPU: spread over all of them, by accelerate's device map."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from textgen.errors import TextgenError
from textgen.models.place import CUDA

PACKAGE = "accelerate"
WITH_CACHES = 1.2  # of the weights, what a network takes with the texts that it writes


def device_map(needed: int) -> str | None:
    """How the parts of a network are to be placed, as transformers has it; None puts it on one device.

    Args:
        needed: Bytes of its weights.

    Raises:
        TextgenError: It takes several GPUs, and the package that places its parts is not installed.
    """
    if torch.get_default_device().type != CUDA or torch.cuda.device_count() < 2:
        return None
    free, _ = torch.cuda.mem_get_info()
    if WITH_CACHES * needed <= free:
        return None
    if find_spec(PACKAGE) is None:
        raise TextgenError(
            "a model of {needed} GB takes several GPUs and the package {package}",
            needed=f"{needed / 1e9:.1f}",
            package=PACKAGE,
            hint="pip install 'textgen-zh[gpus]'",
        )
    return "auto"
