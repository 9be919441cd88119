"""Adapters of PEFT, such as LoRA: small weights trained beside a checkpoint, and merged into it for use."""

from __future__ import annotations

import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from textgen.errors import ModelError, UsageError
from textgen.messages import option
from textgen.store.catalog import ModelFiles
from textgen.store.checkpoint import ADAPTER_CONFIG, DAMAGED, read_object, refuse_stand_ins

ADAPTER_WEIGHTS = "adapter_model.safetensors"
OTHER_BASE = "was it trained on this model?"


def check_peft(name: str) -> None:
    """Refuse an option that needs peft where that is not installed. Raises UsageError."""
    if find_spec("peft") is None:
        raise UsageError("{option} needs peft", option=option(name), hint="pip install '.[train]'")


def with_adapter(files: ModelFiles, directory: str) -> ModelFiles:
    """A model with an adapter.

    Args:
        files: The model that the adapter was trained on.
        directory: That of the adapter.

    Raises:
        UsageError: There is no such directory, PEFT is not installed, or the model takes no adapters.
        ModelError: It is not an adapter's, or its weights are a pickle.
    """
    path = Path(directory).expanduser()
    if not path.is_dir():
        hint = "give the folder with adapter_config.json"
        raise UsageError("there is no directory {path}", path=directory, hint=hint)
    if files.family.loader is None:
        hint = "adapters go with checkpoints of other makes; train merges its own"
        raise UsageError("{@adapter} does not go with {name}", name=files.name, hint=hint)
    refuse_stand_ins(path)
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (path / name).is_file():
            hint = "an adapter has adapter_config.json and adapter_model.safetensors"
            raise ModelError("{path} has no {name}", path=path, name=name, hint=hint)
    check_peft("adapter")
    read_object(path / ADAPTER_CONFIG)
    return replace(files, adapter=path)


def merge_adapter(network: Any, path: Path) -> Any:
    """The network with an adapter's weights merged into its own.

    Raises:
        ModelError: The adapter is broken, or was trained on another model.
    """
    import peft

    try:
        # it warns of layers and settings that are checked below
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapted = peft.PeftModel.from_pretrained(
                network, str(path), is_trainable=False, local_files_only=True
            )
            found = peft.get_peft_model_state_dict(adapted)
            given = peft.load_peft_weights(str(path), device="cpu")
    except Exception as error:  # whatever a library says of files that are not what they should be
        reason = str(error).strip().split("\n")[0]
        hint = DAMAGED if isinstance(error, OSError | SafetensorError) else OTHER_BASE
        raise ModelError("cannot load {path}: {reason}", path=path, reason=reason, hint=hint) from error
    if missing := sorted(found.keys() ^ given.keys()):
        raise ModelError("{path} does not fit: {name}", path=path, name=missing[0], hint=OTHER_BASE)
    return adapted.merge_and_unload()
