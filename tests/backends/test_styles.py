"""Sampling by style: tiny models that know styles, against plain ones into which one style was folded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import BERT, GPT2, network_of, save
from torch import Tensor

import textgen
from textgen.backends.registry import editor_class
from textgen.cli.main import run
from textgen.errors import UsageError
from textgen.models.layers.conditional_norm import Condition, ConditionalLayerNorm, add_condition
from textgen.store.catalog import find_model

STYLES = ("诗歌", "新闻")
PROMPTS = ["", "春天", "一二三四五六七八九十" * 2, "He said "]
WRITING: list[dict[str, Any]] = [
    {"seed": 5, "num_candidates": 3, "end_at": "any"},
    {"decode": "greedy", "end_at": "any"},
    {"decode": "beam", "num_candidates": 2, "keyword": ("山",)},
    {"decode": "stochastic", "seed": 5},
]
CHAINS: list[dict[str, Any]] = [
    {"num_candidates": 2},
    {"method": "mh", "energy": "raw"},
    {"method": "mh", "energy": "local", "scan": "block"},
    {"method": "anneal"},
]
SHORT = {"max_new_tokens": 6}
CHAIN = {"seed": 4, "sweeps": 3, "length": "4-6"}


def styled(config: dict[str, Any]) -> tuple[Any, Condition]:
    """The same with styles that have been learnt."""
    network = network_of(config)
    condition = add_condition(network, STYLES, 4)
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, ConditionalLayerNorm):
            module.gain.data.copy_(torch.randn(module.gain.shape, generator=generator))
            module.shift.data.copy_(torch.randn(module.shift.shape, generator=generator))
    return network.requires_grad_(False), condition


def folded(config: dict[str, Any], style: int) -> Any:
    """A plain network, the constants of one style added to its norms."""
    network, condition = styled(config)
    c = condition.embedding.weight[style]
    norms = {n: m for n, m in network.named_modules() if isinstance(m, ConditionalLayerNorm)}
    plain = network_of(config)
    for name, norm in norms.items():
        plain.get_submodule(name).weight.data = norm.weight + norm.gain @ c
        plain.get_submodule(name).bias.data = norm.bias + norm.shift @ c
    return plain


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of a GPT-2 and a BERT with styles, and of a GPT-2 without any."""
    path = tmp_path_factory.mktemp("models")
    names = {"styles": list(STYLES), "condition_size": 4}
    return {
        "gpt2": save(styled(GPT2)[0], GPT2 | names, path / "gpt2"),
        "bert": save(styled(BERT)[0], BERT | names, path / "bert"),
        "plain": save(network_of(GPT2), GPT2, path / "plain"),
    }


@pytest.fixture(scope="module")
def gpt2(folders: dict[str, Path]) -> Any:
    return textgen.load(str(folders["gpt2"]), precision="fp32")


