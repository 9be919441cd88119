"""The records of families: true of the networks, and enough for those of other packages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from outsider.network import Bigram, BigramSizes
from outsider.records import BIGRAM
from small_titles import TOKENIZER

import textgen
from textgen import plugins
from textgen.backends.editing.proposals import proposer_of
from textgen.backends.registry import task_of
from textgen.errors import ModelError, UsageError
from textgen.models import families
from textgen.models.empty_weights import unfilled
from textgen.models.families import OWN, family_for, family_of
from textgen.models.family import Family
from textgen.models.views import (
    LanguageModel,
    MaskedLanguageModel,
    TitleModel,
    TitleRanker,
    TwoWayModel,
)
from textgen.plugins import PluginWarning, resolved
from textgen.store.catalog import find_model
from textgen.store.export import export_model, store_model
from textgen.store.load import load_model, load_tokenizer
from textgen.store.save import save_model

VIEWS = (LanguageModel, MaskedLanguageModel, TitleModel, TitleRanker, TwoWayModel)
BERT = {
    "model_type": "bert",
    "vocab_size": 64,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 16,
    "type_vocab_size": 3,
    "layer_norm_eps": 1e-12,
}
GPT2 = {
    "model_type": "gpt2",
    "vocab_size": 64,
    "n_embd": 8,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": 16,
    "layer_norm_epsilon": 1e-5,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": GPT2,
    "gpt2-ml": GPT2 | {"model_type": "gpt2-ml", "n_inner": 24},
    "bert": BERT,
    "nezha": BERT | {"model_type": "nezha", "max_relative_position": 4},
    "title": BERT | {"target_types": {"l2r": 1, "r2l": 2}},
    "roformer-title": BERT
    | {"model_type": "roformer", "embedding_size": 4, "target_types": {"l2r": 1, "r2l": 2}},
    "simbert": BERT | {"model_type": "simbert", "embedding_size": 4},
    "roformer-sim": BERT | {"model_type": "roformer-sim", "embedding_size": 8},
    "rnn-title": {
        "model_type": "rnn-title",
        "vocab_size": 64,
        "hidden_size": 8,
        "num_heads": 2,
        "modulation_size": 4,
        "source_length": 9,
        "prior": True,
    },
    "title-scorer": BERT | {"model_type": "title-scorer"},
}


@pytest.mark.parametrize("name", OWN)
def test_a_record_is_true_of_its_network(name: str) -> None:
    config, family = CONFIGS[name], OWN[name]
    assert family_for(config) is family is family_of(name)
    assert name in repr(family)
    with unfilled():
        network: Any = family.build(config, load_tokenizer(find_model("title")).specials, Path("config.json"))
    assert isinstance(network, resolved(str(family.network)))
    assert network.vocab_size == 64
    assert network.embedding.num_embeddings == 64
    assert {view for view in VIEWS if isinstance(network, view)} == set(filter(family.offers, VIEWS))
    assert getattr(network, "positions", None) in (None, family.size(config, "positions"))
    assert all(tensor.startswith(family.prefix) or family.prior for tensor in network.state_dict())
    for target in filter(None, (family.sizes, family.builder, family.sequences)):
        assert callable(resolved(target))


def test_records_need_no_torch() -> None:
    code = "import sys; from textgen.models.families import OWN; assert OWN; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Entry:
    def __init__(self, name: str, record: object) -> None:
        self.name, self.value, self.dist, self.record = name, "outsider.records:BIGRAM", None, record

    def load(self) -> object:
        return self.record


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let entry points be installed, for one test."""

    def put(*entries: Entry) -> None:
        found = {"textgen.families": list(entries)}
        monkeypatch.setattr(plugins, "entry_points", lambda group: found.get(group, []))
        families.installed.cache_clear()

    yield put
    families.installed.cache_clear()


@pytest.fixture
def bigram(install: Callable[..., None], tmp_path: Path) -> Path:
    """The folder of a model of an installed family."""
    install(Entry("bigram", BIGRAM))
    network = Bigram(BigramSizes(8192, 4, 64))
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        parameter.data.normal_(generator=generator)
    config = {"model_type": "bigram", "vocab_size": 8192, "width": 4, "span": 64, "order": 2}
    save_model(tmp_path / "toy", network, config, TOKENIZER, storage="fp32")
    return tmp_path / "toy"


def test_an_installed_family_loads_and_writes(bigram: Path) -> None:
    files = find_model(str(bigram))
    assert (files.kind, files.positions, task_of(files.kind)) == ("bigram", 64, "sample")
    model = load_model(files)
    assert isinstance(model.network, Bigram)
    assert proposer_of(model).longest == 64
    backend = textgen.load(str(bigram))
    (greedy,) = backend.generate(["春天"], decode="greedy", end_at="any", max_new_tokens=4)
    ids = model.tokenizer.encode("春天")
    logits = model.network.step(None, torch.tensor(ids[-1:]))[0].masked_fill(~backend.allowed, -torch.inf)
    first = model.tokenizer.decode([int(logits.argmax())])
    assert greedy.candidates[0].text.startswith("春天" + first)


def test_an_installed_family_is_exported_as_it_says(bigram: Path, tmp_path: Path) -> None:
    files = find_model(str(bigram))
    list(export_model(files, tmp_path / "out", "fp32"))
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["BigramLM"]
    limit = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert limit["model_max_length"] == 64
    list(store_model(files, tmp_path / "again", "fp32"))
    again = load_model(find_model(str(tmp_path / "again"))).network
    assert all(map(torch.equal, again.parameters(), load_model(files).network.parameters()))


def test_what_an_installed_family_does_not_compute_is_refused(bigram: Path) -> None:
    file = bigram / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    for wrong, words in ((config | {"order": 3}, "order 3"), (config | {"width": 0}, "width cannot be 0")):
        file.write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(ModelError, match=words):
            load_model(find_model(str(bigram)))


def test_records_that_cannot_be_used_are_left_out_with_a_warning(
    install: Callable[..., None], tmp_path: Path
) -> None:
    install(Entry("gpt2", BIGRAM), Entry("other", object()))
    with pytest.warns(PluginWarning) as caught:
        assert family_of("bigram") == Family("bigram")
    assert [str(one.message).split(": ")[-1] for one in caught] == ["the name is taken", "it is no Family"]


def test_a_kind_without_a_family_has_no_network(install: Callable[..., None], bigram: Path) -> None:
    install()
    files = find_model(str(bigram))
    assert files.kind == "bigram"
    with pytest.raises(ModelError, match="no network for bigram models"):
        load_model(files)
    with pytest.raises(ModelError, match="no backend serves models of kind 'bigram'"):
        textgen.load(str(bigram))
    with pytest.raises(UsageError, match="is a bigram model"):
        list(export_model(files, bigram.parent / "out"))
