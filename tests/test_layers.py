"""Dependencies run one way, and nothing heavy or noisy sits where it should not."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "textgen"
# a room may import from rooms of its own level and below
LEVELS = [
    {"messages", "plugins", "version", "compute"},
    {"errors", "schema", "events", "rng", "resources"},
    {"commands"},
    {"registry"},
    {"text"},
    {"options"},
    {"files"},
    {"tokenizers"},
    {"models"},
    {"store"},
    {"metrics"},
    {"choice"},
    {"decoding", "mcmc"},
    {"backends"},
    {"batch"},
    {"train"},
    {"cli"},
    {"__init__", "__main__"},
]
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    own = LEVEL[room(path)]
    ours = [name.split(".") for name in imports(path) if name.startswith("textgen.")]
    above = [".".join(parts) for parts in ours if LEVEL[parts[1]] > own]
    assert not above or path == ROOT / "__init__.py"  # where one enters


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_keep_to_their_libraries(path):
    names = {name.split(".")[0] for name in imports(path)}
    if room(path) in ("text", "errors", "schema", "events", "rng", "resources", "options", "files"):
        assert not names & {"torch", "transformers", "tokenizers"}
    if room(path) != "cli":
        assert not names & {"typer", "rich"}
    assert "transformers" not in names, "nothing embedded needs it"


def test_the_root_and_the_commands_import_nothing_heavy():
    for path in [ROOT / "__init__.py", *(ROOT / "cli").rglob("*.py")]:
        names = {name.split(".")[0] for name in imports(path, top_level=True)}
        assert not names & {"torch", "safetensors", "sentencepiece", "rich", "sacrebleu", "jieba"}


@pytest.mark.parametrize("name", ["overlap", "copying", "tally", "diversity", "tables"])
def test_metrics_that_others_use_import_nothing_heavy(name):
    names = {name.split(".")[0] for name in imports(ROOT / "metrics" / f"{name}.py")}
    assert not names & {"torch", "sacrebleu", "jieba"}


def test_modules_stay_small():
    long = {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 320}
    assert not long
