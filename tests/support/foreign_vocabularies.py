"""Vocabulary files of other makes, small, with the layout of the real ones."""

from __future__ import annotations

from pathlib import Path

from textgen.tokenizers.base import Specials

BERT_SYMBOLS = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<S>"]
BERT_SPECIALS = Specials(pad=0, bos=3, eos=4, mask=5, sep=4, cls=3)
HANZI = "今天气很好我们去公园用写模型价格元中文發財在的了不是年月日"
MARKS = "，。：？、《》（）…·,.:;!?%()[]$#-+'/\"@"
WORDS = [
    "gpt",
    "hello",
    "world",
    "in",
    "don",
    "t",
    "c",
    "caf",
    "3",
    "14",
    "12",
    "30",
    "100",
    "2024",
    "a",
    "ｇｐｔ",
]
TAILS = ["##o", "##e", "##s", "##4", "##ing", "##00", "##中", "##℃"]
CASED = ["GPT", "Hello"]


def bert_tokens() -> list[str]:
    """Symbols, characters, marks, words, what goes on with words, and traps: a line break of its own kind."""
    return [*BERT_SYMBOLS, *HANZI, *MARKS, *WORDS, *TAILS, *CASED, "\u2028", "extra0", "①"]


def bert_vocabulary(folder: Path, tokens: list[str] | None = None) -> Path:
    """A `vocab.txt`, one token a line."""
    path = folder / "vocab.txt"
    path.write_text(
        "".join(f"{token}\n" for token in tokens or bert_tokens()), encoding="utf-8", newline="\n"
    )
    return path
