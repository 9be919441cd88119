"""A row that the filters leave nothing to write is an error of its own, not the end of a batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from each_option import each_strategy
from safetensors.torch import save_file

import textgen
from textgen.errors import DataError
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.options import ContinueOptions
from textgen.resources import models_dir

CONFIG = {
    "model_type": "gpt2",
    "vocab_size": 8192,
    "n_embd": 16,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": 64,
    "layer_norm_epsilon": 1e-5,
}
# behind 秋 comes nothing, behind 冬 only 夏, and 夏 may follow itself
AVOID = ("秋春", "秋夏", "冬春", "春春", "夏春")


@pytest.fixture(scope="module")
def two_words(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random GPT-2 that may write 春, 夏 and the end."""
    folder: Path = tmp_path_factory.mktemp("tiny")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    network = Gpt2(Gpt2Config.from_dict(CONFIG))
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: 0.1 * torch.randn(weight.shape, generator=generator)
        for name, weight in network.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors")
    shutil.copy(models_dir() / "tokenizer" / "zh8k.model", folder / "tokenizer.model")
    backend = textgen.load(str(folder))
    backend.allowed[:] = False
    backend.allowed[[*backend.tokenizer.encode("春夏"), backend.tokenizer.specials.eos]] = True
    return backend


@pytest.mark.parametrize("options", each_strategy(ContinueOptions), ids=str)
def test_it_is_that_row_only(two_words: Any, options: dict[str, Any]) -> None:
    options = {"avoid": AVOID, "max_new_tokens": 4} | options
    bad, good = two_words.generate(["秋", "冬"], **options)
    assert bad.error == "the filters leave nothing to write (loosen avoid)"
    assert bad.candidates == []
    assert good.error is None
    assert {candidate.text[1] for candidate in good.candidates} == {"夏"}
    assert good.candidates == two_words.generate("冬", **options)[0].candidates


def test_some_draws_may_get_stuck(two_words: Any) -> None:
    options = {"seed": 3, "num_candidates": 16, "max_new_tokens": 4, "min_new_tokens": 3}
    (record,) = two_words.generate("", avoid=("春春", "春夏"), **options)
    assert record.error is None
    assert 0 < len(record.candidates) < 16
    assert all("春" not in candidate.text[:-1] for candidate in record.candidates)
    told = f"{len(record.candidates)} of 16 texts: the filters left the others nothing to write"
    assert told in record.notes
    (whole,) = two_words.generate("", **options)
    assert not any("filters" in note for note in whole.notes)


def test_a_stream_says_so(two_words: Any) -> None:
    with pytest.raises(DataError) as caught:
        list(two_words.stream("秋", avoid=AVOID, seed=1, max_new_tokens=3, no_repeat_ngram=2))
    line = caught.value.line.spelled(lambda name: f"--{name}")
    assert line == "the filters leave nothing to write (loosen --avoid, --no_repeat_ngram)"
    assert "".join(two_words.stream("冬", avoid=AVOID, seed=1, max_new_tokens=3)).startswith("夏")
