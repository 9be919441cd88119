"""A small title model that was trained, and the folder of the user's models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from added_models import SIZES, TOKENIZER

from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior
from textgen.store.save import save_model


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models; there is none yet."""
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "data" / "shelf"))
    return tmp_path / "data" / "shelf"


@pytest.fixture
def trained(tmp_path: Path, shelf: Path) -> Path:
    """The directory of a small title model, as training leaves it."""
    torch.manual_seed(1)
    network = UniLM(Bert(BertConfig.from_dict(SIZES)), CopyPrior(8192), {7: 1, 8: 1})
    config = SIZES | {"model_type": "bert", "target_types": {"l2r": 1, "r2l": 1}}
    save_model(tmp_path / "run-17", network, config, TOKENIZER, storage="fp32")
    return tmp_path / "run-17"
