"""The vocabulary in a checkpoint's files: of which kind it is, and which id a token has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgen.errors import ModelError
from textgen.store.checkpoint import DAMAGED, SPIECES, Checkpoint, check_ids, read_object, taken_apart

WORDPIECE, WORDS, BYTE_LEVEL, SENTENCEPIECE, CPM = "wordpiece", "words", "byte-level", "sentencepiece", "cpm"
CHINESE_WORD = re.compile("[\u4e00-\u9fff]{2,}")
UPPER = re.compile("[A-Z]")
SHARE_OF_WORDS = 0.01  # of a vocabulary, from which on words are its tokens; BERT has none
CPM_MARKS = ("\u2582", "\u2583")  # CPM's space and line break


@dataclass(frozen=True)
class Words:
    """The tokens of a checkpoint by their ids.

    Attributes:
        kind: How text is split into them.
        file: The file that says so.
        ids: The ids of the tokens.
        cased: Whether a token holds a capital letter.
    """

    kind: str
    file: Path
    ids: Mapping[str, int]
    cased: bool

    def __len__(self) -> int:
        return 1 + max(self.ids.values(), default=-1)


def read_vocabulary(checkpoint: Checkpoint) -> Words:
    """The vocabulary of a checkpoint. Raises ModelError if there is none that textgen can read."""
    for names, read in READERS.items():
        if file := checkpoint.file(*names):
            with taken_apart(file):
                kind, ids = read(file)
                check_ids(ids)
            return Words(kind, file, {**ids, **_added(checkpoint, file, ids)}, _cased(ids))
    hint = "put the one it was trained with beside its weights: {wanted}"
    wanted = [names[0] for names in READERS]
    raise ModelError("{path} has no tokenizer", path=checkpoint.path, wanted=wanted, hint=hint)


def _added(checkpoint: Checkpoint, file: Path, ids: Mapping[str, int]) -> Mapping[str, int]:
    """The tokens that were added to those of a file.

    Raises:
        ModelError: One has another id there: the tokenizer is of another model, or one whose ids are moved,
            as those of an XLM-RoBERTa are, which only a tokenizer.json tells.
    """
    added = checkpoint.added_tokens
    for token, number in added.items():
        if (other := ids.get(token, number)) != number:
            raise ModelError(
                "{path}: {token} is {number} of the added tokens, and {other} in {file}",
                path=checkpoint.path,
                token=token,
                number=number,
                other=other,
                file=file.name,
                hint="put the tokenizer.json that the model was trained with beside its weights",
            )
    return added


def _of_lines(file: Path) -> tuple[str, dict[str, int]]:
    try:
        tokens = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from None
    ids = {token: number for number, token in enumerate(tokens) if token.strip()}
    return _words_or_pieces(ids), ids


def _of_tokenizer_json(file: Path) -> tuple[str, dict[str, int]]:
    found = read_object(file)
    model = found.get("model") or {}
    vocab = model.get("vocab")
    if isinstance(vocab, list):  # of Unigram: pairs of a token and its score
        ids = {token: number for number, (token, _) in enumerate(vocab)}
    elif isinstance(vocab, dict):
        ids = dict(vocab)
    else:
        raise ModelError("{file} has no vocabulary", file=file, hint=DAMAGED)
    ids |= {token["content"]: token["id"] for token in found.get("added_tokens") or ()}
    if model.get("type") == "WordPiece":
        return _words_or_pieces(ids), ids
    return (BYTE_LEVEL if "ByteLevel" in json.dumps(found.get("decoder")) else SENTENCEPIECE), ids


def _of_merges(file: Path) -> tuple[str, dict[str, int]]:
    if not file.with_name("merges.txt").is_file():
        hint = "download it again"
        raise ModelError("{path} has vocab.json but no merges.txt", path=file.parent, hint=hint)
    return BYTE_LEVEL, read_object(file)


def _of_sentencepiece(file: Path) -> tuple[str, dict[str, int]]:
    from sentencepiece import SentencePieceProcessor  # only where there is such a file

    try:
        processor = SentencePieceProcessor(model_proto=file.read_bytes())
    except (OSError, RuntimeError) as error:
        raise _unreadable(file, error) from None
    names: list[str] = processor.id_to_piece(list(range(len(processor))))
    ids = {name: number for number, name in enumerate(names)}
    return (CPM if all(mark in ids for mark in CPM_MARKS) and "<eod>" in ids else SENTENCEPIECE), ids


READERS: dict[tuple[str, ...], Callable[[Path], tuple[str, dict[str, int]]]] = {
    ("vocab.txt",): _of_lines,
    ("tokenizer.json",): _of_tokenizer_json,
    ("vocab.json",): _of_merges,
    SPIECES: _of_sentencepiece,
}


def _words_or_pieces(ids: Mapping[str, Any]) -> str:
    words = sum(CHINESE_WORD.fullmatch(token) is not None for token in ids)
    return WORDS if words > SHARE_OF_WORDS * len(ids) else WORDPIECE


def _cased(ids: Mapping[str, int]) -> bool:
    return any(UPPER.search(token) and not token.startswith(("[", "<")) for token in ids)


def _unreadable(file: Path, error: object) -> ModelError:
    not_text = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else None
    reason = not_text or getattr(error, "strerror", None) or error
    return ModelError("cannot read {file}: {reason}", file=file, reason=reason, hint=DAMAGED)
