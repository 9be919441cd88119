"""Words of a text with their parts of speech, as patterns of sentences need them.

jieba's dictionary has phrases among its words, and tags that are wrong for frequent ones: both are mended
here. Words that it has not are single characters. What is cut as a whole whatever stands around it is
remembered, for texts one paraphrase apart have most of it in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from textgen.text.words import frequency, listed_words, part_of_speech

Token = tuple[str, str]  # a word and its part of speech, by jieba's tags


def listed(text: str) -> frozenset[str]:
    """The words of a list, separated by white space."""
    return frozenset(text.split())


BLOCK = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+")  # cut as a whole
_NUMBER = re.compile(r"[0-9０-９.〇零一二两三四五六七八九十百千万亿几]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9+#&._%\-]*")
PHRASE = 20  # seen at most so often, four characters are a phrase of two words
OFTEN = 300  # or so often, if it begins with a verb
WORD = 30  # and these at least so often

_RETAGGED = {
    word: tag
    for tag, some in {
        "v": "可以 应该 应 参观 前来 见面 谢谢 看书 请",
        "d": "一起 衷心 十分 很",
        "n": "接口 生日 树 家 小偷 本书 百忙 车 天",
        "vn": "展览 支持 帮助 回复 关心 表扬 批评",
        "p": "当",
        "ad": "努力",
        "c": "即使",
        "an": "健康",
        "a": "高兴 多 少 很多 很少",
        "r": "您",
    }.items()
    for word in some.split()
}
_NO_WORDS = listed("不论什么 路上行人 照常进行 注意安全 不论是 不管是 他出 衷心感谢 很高兴")
# words that end like a verb with a particle
_WHOLE = listed(
    """
    为了 除了 随着 沿着 有着 意味着 接着 通过 经过 不过 超过 难过 罢了 极了 存在 现在 正在 实在 所在 了
    过 着
    """
)
_PARTICLES = {"着": "ul", "了": "ul", "过": "ul", "在": "p"}


@lru_cache(maxsize=16384)
def tokens(block: str) -> tuple[Token, ...]:
    """The words of a run of characters without marks, or of a mark."""
    found = [token for word in listed_words(block) for token in _parts(word)]
    for n in reversed(range(len(found) - 1)):  # 小 and 王 are 小王
        (word, _), (other, tag) = found[n : n + 2]
        if word in ("小", "老", "阿") and len(other) == 1 and tag.startswith(("n", "a")):
            found[n : n + 2] = [(word + other, "nr")]
    for n, (word, tag) in enumerate(found[:-1]):
        if tag == "n" and len(word) <= 2 and found[n + 1][0] in ("了", "着", "过"):
            found[n] = word, "v"
    return tuple(found)


def _parts(word: str) -> Iterator[Token]:
    """A word, or those that a phrase is made of."""
    tag = part_of_speech(word)
    at = _seam(word, tag)
    for part in (word[:at], word[at:]) if at else (word,):
        yield part, _tag(part)


def _seam(word: str, tag: str) -> int:
    """Where a phrase falls into two words; 0 for a word."""
    size = len(word)
    rare = frequency(word) <= (OFTEN if size == 4 and part_of_speech(word[:2]) == "v" else PHRASE)
    if size == 4 and tag not in ("nr", "t", "m") and (rare or word in _NO_WORDS):
        return 2 if min(frequency(word[:2]), frequency(word[2:])) >= WORD or word in _NO_WORDS else 0
    if word in _NO_WORDS:
        return 1 if word.startswith("很") else 2
    if word in ("有利于", "有益于") or (size == 3 and word[2] in "我你您他她它比" and frequency(word[:2])):
        return 2
    if size > 1 and (
        (word[0] in "由把将被" and (tag.startswith("nr") or word == "把门")) or _superlative(word, tag)
    ):
        return 1
    if size == 2 and word[1] in "中里上" and tag == "s":
        return 1
    if size > 1 and word not in _WHOLE and tag.startswith("v") and word[-1] in _PARTICLES:
        return size - 1 if word[-1] != "在" or size == 2 else 0
    return 0


def _superlative(word: str, tag: str) -> bool:
    return word[0] == "最" and frequency(word[1:]) > 0 and tag in ("a", "d", "ad", "z")


def _tag(word: str) -> str:
    if word in _RETAGGED:
        return _RETAGGED[word]
    if len(word) == 1 and word in _PARTICLES and word != "在":
        return _PARTICLES[word]
    if _NUMBER.fullmatch(word):
        return "m"
    if _LATIN.fullmatch(word):
        return "eng"
    if not BLOCK.fullmatch(word):
        return "x"
    tag = part_of_speech(word) or "n"
    return "d" if tag == "zg" else tag
