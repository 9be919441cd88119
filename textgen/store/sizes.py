"""The sizes that config files of other makes name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIZES = {  # what config files call them
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
    "width": ("hidden_size", "n_embd", "d_model"),
    "positions": ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_sequence_length"),
}
UNBOUNDED = 1024  # positions of a network that has relative ones only
RESERVED_POSITIONS = {"roberta": 2, "xlm-roberta": 2, "camembert": 2}  # taken by padding


def positions_of(config: Mapping[str, Any]) -> int:
    """Most ids that the network of a config reads and writes together."""
    found = size_of(config, "positions") or UNBOUNDED
    return found - RESERVED_POSITIONS.get(str(config.get("model_type")), 0)


def size_of(config: Mapping[str, Any], name: str) -> int | None:
    """A size that a config names; None if it names none."""
    return next((config[key] for key in SIZES[name] if isinstance(config.get(key), int)), None)