@pytest.fixture(scope="module")
def bert(folders: dict[str, Path]) -> Any:
    return textgen.load(str(folders["bert"]), precision="fp32")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line and returns (exit code, stdout, stderr)."""

    def call(*args: object) -> tuple[int, str, str]:
        code = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


class Reread:
    """A GPT-2 by the formula: all is read again for every token, by two plain networks."""

    def __init__(self, style: int, weight: float) -> None:
        self.styled, self.null, self.weight = folded(GPT2, style), folded(GPT2, len(STYLES)), weight
        self.positions, self.vocab_size = self.styled.positions, self.styled.vocab_size

    def start(self, sources: list[list[int]]) -> Rows:
        return Rows([list(source) for source in sources])

    def step(self, state: Rows, tokens: Tensor) -> Tensor:
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: Rows, tokens: Tensor) -> Tensor:
        state.ids = [[*row, *new] for row, new in zip(state.ids, tokens.tolist(), strict=True)]
        found = []
        for row in state.ids:
            of_style, of_none = (net(torch.tensor([row]))[0] for net in (self.styled, self.null))
            both = (1 + self.weight) * of_style.log_softmax(-1) - self.weight * of_none.log_softmax(-1)
            found.append(both[-tokens.shape[1] :])
        return torch.stack(found)


class Rows:
    """What was written."""

    def __init__(self, ids: list[list[int]]) -> None:
        self.ids = ids

    def select(self, rows: Tensor) -> Rows:
        return Rows([self.ids[row] for row in rows.tolist()])

    def repeat(self, n: int) -> Rows:
        return Rows([row for row in self.ids for _ in range(n)])


class Refill:
    """A BERT by the formula, by two plain networks."""

    def __init__(self, style: int, weight: float) -> None:
        self.styled, self.null, self.weight = folded(BERT, style), folded(BERT, len(STYLES)), weight
        self.positions, self.vocab_size = self.styled.positions, self.styled.vocab_size

    def masked_logits(self, *given: Tensor) -> Tensor:
        of_style, of_none = (net.masked_logits(*given) for net in (self.styled, self.null))
        wanted: Tensor = (1 + self.weight) * of_style - self.weight * of_none
        return wanted


def agree(found: list[Any], wanted: list[Any]) -> None:
    """Records say the same, numbers but for their last digits."""
    assert all(record.error is None for record in (*found, *wanted))
    ours, theirs = ([c for record in records for c in record.candidates] for records in (found, wanted))
    assert [(c.text, c.finish_reason) for c in ours] == [(c.text, c.finish_reason) for c in theirs]
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-3)


def numbers(candidates: list[Any]) -> list[float]:
    found = [number for c in candidates for number in (c.score, c.logprob, c.chain and c.chain.log_target)]
    return [number for number in found if number is not None]


@pytest.mark.parametrize("guidance", [pytest.param(0.0, marks=pytest.mark.slow), 1.5])
@pytest.mark.parametrize("options", WRITING, ids=str)
def test_a_gpt2_writes_in_its_style(
    gpt2: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], guidance: float
) -> None:
    found = gpt2.generate(PROMPTS, style="新闻", guidance=guidance, **SHORT, **options)
    free = gpt2.generate(PROMPTS, **SHORT, **options)
    with monkeypatch.context() as patch:
        patch.setattr(gpt2, "network", Reread(1, guidance))
        agree(found, gpt2.generate(PROMPTS, **SHORT, **options))
        patch.setattr(gpt2, "network", Reread(len(STYLES), 0.0))
        agree(free, gpt2.generate(PROMPTS, **SHORT, **options))
    assert [r.candidates for r in found] != [r.candidates for r in free]
    alone = [gpt2.generate(p, style="新闻", guidance=guidance, **SHORT, **options)[0] for p in PROMPTS]
    assert [r.candidates for r in alone] == [r.candidates for r in found]  # bit for bit


def test_a_gpt2_searches_contrastively_in_its_style(gpt2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = gpt2.generate(PROMPTS, style="新闻", decode="contrastive", **SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(gpt2, "network", folded(GPT2, 1))
        agree(found, gpt2.generate(PROMPTS, decode="contrastive", **SHORT))


@pytest.mark.parametrize("method", ["mh", "anneal"])
def test_sentences_around_words_are_in_the_style(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Both the search and the chain's target are those of the network with the style folded in."""
    model = find_model(str(folders["gpt2"]), "fp32")
    compose = editor_class("compose").open(model)
    options = {"proposals": str(folders["plain"]), "method": method, "steps": 5, "seed": 2, "length": "2-6"}
    row = textgen.Row("", keywords=("山",))
    found = compose.generate([row], style="新闻", **options)
    free = compose.generate([row], **options)
    assert found[0].candidates != free[0].candidates
    with monkeypatch.context() as patch:
        patch.setattr("textgen.backends.editing.compose.with_style", lambda *_, **__: folded(GPT2, 1))
        agree(found, compose.generate([row], style="诗歌", **options))


@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_streams_are_what_generate_writes(gpt2: Any, guidance: float) -> None:
    options = {"seed": 7, "style": "诗歌", "guidance": guidance} | SHORT
    [record] = gpt2.generate("春天", **options)
    first, second = gpt2.stream("春天", **options), gpt2.stream("春天", **options | {"style": "新闻"})
    parts = []
    for part in first:  # another style is written in between
        parts.append(part)
        next(second, None)
    assert "春天" + "".join(parts) == record.candidates[0].text


@pytest.mark.parametrize("guidance", [pytest.param(0.0, marks=pytest.mark.slow), 1.5])
@pytest.mark.parametrize("options", CHAINS, ids=str)
def test_a_bert_samples_in_its_style(
    bert: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], guidance: float
) -> None:
    """Its energies and pseudo-likelihoods are those of the guided logits."""
    found = bert.generate("", style="新闻", guidance=guidance, **CHAIN, **options)
    free = bert.generate("", **CHAIN, **options)
    with monkeypatch.context() as patch:
        patch.setattr(bert, "network", Refill(1, guidance))
        agree(found, bert.generate("", **CHAIN, **options))
        patch.setattr(bert, "network", Refill(len(STYLES), 0.0))
        agree(free, bert.generate("", **CHAIN, **options))
    assert found[0].candidates != free[0].candidates
    assert bert.generate("", style="新闻", guidance=guidance, batch_size=1, **CHAIN, **options) == found


