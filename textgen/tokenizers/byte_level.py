"""Byte-level BPE, the tokenizers of GPT-2, Qwen, Llama 3 and most later models."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from textgen.errors import ModelError
from textgen.text.normalize import check_encodable
from textgen.tokenizers.base import ABSENT, Specials, Vocabulary
from textgen.tokenizers.sentencepiece import PROBE
from textgen.tokenizers.stream import WritesBytes
from textgen.tokenizers.tokenizer_json import TokenizerFile, read_tokenizer_json, unreadable

# what Qwen splits texts by, a digit alone; its tokenizer.json has the same
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_COMPOSED = "e\u0301\uf900"  # what NFC changes


class ByteLevelTokenizer(WritesBytes):
    """Reads and writes any text by runs of bytes, many of which are parts of characters.

    No text is read as a symbol, whatever it spells, and symbols write nothing. It loses nothing, but where a
    file normalises (Qwen writes é for e and an accent) `lossless` is false.

    Args:
        path: A `tokenizer.json`, or a `vocab.json` with `merges.txt` beside it.
        specials: Ids of the symbols; they write nothing.
        style: How texts are split before a `vocab.json` is used: as by GPT-2, or as by Qwen 2.

    Attributes:
        symbols: The ids of the symbols of the file by name, for templates of chats.

    Raises:
        ModelError: A file cannot be read, or is no byte-level BPE.
    """

    def __init__(self, path: Path, specials: Specials, *, style: Literal["gpt2", "qwen2"] = "gpt2") -> None:
        self.path, self.specials = path, specials
        file = _from_merges(path, style) if path.name == "vocab.json" else read_tokenizer_json(path)
        if "ByteLevel" not in file.kinds:
            hint = "its tokens are no runs of bytes"
            raise ModelError("{path} is no byte-level tokenizer", path=path, hint=hint)
        self._engine, self.symbols = file.engine, file.symbols
        self.vocabulary = _vocabulary(file, specials)
        self._complete = {bytes([byte]) for byte in range(256)} <= set(self.vocabulary.pieces)
        probe = PROBE + _COMPOSED
        self.lossless = self._complete and self.decode(self.encode(probe)) == probe

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials.

        Raises:
            DataError: The text has a lone surrogate, which no encoding of Unicode can hold.
        """
        check_encodable(text)
        found: list[int] = self._engine.encode(text, add_special_tokens=False).ids
        return found

    def lost(self, text: str) -> tuple[str, ...]:
        """Nothing, but where a vocabulary lacks some of the bytes."""
        if self._complete:
            return ()
        return tuple(c for c in dict.fromkeys(text) if "\ufffd" in (self.decode(self.encode(c)) or "\ufffd"))


def byte_characters() -> dict[str, int]:
    """The bytes by the characters that stand for them: printable ones themselves, others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


def _vocabulary(file: TokenizerFile, specials: Specials) -> Vocabulary:
    by_character = byte_characters()
    pieces = [b""] * (max([*file.tokens, *file.added, *file.symbols.values(), *vars(specials).values()]) + 1)
    for i, name in file.tokens.items():
        if by_character.keys() >= set(name):
            pieces[i] = bytes(by_character[character] for character in name)
    for i, name in file.added.items():
        pieces[i] = name.encode()
    for i in vars(specials).values():
        if i != ABSENT:
            pieces[i] = b""
    parts = frozenset(i for i, piece in enumerate(pieces) if not _is_whole(piece))
    newline = pieces.index(b"\n") if b"\n" in pieces else ABSENT
    return Vocabulary(tuple(pieces), parts, newline, frozenset(i for i, p in enumerate(pieces) if b" " in p))


def _is_whole(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _from_merges(path: Path, style: str) -> TokenizerFile:
    """The tokenizer of a `vocab.json` and a `merges.txt`; what no merge gives is a symbol."""
    merges_path = path.with_name("merges.txt")
    try:
        for file in (path, merges_path):
            file.read_bytes()
        vocabulary, merges = BPE.read_file(str(path), str(merges_path))
    except OSError as error:
        raise unreadable(file, error.strerror) from None
    except Exception:  # the library raises nothing narrower
        raise unreadable(path, "it is no vocabulary, or merges.txt is of another") from None
    engine = Tokenizer(BPE(vocabulary, merges))
    if style == "qwen2":
        engine.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(Regex(_QWEN), "isolated")
        bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        engine.pre_tokenizer = pre_tokenizers.Sequence([split, bytewise])
    else:
        engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    merged = {left + right for left, right in merges}
    symbols = {name: i for name, i in vocabulary.items() if len(name) > 1 and name not in merged}
    tokens = {i: name for name, i in vocabulary.items() if name not in symbols}
    return TokenizerFile(engine, tokens, {}, symbols, ABSENT, frozenset(["ByteLevel"]))
