"""The tokenizer of the embedded models, over a SentencePiece model with byte fallback."""

from __future__ import annotations

import re
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from textgen.errors import ModelError
from textgen.text.normalize import check_encodable
from textgen.tokenizers.base import Specials, Vocabulary
from textgen.tokenizers.stream import WritesBytes

SPACE = "\u2581"  # how SentencePiece writes a space
PROBE = " 春  天，Ａﬁ①1\n\t<s>\U0001f600\u3400" + SPACE  # what others normalise, or have no token for
BYTE = re.compile("<0x[0-9A-F]{2}>")  # SentencePiece takes no byte of another name
SPECIAL_PIECES = {
    "pad": "<pad>",
    "bos": "<s>",
    "eos": "</s>",
    "mask": "<mask>",
    "sep": "<sep>",
    "cls": "<cls>",
    "l2r": "<l2r>",
    "r2l": "<r2l>",
}


class SentencePieceTokenizer(WritesBytes):
    """Lossless for every text without lone surrogates.

    Args:
        path: A SentencePiece model that normalises nothing and falls back to bytes.

    Raises:
        ModelError: The file is missing, is no such model, lacks a special token, or loses some of a text.
    """

    lossless = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._processor = read_processor(path)
        try:
            self.specials = Specials(
                **{name: self._id(piece, special=True) for name, piece in SPECIAL_PIECES.items()}
            )
            self.vocabulary = self._vocabulary()
            # U+2581 itself would be read as a space; its bytes have tokens of their own
            self._literal_space = [self._id(f"<0x{byte:02X}>") for byte in SPACE.encode()]
            lossless = self.decode(self.encode(PROBE)) == PROBE
        except (ValueError, IndexError) as error:  # a token is no UTF-8, or not the byte it should be
            raise _unreadable(path, error) from None
        if not lossless:
            hint = "textgen needs one that normalises nothing and falls back to bytes"
            raise ModelError("the tokenizer {path} changes what it reads", path=path, hint=hint)

    def encode(self, text: str) -> list[int]:
        """Ids of the text, without specials.

        Raises:
            DataError: The text has a lone surrogate, which no encoding of Unicode can hold.
        """
        check_encodable(text)
        ids: list[int] = []
        for number, part in enumerate(text.split(SPACE)):
            if number:
                ids += self._literal_space
            ids += self._processor.encode(part)
        return ids

    def lost(self, text: str) -> tuple[str, ...]:
        """Nothing: there is a token for every byte."""
        return ()

    def _id(self, piece: str, *, special: bool = False) -> int:
        found: int = self._processor.piece_to_id(piece)
        if self._processor.id_to_piece(found) != piece or (special and not self._processor.is_control(found)):
            hint = "textgen needs a vocabulary made for its models"
            raise ModelError("the tokenizer has no token {token}", token=piece, hint=hint)
        return found

    def _vocabulary(self) -> Vocabulary:
        processor = self._processor
        ids = range(len(processor))
        names: list[str] = processor.id_to_piece(list(ids))
        # each is asked for as seldom as can be: a call takes about a microsecond
        byte_ids = frozenset(i for i, name in enumerate(names) if BYTE.match(name) and processor.is_byte(i))
        silent = {i for i in ids if processor.is_control(i)} | {processor.unk_id()}
        pieces = [
            b""
            if i in silent
            else bytes([int(names[i][3:5], 16)])
            if i in byte_ids
            else names[i].replace(SPACE, " ").encode()
            for i in ids
        ]
        spaced = frozenset(i for i in ids if i not in silent and SPACE in names[i])
        return Vocabulary(tuple(pieces), byte_ids, self._id("\n"), spaced)


def read_processor(path: Path) -> SentencePieceProcessor:
    """Read any SentencePiece model. Raises ModelError."""
    try:
        if content := path.read_bytes():  # and not its name, which need not be UTF-8
            return SentencePieceProcessor(model_proto=content)
        reason: object = "it is empty"  # the library would not say so
    except OSError as error:
        reason = error.strerror
    except RuntimeError:  # with the line of the library's code
        reason = "it is no SentencePiece model"
    raise _unreadable(path, reason)


def _unreadable(path: Path, reason: object) -> ModelError:
    message = "cannot read the tokenizer {path}: {reason}"
    return ModelError(message, path=path, reason=reason, hint="is the file whole?")
