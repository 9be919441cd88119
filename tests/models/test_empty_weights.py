"""Networks are built without values, and without what torch imports only to make some."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rnn import SIZES

from textgen.models.empty_weights import unfilled
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.gpt2 import Gpt2, Gpt2Config
from textgen.models.families.rnn_title import RnnTitle, RnnTitleConfig
from textgen.store.catalog import embedded_names

ARTICLE = "本市图书馆昨天宣布，从下月起延长夜间开放时间。"
# what `import torch` does not import by itself, and takes seconds
HEAVY = ("torch._dynamo", "torch._inductor", "torch.distributed", "torch.onnx", "sympy", "transformers")
# every command that generates, on small models that stand in the place of the embedded ones
SCRIPT = """
import io, json, sys
from contextlib import redirect_stdout
from pathlib import Path
import torch
alone = set(sys.modules)
from textgen.store import catalog
catalog.models_dir = lambda: Path(sys.argv[1])
from textgen.cli.main import run
told = []
for command in json.loads(sys.argv[2]):
    with redirect_stdout(io.StringIO()):
        code = run([*command, "--quiet"])
    told.append([code, sorted(set(sys.modules) - alone)])
print(json.dumps(told))
"""
STEPS = ("--steps", "2", "--seed", "1")
COMMANDS = {
    "title": ["title", "a.txt", "--max-new-tokens", "3"],
    "gpt2": ["sample", "春天", "--seed", "1", "--max-new-tokens", "3"],
    "bert": ["sample", "--model", "bert", "--seed", "1", "--length", "4", "--sweeps", "1"],
    "compose": ["compose", "春天", "--length", "2-24", *STEPS],
    "rewrite": ["rewrite", ARTICLE, *STEPS],
    "correct": ["correct", ARTICLE, *STEPS],
    "fill": ["fill", "春天___花开", *STEPS],
}


@pytest.mark.parametrize(
    "build",
    [
        lambda: Gpt2(Gpt2Config(50, 8, 1, 2, 9, 1e-5)),
        lambda: Bert(BertConfig(50, 8, 1, 2, 16, 9, 2, 1e-5)),
        lambda: RnnTitle(RnnTitleConfig(**SIZES)),
    ],
)
def test_a_network_has_its_shapes_and_draws_nothing(build: Callable[[], Any]) -> None:
    shapes = {name: tensor.shape for name, tensor in build().state_dict().items()}
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with unfilled():
        network = build()
    assert torch.equal(torch.get_rng_state(), before)
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == shapes
    assert all(tensor.is_meta for tensor in network.state_dict().values())


def test_generating_imports_nothing_heavy_beyond_torch(
    make_folder: Callable[..., Any], tmp_path: Path
) -> None:
    for kind in embedded_names():
        folder = make_folder(kind)
        folder.path.rename(tmp_path / kind)
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps([*COMMANDS.values()])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    for name, (code, imported) in zip(COMMANDS, json.loads(done.stdout), strict=True):
        assert code == 0, done.stderr
        assert imported, name
        assert not [module for module in imported if module.startswith(HEAVY)], name
