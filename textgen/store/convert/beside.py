"""What lies beside a checkpoint: the config, which says how many heads there are, and the tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from textgen.errors import ModelError
from textgen.files.small_files import read_json, read_small
from textgen.store.checkpoint import CONFIG

CONFIGS = ("bert_config.json", CONFIG)  # before others
HEADS = ("num_attention_heads", "heads_num", "n_head")
VOCABULARY = "vocab.txt"
COPIED = (
    VOCABULARY,
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "sentencepiece.model",
    "spiece.model",
    "spiece.vocab",
    "generation_config.json",
    "chat_template.jinja",
    "README.md",
    "LICENSE",
)
SAYS_NOTHING = (
    "tokenizer_config.json",
    "generation_config.json",
    "README.md",
    "LICENSE",
    "chat_template.jinja",
)


def config_beside(folder: Path) -> dict[str, Any]:
    """The config of a checkpoint in a folder: the JSON file that says how many heads there are.

    Returns:
        It, with that number as `num_attention_heads`.

    Raises:
        ModelError: There is none, or several.
    """
    found = dict(_configs(folder))
    name = next((name for name in CONFIGS if name in found), None)
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name is None:
        raise ModelError(
            "{folder} has several configs: {names}" if found else "{folder} has no config of the model",
            folder=folder,
            names=sorted(found),
            hint="put its bert_config.json beside the checkpoint, which says how many heads it has",
        )
    heads = next(found[name][key] for key in HEADS if key in found[name])
    if not isinstance(heads, int) or heads < 1:
        hint = "does it belong to the checkpoint?"
        raise ModelError("{path}: heads cannot be {heads}", path=folder / name, heads=repr(heads), hint=hint)
    return found[name] | {"num_attention_heads": heads}


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object of a file. Raises ModelError if it is none."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "it has to lie beside the weights"
        raise ModelError("cannot read {path}: {reason}", path=path, reason=reason, hint=hint) from None
    if not isinstance(content, dict):
        raise ModelError("{path} is not a JSON object", path=path, hint="is it a model's config?")
    return content


def files_beside(folder: Path) -> dict[str, Path]:
    """The files beside a checkpoint that belong to it, by the names that they are to have."""
    files = {name: folder / name for name in COPIED if (folder / name).is_file()}
    lists = sorted(folder.glob("*vocab*.txt"))
    if VOCABULARY not in files and len(lists) == 1:
        files[VOCABULARY] = lists[0]
    return files


def has_tokenizer(files: Mapping[str, Path]) -> bool:
    """Whether one of the files is a vocabulary."""
    return any(name not in SAYS_NOTHING for name in files)


def words_of(path: Path) -> dict[str, int]:
    """The words of a `vocab.txt`, and their ids. Raises ModelError if it cannot be read."""
    try:
        # some words are line separators of Unicode: only \n ends a line
        lines = read_small(path).decode("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        hint = "is it the vocabulary of the model?"
        raise ModelError("cannot read {path}: {reason}", path=path, reason=reason, hint=hint) from None
    return {line.removesuffix("\r"): number for number, line in enumerate(lines)}


def _configs(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        try:
            content = read_json(path)
        except (OSError, ValueError):
            continue  # it is none; that of the model may lie beside it
        if isinstance(content, dict) and any(key in content for key in HEADS):
            yield path.name, content
