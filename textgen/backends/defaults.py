"""The defaults of sampling that a checkpoint brings along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textgen.models.views import LanguageModel
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import Checkpoint

# of generation_config.json, which calls them as we do; and what they may be
RANGES = {
    "temperature": (0.01, 10.0),
    "top_k": (0, 2**20),
    "top_p": (0.01, 1.0),
    "min_p": (0.0, 0.99),
    "repetition_penalty": (0.1, 10.0),
}


def with_defaults(files: ModelFiles, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a user gave, and behind them those by which the authors of a checkpoint sample.

    Args:
        files: The model. Only causal checkpoints of other makes have such defaults.
        given: The options that are set. With another strategy than sampling the checkpoint's do not apply.
    """
    foreign = files.family.loader is not None and files.family.offers(LanguageModel)
    if not foreign or given.get("decode", "sample") != "sample":
        return dict(given)
    listed = Checkpoint(files.path, files.config).generation
    found = {
        name: listed[name]
        for name, (least, most) in RANGES.items()
        if type(listed.get(name)) in (int, float) and least <= listed[name] <= most
    }
    return {**found, **given}
