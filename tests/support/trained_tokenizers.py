"""Small tokenizers, trained on repetitive texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import DEFAULTS, train_tokenizer

Kind = Literal["char", "unigram", "bpe"]
KINDS: list[Kind] = ["char", "unigram", "bpe"]
PHRASES = [
    "今天天气很好，我们去公园散步。",
    "明天天气不好，他们在图书馆看书。",
    "在 Linux 中安装 Red Hat 的 Server 软件包；",
    "The server serves the service of other servers\n",
    "this Linux server is another Red Hat Server. ",
    "图书馆在公园的东边，共有 1234 本书！",
    "<s>标记</s><mask><0x41>\ttab  两个空格　全角\u2581\u2585\r\n",
]


def plan_of(kind: Kind = "char", **given: Any) -> TokenizerTrainOptions:
    return TokenizerTrainOptions(kind=kind, **given)


def corpus(size: int = 300) -> Iterator[str]:
    """Repetitive texts, as a stream."""
    choose = random.Random(1)
    return ("".join(choose.choices(PHRASES, k=4)) for _ in range(size))


def written(tokenizer: SentencePieceTokenizer) -> list[str]:
    """The learnt pieces, in order."""
    return [piece.decode() for piece in tokenizer.vocabulary.pieces[273:]]


def train(tmp_path: Path, texts: list[str], plan: TokenizerTrainOptions = DEFAULTS) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(train_tokenizer(texts, tmp_path / "new.model", plan).path)
