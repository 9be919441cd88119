"""Imports go down, every name in a string is there, and nothing heavy sits where it should not."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from textgen.backends.base import Backend
from textgen.backends.registry import editor_class, editor_options
from textgen.commands import EDITING
from textgen.options import Options
from textgen.options.recipes import OPTIONS
from textgen.plugins import resolved
from textgen.train.recipes import recipe_class
from textgen.train.recipes.base import Recipe

ROOT = Path(__file__).parents[1] / "textgen"
TARGET = re.compile(r"textgen(?:\.\w+)+:\w+")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+|(?<![\w-])-[noiqh](?![\w-])")
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


def test_the_root_and_the_commands_import_nothing_heavy():
    for path in [ROOT / "__init__.py", *(ROOT / "cli").rglob("*.py")]:
        names = {name.split(".")[0] for name in imports(path, top_level=True)}
        assert not names & {"torch", "safetensors", "sentencepiece", "rich", "sacrebleu", "jieba"}


@pytest.mark.parametrize("name", ["overlap", "copying", "statistics", "diversity", "tables"])
def test_metrics_that_others_use_import_nothing_heavy(name):
    names = {name.split(".")[0] for name in imports(ROOT / "metrics" / f"{name}.py")}
    assert not names & {"torch", "sacrebleu", "jieba"}


def test_modules_stay_small():
    long = {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 320}
    assert not long


def test_the_contracts_of_imports_hold() -> None:
    """Rooms, circles and independence, as pyproject.toml has them."""
    assert lint_imports(config_filename=str(ROOT.parent / "pyproject.toml"), no_cache=True) == 0


def strings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_every_module_and_name_in_a_string_is_there() -> None:
    targets = {text for path in MODULES for text in strings(path) if TARGET.fullmatch(text)}
    assert len(targets) > 20
    for target in sorted(targets):
        assert resolved(target), target


def test_every_class_that_is_found_by_a_name_is_there() -> None:
    for command in EDITING:
        assert issubclass(editor_class(command), Backend)
        assert issubclass(editor_options(command), Options)
    for recipe in OPTIONS:
        assert issubclass(recipe_class(recipe), Recipe)
        assert recipe_class(recipe).name == recipe


def test_the_command_line_alone_spells_flags() -> None:
    spelled = {
        (str(path.relative_to(ROOT)), flag)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] != "cli"
        for text in strings(path)
        for flag in FLAG.findall(text)
    }
    assert not spelled


MESSAGES = {"UsageError", "DataError", "ModelError", "TextgenError", "OptionError", "Note", "Message"}


def made(function: ast.AST) -> dict[str, list[ast.expr]]:
    """What the local names of a function are set to."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def is_filled_in(node: ast.expr, local: dict[str, list[ast.expr]]) -> bool:
    """Whether a text has its values already, so that what they spell could be taken for a placeholder."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp):
        return is_filled_in(node.left, local) or is_filled_in(node.right, local)
    if isinstance(node, ast.IfExp):
        return is_filled_in(node.body, local) or is_filled_in(node.orelse, local)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join"}
    if isinstance(node, ast.Name):
        return any(is_filled_in(value, {}) for value in local.get(node.id, ()))
    return False


def test_messages_are_constant_templates() -> None:
    filled_in = []
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] in {"cli", "messages.py", "errors.py"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
            local = made(scope) if scope is not tree else {}
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MESSAGES:
                    parts = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "hint")]
                    filled_in += [(path.name, node.lineno) for part in parts if is_filled_in(part, local)]
    assert not sorted(set(filled_in))
