"""The `tokenizer.json` of the `tokenizers` library, so read that no text becomes a symbol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from textgen.errors import ModelError
from textgen.tokenizers.base import ABSENT

_SYMBOL = re.compile(r"[<\[].*[>\]]", re.DOTALL)
_HIDDEN = "\U0010ffff{id}\U0010fffe"  # two noncharacters: a name that no text has


@dataclass(frozen=True)
class TokenizerFile:
    """What such a file holds.

    Attributes:
        engine: Encodes texts; it has symbols under other names, so that a text never spells one.
        tokens: The names of the learnt tokens by id, symbols and added tokens aside.
        added: The tokens that were added as plain text, by id.
        symbols: The ids of the others by name.
        unknown: The id of what has no token; `ABSENT` if there is none.
        kinds: The types of its parts: of the model, the normaliser, the decoder, ...
    """

    engine: Tokenizer
    tokens: dict[int, str]
    added: dict[int, str]
    symbols: dict[str, int]
    unknown: int
    kinds: frozenset[str]


def read_tokenizer_json(path: Path) -> TokenizerFile:
    """Read a `tokenizer.json` without its limits of length, its padding and its frame of symbols.

    A token that was added is a symbol if the file says so, or if it is put in brackets (`<think>`).

    Raises:
        ModelError: The file cannot be read, or is of a kind that has no ids.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _taken_apart(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(
            path, error.strerror if isinstance(error, OSError) else "it is no tokenizer"
        ) from None
    except Exception as error:  # the library raises nothing narrower
        raise unreadable(path, str(error).splitlines()[0]) from None


def unreadable(path: Path, reason: object) -> ModelError:
    """The error of a tokenizer's file."""
    message = "cannot read the tokenizer {path}: {reason}"
    return ModelError(message, path=path, reason=reason, hint="is the file whole?")


def _taken_apart(data: dict[str, Any]) -> TokenizerFile:
    kinds = frozenset(_kinds(data))
    added = {token["id"]: token for token in data.get("added_tokens") or []}
    symbols = {
        token["content"]: i
        for i, token in added.items()
        if token.get("special") or _SYMBOL.fullmatch(token["content"])
    }
    for i in symbols.values():
        # left out it would move the ids of those behind it
        added[i].update(content=_HIDDEN.format(id=i), special=True, normalized=False)
    unknown = _unknown(data["model"])
    tokens = _hide(data["model"], symbols)
    data |= {"truncation": None, "padding": None, "post_processor": None}
    plain = {i: token["content"] for i, token in added.items() if i not in symbols.values()}
    known = {i: name for i, name in tokens.items() if i not in added}
    return TokenizerFile(Tokenizer.from_str(json.dumps(data)), known, plain, symbols, unknown, kinds)


def _unknown(model: dict[str, Any]) -> int:
    if isinstance(model["vocab"], list):
        found = model.get("unk_id")
        return ABSENT if found is None else int(found)
    return int(model["vocab"].get(model.get("unk_token"), ABSENT))


def _hide(model: dict[str, Any], symbols: dict[str, int]) -> dict[int, str]:
    """Give the symbols in a model's vocabulary other names; its own names by id."""
    model["dropout"] = None  # the same text, the same ids
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        tokens = {i: name for i, (name, _) in enumerate(vocabulary)}
        for i in symbols.values():
            if i < len(vocabulary):
                vocabulary[i][0] = _HIDDEN.format(id=i)
        return tokens
    tokens = {i: name for name, i in vocabulary.items()}
    for name, i in symbols.items():
        if vocabulary.get(name) == i:
            vocabulary[_HIDDEN.format(id=i)] = vocabulary.pop(name)
    if model.get("unk_token") in symbols:
        model["unk_token"] = _HIDDEN.format(id=symbols[model["unk_token"]])
    return tokens


def _kinds(part: object) -> Iterator[str]:
    """The types of all parts of a file, at any depth; not of its vocabulary, which is large."""
    if isinstance(part, dict):
        if isinstance(part.get("type"), str):
            yield part["type"]
        for name, inner in part.items():
            if name not in ("vocab", "merges", "added_tokens"):
                yield from _kinds(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _kinds(inner)
