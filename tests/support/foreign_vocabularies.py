"""Vocabulary files of other makes, small, with the layout of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

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


SENTENCES = [
    "今天天气很好，我们去公园散步。",
    "明天的天气不好，我们在家写字。",
    "用模型写诗：春天的花开了。\n\n秋天的叶落了。",
    "The weather is good today, we write.\n",
    "In 2024 there were 365 days.",
    "發財的人在公園。",
]
GPT2_END = "<|endoftext|>"
QWEN_SYMBOLS = [GPT2_END, "<|im_start|>", "<|im_end|>"]
GPT2_SPECIALS = Specials(pad=400, bos=400, eos=400)
QWEN_SPECIALS = Specials(pad=400, bos=401, eos=402)


def byte_level_engine(size: int = 400) -> Tokenizer:
    """A byte-level BPE of single bytes, parts of characters, characters and words, as GPT-2 splits texts."""
    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    engine.train_from_iterator(SENTENCES * 3, trainer)
    return engine


def gpt2_files(folder: Path) -> Path:
    """`vocab.json`, the end symbol the last of it, and `merges.txt`."""
    engine = byte_level_engine()
    engine.model.save(str(folder))
    path = folder / "vocab.json"
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    vocabulary[GPT2_END] = len(vocabulary)
    path.write_text(json.dumps(vocabulary), encoding="utf-8")
    return path


def qwen_file(folder: Path) -> Path:
    """A `tokenizer.json` as Qwen's, with traps: a limit of length, dropout, a frame, added words."""
    engine = byte_level_engine()
    data = json.loads(engine.to_str())
    at = len(data["model"]["vocab"])
    engine.normalizer = normalizers.NFC()
    engine.add_special_tokens(QWEN_SYMBOLS)
    engine.add_tokens(["<think>", "新冠疫情"])  # not special, by the file
    frame = [(QWEN_SYMBOLS[0], at), (QWEN_SYMBOLS[2], at + 2)]
    engine.post_processor = processors.TemplateProcessing(
        single=f"{QWEN_SYMBOLS[0]} $A {QWEN_SYMBOLS[2]}", special_tokens=frame
    )
    engine.enable_truncation(4)
    engine.enable_padding(length=8)
    engine.model.dropout = 0.5
    path = folder / "tokenizer.json"
    engine.save(str(path))
    return path
