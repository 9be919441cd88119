"""Vocabulary files of other makes, small, with the layout of the real ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import T5Tokenizer

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


def sentencepiece_model(path: Path, **options: object) -> Path:
    """A model of SentencePiece; by default as those of T5: normalising, without bytes."""
    model = io.BytesIO()
    given = {
        "sentence_iterator": iter(line for text in SENTENCES * 4 for line in text.splitlines() if line),
        "vocab_size": 130,
        "pad_id": 0,
        "eos_id": 1,
        "unk_id": 2,
        "bos_id": -1,
        "character_coverage": 1.0,
    }
    SentencePieceTrainer.train(
        model_writer=model,
        hard_vocab_limit=False,
        minloglevel=2,
        **given | options,
    )
    path.write_bytes(model.getvalue())
    return path


def llama_model(path: Path, **options: object) -> Path:
    """As Llama's: nothing normalised but a space before the text, bytes for what has no token."""
    return sentencepiece_model(
        path,
        vocab_size=420,
        model_type="bpe",
        pad_id=-1,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        **options,
    )


T5_SPECIALS = Specials(pad=0, eos=1, l2r=0)
LLAMA_SPECIALS = Specials(pad=2, bos=1, eos=2)


def t5_json(model: Path, folder: Path) -> Path:
    """The `tokenizer.json` of a T5 with this model, its sentinels behind the vocabulary."""
    processor = SentencePieceProcessor(model_proto=model.read_bytes())
    scores = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(len(processor))]
    charsmap = _field(_field(model.read_bytes(), 3), 2)
    tokenizer = T5Tokenizer(vocab=scores, extra_ids=4, _spm_precompiled_charsmap=charsmap)
    tokenizer.save_pretrained(str(folder))
    return folder / "tokenizer.json"


def llama_json(model: Path, folder: Path) -> Path:
    """The `tokenizer.json` of a Llama with this model."""
    processor = SentencePieceProcessor(model_proto=model.read_bytes())
    vocabulary = {processor.id_to_piece(i): i for i in range(len(processor))}
    learnt = {name for name, i in vocabulary.items() if i > 2 and not processor.is_byte(i)}
    merges = [
        (name[:at], name[at:])
        for name in sorted(learnt, key=vocabulary.__getitem__)
        for at in range(1, len(name))
        if name[:at] in learnt and name[at:] in learnt
    ]
    engine = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    engine.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    engine.add_special_tokens(["<unk>", "<s>", "</s>", "<|im_end|>"])
    engine.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    path = folder / "tokenizer.json"
    engine.save(str(path))
    return path


def _field(message: bytes, wanted: int) -> bytes:
    """The last field of this number in a message of protocol buffers; it holds bytes."""
    found, at = b"", 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 5:
            at += 4
            continue
        value, at = _varint(message, at)
        if key & 7 == 2:
            found = message[at : at + value] if key >> 3 == wanted else found
            at += value
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        value |= (message[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 128:
            return value, at


def word_tokens() -> list[str]:
    """As WoBERT's: words of several characters beside those of BERT; 杭研 is in no dictionary."""
    words = ["今天", "天气", "公园", "大学", "杭研", "模型", "##今天", "A股"]
    return [*bert_tokens(), *words, *"国大学杭研"]


CPM_SYMBOLS = ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>"]
CPM_SPECIALS = Specials(pad=5, bos=1, eos=7, mask=6, sep=4, cls=3)


def cpm_model(path: Path, **options: object) -> Path:
    """As CPM's: trained on jieba's words, U+2582 for a space and U+2583 for a line break."""
    lines = [
        "今天 天气 很 好 ， ▂ 我们 去 公园 。",
        "▃ ▃ 用 ▂ GPT ▂ 写 诗",
        "The ▂ weather ▂ 2024 . ▃",
        "發財 ▃ 的 人",
    ]
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 4),
        model_writer=model,
        **{
            "model_type": "bpe",
            "vocab_size": 100,
            "unk_id": 0,
            "bos_id": 1,
            "eos_id": 2,
            "pad_id": -1,
            "control_symbols": CPM_SYMBOLS,
            "character_coverage": 1.0,
            "hard_vocab_limit": False,
            "minloglevel": 2,
        }
        | options,
    )
    path.write_bytes(model.getvalue())
    return path
