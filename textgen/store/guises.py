"""Networks under the name of another in config.json: told by tensors that the other does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

GPT2, GPT2_ML = "gpt2", "gpt2-ml"
NORM = "emb_norm.weight"  # of embeddings, which a GPT-2 does not normalise


def true_config(config: Mapping[str, Any], names: Callable[[], Iterable[str]]) -> dict[str, Any]:
    """The config of the network that a checkpoint's tensors are of.

    GPT2-ML was converted to PyTorch with the config of a GPT-2, which would compute other texts of it.

    Args:
        config: What config.json says.
        names: Gives the names of the tensors; asked only where the config leaves a doubt.
    """
    if config.get("model_type") != GPT2 or not any(name.endswith(NORM) for name in names()):
        return dict(config)
    width = config.get("n_embd")
    inner = config.get("n_inner") or (4 * width if isinstance(width, int) else None)
    kept = {name: value for name, value in config.items() if name != "architectures"}
    return kept | {"model_type": GPT2_ML, "n_inner": inner}