def test_the_command_line_samples_by_style(call: Any, folders: dict[str, Path], gpt2: Any, bert: Any) -> None:
    flags = ("--style", "诗歌", "--guidance", 1.5, "--seed", 3, "--precision", "fp32", "--json")
    for kind, backend, more in (("gpt2", gpt2, SHORT), ("bert", bert, {"sweeps": 2, "burn_in": 0})):
        options = [part for name, value in more.items() for part in (f"--{name.replace('_', '-')}", value)]
        code, out, _ = call("sample", "春天来", "-m", folders[kind], *flags, *options)
        assert code == 0
        [candidate] = json.loads(out)["candidates"]
        record = backend.generate("春天来", style="诗歌", guidance=1.5, seed=3, **more)[0]
        assert candidate["text"] == record.candidates[0].text
        assert candidate["score"] == pytest.approx(record.candidates[0].score, abs=1e-4)
        other = backend.generate("春天来", style="新闻", guidance=1.5, seed=3, **more)[0]
        assert candidate["text"] != other.candidates[0].text


def test_the_command_line_streams_by_style(call: Any, folders: dict[str, Path], gpt2: Any) -> None:
    flags = (
        "--style",
        "诗歌",
        "--guidance",
        1.5,
        "--seed",
        3,
        "--precision",
        "fp32",
        "--max-new-tokens",
        6,
        "--stream",
    )
    code, out, _ = call("sample", "春天来", "-m", folders["gpt2"], *flags)
    assert code == 0
    record = gpt2.generate("春天来", style="诗歌", guidance=1.5, seed=3, **SHORT)[0]
    assert out == record.candidates[0].text + "\n"


def test_several_processes_write_in_the_style(
    call: Any, folders: dict[str, Path], gpt2: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("春天\n夏天\n秋天\n", encoding="utf-8")
    flags = (
        "--style",
        "新闻",
        "--guidance",
        1,
        "--seed",
        3,
        "--precision",
        "fp32",
        "--max-new-tokens",
        6,
        "--batch-size",
        1,
    )
    files = ("-i", tmp_path / "in.txt", "-o", tmp_path / "out.jsonl")
    code, _, _ = call("sample", "-m", folders["gpt2"], *flags, *files, "--workers", 2)
    assert code == 0
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [textgen.Row(text, name=str(n)) for n, text in enumerate(("春天", "夏天", "秋天"), 1)]
    records = gpt2.generate(rows, style="新闻", guidance=1.0, seed=3, **SHORT)
    assert [json.loads(line)["candidates"][0]["text"] for line in lines] == [
        record.candidates[0].text for record in records
    ]


@pytest.mark.parametrize(
    ("model", "flags", "told"),
    [
        ("plain", ("--style", "诗歌"), "knows no styles (the recipe conditional trains one that does)"),
        ("gpt2", ("--style", "诗"), "there is no style 诗 (did you mean 诗歌? the model knows 诗歌, 新闻)"),
        ("bert", ("--style", "评论"), "there is no style 评论 (the model knows 诗歌, 新闻)"),
        ("gpt2", ("--style", "诗", "--stream"), "there is no style 诗"),
        ("gpt2", ("--style", ""), "--style"),
        ("gpt2", ("--guidance", 1.5), "--guidance needs --style"),
        ("bert", ("--guidance", 0), "--guidance needs --style"),
        (
            "gpt2",
            ("--style", "诗歌", "--guidance", -1),
            "--guidance -1.0: should be at least 0",
        ),
        (
            "bert",
            ("--style", "诗歌", "--guidance", 101),
            "--guidance 101.0: should be at most 100",
        ),
        ("gpt2", ("--style", "诗歌", "--guidance", "nan"), "--guidance nan: should be a finite number"),
        (
            "gpt2",
            ("--style", "诗歌", "--guidance", 1, "--decode", "contrastive"),
            "--guidance leaves --decode contrastive no hidden states to compare",
        ),
        ("cgmh", ("--keyword", "山", "--style", "诗歌"), "gpt2 knows no styles"),
        ("cgmh", ("--keyword", "山", "--guidance", 1), "--guidance does not apply to textgen compose"),
    ],
)
def test_refusals(
    call: Any, folders: dict[str, Path], model: str, flags: tuple[object, ...], told: str
) -> None:
    code, out, err = call("sample", "-m", folders.get(model, model), *flags)
    assert (code, out) == (2, "")
    *seed, line = err.splitlines()
    assert told in line
    assert len(seed) < 2


def test_refusals_of_the_library(gpt2: Any, bert: Any) -> None:
    for backend in (gpt2, bert):
        with pytest.raises(UsageError, match="there is no style 诗"):
            backend.generate("春天", style="诗")
        with pytest.raises(UsageError, match="guidance needs style"):
            backend.generate("春天", guidance=1.0)
    with pytest.raises(UsageError, match="there is no style 诗"):
        gpt2.stream("春天", style="诗")
