"""Tokenizers of BERT and of all that use its vocabulary: Chinese characters, WordPiece for other words."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, PreTokenizer

from textgen.errors import ModelError
from textgen.text.normalize import check_encodable
from textgen.tokenizers.base import ABSENT, Specials, Vocabulary
from textgen.tokenizers.spacing import WordDetokenizer, is_content

UNKNOWN = "[UNK]"
JOINED = "##"  # before what goes on with a word
# no text is read as one of these, since brackets are tokens of their own
_SILENT = re.compile(r"\[[^\[\]]+\]|<[^<>]+>")


class WordPieceTokenizer:
    """Reads and writes the words of a `vocab.txt`.

    It reads as BERT does: white space of every kind is a blank, control characters go, with `lower_case` the
    accents of letters, too; a word that the vocabulary cannot spell is `[UNK]`, which is never written. It
    writes the words spaced as `WordDetokenizer` says, in single lines.

    Args:
        path: The vocabulary, one token a line; or a `tokenizer.json`, of which the tokens alone are read.
        specials: Ids of the symbols; they write nothing.
        lower_case: Whether the vocabulary knows no upper case.
        silent: Further tokens that are no text, such as the sentinels of a T5.

    Raises:
        ModelError: The file cannot be read, or has no `[UNK]`.
    """

    lossless = False
    _by_character = True

    def __init__(
        self, path: Path, specials: Specials, *, lower_case: bool, silent: Collection[str] = ()
    ) -> None:
        self.path, self.specials = path, specials
        tokens = read_tokens(path)
        self._ids = {token: i for i, token in enumerate(tokens)}
        self.unknown = self._ids[UNKNOWN]
        without_text = {i for i in vars(specials).values() if i != ABSENT}
        without_text |= {i for i, token in enumerate(tokens) if _SILENT.fullmatch(token) or token in silent}
        pieces = [
            b"" if i in without_text else (token[len(JOINED) :] if _is_joined(token) else token).encode()
            for i, token in enumerate(tokens)
        ]
        # symbols that were added later lie behind the vocabulary
        pieces += [b""] * (max(without_text, default=0) + 1 - len(pieces))
        self.vocabulary = Vocabulary(tuple(pieces), frozenset(), ABSENT, frozenset(), respaced=True)
        self._joined = frozenset(i for i, token in enumerate(tokens) if _is_joined(token))
        self._words = Tokenizer(WordPiece(self._ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
        self._words.normalizer = BertNormalizer(lowercase=lower_case, handle_chinese_chars=self._by_character)
        self._words.pre_tokenizer = self._splitter()

    def _splitter(self) -> PreTokenizer:
        return BertPreTokenizer()

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials.

        Raises:
            DataError: The text has a lone surrogate, which no encoding of Unicode can hold.
        """
        check_encodable(text)
        found: list[int] = self._words.encode(text, add_special_tokens=False).ids
        return found

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; specials and `[UNK]` write nothing."""
        return "".join(map(self.detokenizer().push, ids))

    def detokenizer(self) -> WordDetokenizer:
        """See `Tokenizer`; every id is written at once."""
        return WordDetokenizer(self.vocabulary, self._joined)

    def lost(self, text: str) -> tuple[str, ...]:
        """Characters that are read as `[UNK]`, or not at all; so are line breaks, but no other blanks.

        A letter that is read in lower case or without its accent is another form, and not lost.
        """
        found = self._words.encode(text, add_special_tokens=False)
        kept: set[int] = set()
        for i, (first, last) in zip(found.ids, found.offsets, strict=True):
            if i != self.unknown:
                kept.update(range(first, last))
        return tuple(dict.fromkeys(c for n, c in enumerate(text) if n not in kept and is_content(c)))


def read_tokens(path: Path) -> list[str]:
    """The tokens of a `vocab.txt`, or of a `tokenizer.json` of BERT's kind, by id. Raises ModelError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        tokens = _listed(json.loads(text)) if path.suffix == ".json" else _lines(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        message = "cannot read the vocabulary {path}: {reason}"
        raise ModelError(message, path=path, reason=reason, hint="is the file whole?") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "cannot read the vocabulary {path}: it has no WordPiece"
        raise ModelError(message, path=path, hint="is the file whole?") from None
    if UNKNOWN not in tokens:
        message = "the vocabulary {path} has no token {token}"
        raise ModelError(message, path=path, token=UNKNOWN, hint="a vocab.txt of BERT has one token a line")
    return tokens


def _lines(text: str) -> list[str]:
    lines = text.split("\n")  # some tokens are line breaks of other kinds
    return lines[:-1] if lines[-1] == "" else lines


def _listed(file: dict[str, Any]) -> list[str]:
    """The tokens of a `tokenizer.json`; it may name added ones beside its vocabulary, and leave out ids."""
    ids: dict[str, int] = {**file["model"]["vocab"]}
    ids |= {token["content"]: token["id"] for token in file.get("added_tokens") or ()}
    tokens = [""] * (max(ids.values()) + 1)
    for token, i in ids.items():
        tokens[i] = token
    return tokens


def _is_joined(token: str) -> bool:
    return token.startswith(JOINED) and len(token) > len(JOINED)
