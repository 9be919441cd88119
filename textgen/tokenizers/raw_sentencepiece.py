"""SentencePiece as it comes: with a space before every text, normalised texts, and perhaps no bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from textgen.errors import ModelError
from textgen.text.normalize import check_encodable
from textgen.tokenizers.base import ABSENT, BEFORE, Specials, Vocabulary, present
from textgen.tokenizers.sentencepiece import BYTE, PROBE, SPACE, read_processor
from textgen.tokenizers.spacing import PrefixedDetokenizer, vanishes
from textgen.tokenizers.tokenizer_json import read_tokenizer_json


class SentencePieceModelTokenizer:
    """Reads and writes by the SentencePiece model of a T5, a Llama and their like.

    What the file normalises is written in that form: most fold full-width letters and marks, so that ，
    becomes a comma, and read a line break as a space (`newline` is `ABSENT` then). Where spaces in a row
    are read as one, none is written in Chinese; the space that the file puts before every text never is.
    U+2581, which stands for a space, is read as one.

    Args:
        path: The model (`spiece.model`, `tokenizer.model`), or a `tokenizer.json` made of one.
        specials: Ids of the symbols; they write nothing.

    Attributes:
        symbols: The ids of the symbols of a `tokenizer.json` by name, for templates of chats.

    Raises:
        ModelError: The file cannot be read, or is a tokenizer of another kind.
    """

    def __init__(self, path: Path, specials: Specials) -> None:
        self.path, self.specials = path, specials
        source = _from_json(path) if path.suffix == ".json" else _from_model(path)
        self._ids, self._unknown, self.symbols = source.encode, source.unknown, source.symbols
        self._spelt = _spelt(source, specials)
        pieces = _pieces(source, specials)
        self._folded = source.encode("a  b") == source.encode("a b")
        self._prefixed = any(pieces[i].startswith(b" ") for i in source.encode("a")[:1])
        newline = next((i for i in source.encode("a\nb") if pieces[i] == b"\n"), ABSENT)
        byte_ids = frozenset(i for i, name in source.tokens.items() if BYTE.match(name)) - {newline}
        spaced = frozenset(i for i, piece in enumerate(pieces) if b" " in piece) - byte_ids
        self.vocabulary = Vocabulary(tuple(pieces), byte_ids, newline, spaced, respaced=self._folded)
        self.lossless = self.decode(self.encode(PROBE)) == PROBE

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials.

        Raises:
            DataError: The text has a lone surrogate, which no encoding of Unicode can hold.
        """
        check_encodable(text)
        if self._spelt is None or not (found := list(self._spelt.finditer(text))):
            return self._ids(text)
        cuts = [0, *(name.start() + 1 for name in found), len(text)]  # no part spells a symbol
        first, *others = (text[at:end] for at, end in pairwise(cuts))
        return self._ids(first) + [i for part in others for i in self._behind(part)]

    def _behind(self, text: str) -> list[int]:
        """Ids of a text that is the rest of another, without the space before every text."""
        before, both = self._ids(BEFORE), self._ids(BEFORE + text)
        return both[len(before) :] if both[: len(before)] == before else self._ids(text)

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; symbols and what is unknown write nothing, broken UTF-8 becomes U+FFFD."""
        stream = self.detokenizer()
        return "".join(map(stream.push, ids)) + stream.finish()

    def detokenizer(self) -> PrefixedDetokenizer:
        """See `Tokenizer`; what is open at the end is left out."""
        return PrefixedDetokenizer(self.vocabulary, prefixed=self._prefixed, folded=self._folded)

    def lost(self, text: str) -> tuple[str, ...]:
        """Characters without a token, or taken out by the file; so are line breaks that become spaces."""
        return tuple(character for character in dict.fromkeys(text) if self._is_lost(character))

    def _is_lost(self, character: str) -> bool:
        ids = self._ids(character)
        return self._unknown in ids or vanishes(character, self.decode(ids))


@dataclass(frozen=True)
class _Source:
    """What a file says.

    Attributes:
        tokens: The names of the tokens that write something, by id; `▁` in them is a space.
        encode: Text to ids.
        unknown: The id of what has no token.
        symbols: The ids of the symbols by name.
    """

    tokens: dict[int, str]
    encode: Callable[[str], list[int]]
    unknown: int
    symbols: dict[str, int] = field(default_factory=dict)


def _from_model(path: Path) -> _Source:
    processor = read_processor(path)
    ids = range(len(processor))
    names = zip(ids, processor.id_to_piece(list(ids)), strict=True)
    silent = {i for i in ids if processor.is_control(i) or processor.is_unused(i)} | {processor.unk_id()}
    tokens = {i: name for i, name in names if i not in silent}
    return _Source(tokens, lambda text: list(processor.encode(text)), processor.unk_id())


def _from_json(path: Path) -> _Source:
    file = read_tokenizer_json(path)
    tokens = {i: name for i, name in file.tokens.items() if i != file.unknown} | file.added
    if "ByteLevel" in file.kinds or not any(SPACE in name for name in tokens.values()):
        hint = "no token of it has the mark of a space, {mark}"
        raise ModelError("{path} is no SentencePiece tokenizer", path=path, mark=SPACE, hint=hint)

    def encode(text: str) -> list[int]:
        found: list[int] = file.engine.encode(text, add_special_tokens=False).ids
        return found

    return _Source(tokens, encode, file.unknown, file.symbols)


def _spelt(source: _Source, specials: Specials) -> re.Pattern[str] | None:
    """Finds the symbols that the file takes for tokens of the user's own, and so reads in texts."""
    names = {i: source.tokens[i] for i in vars(specials).values() if i in source.tokens}
    read = sorted(name for i, name in names.items() if i in source.encode(name))
    return re.compile("|".join(map(re.escape, read))) if read else None


def _pieces(source: _Source, specials: Specials) -> list[bytes]:
    silent = present(*vars(specials).values())
    pieces = [b""] * (max([*source.tokens, *source.symbols.values(), *silent, source.unknown]) + 1)
    for i, name in source.tokens.items():
        byte = BYTE.match(name) is not None
        pieces[i] = bytes([int(name[3:5], 16)]) if byte else name.replace(SPACE, " ").encode()
    for i in silent:
        pieces[i] = b""
    return pieces
