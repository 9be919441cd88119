"""Negation and modal words: what is so, may be so or must be so."""

from __future__ import annotations

from collections.abc import Iterator

from textgen.text.facts.fact import Fact, Words, listed
from textgen.text.words import is_word

_NOT = "不没無无未勿甭"  # wherever they stand in a word
_ALONE = listed("非 莫 否 休想 休要")
_MODAL = listed(
    """
    必须 必需 务必 务须 必定 必将 应当 应该 应 须 可以 可 可能 能 能够 能否 可否 是否 得以 请 敬请 一定
    肯定 也许 或许 恐怕 大概 大约 似乎 只能 只许 准许 允许 许可 禁止 严禁 切忌 只准 仅限 避免 以免 免得
    谢绝 必 千万 千万别
    """
)
# words that have lost the negation they were made with
_WITHOUT = listed(
    """
    不但 不仅 不仅仅 不光 不只 不管 不论 无论 不过 不断 不久 不久前 不由得 不禁 不错 不少 不如 差不多
    了不起 对不起 不好意思 未来 无数 莫名其妙 不时 不同 要不 不然 无非 没收 无线 无花果 不料 不妨 不愧
    不免 无比 无疑 不已 忍不住 想不到 没想到 不知不觉 沉没 淹没 没落 恋恋不舍 络绎不绝 源源不断 别人
    别的 别墅 别致 别样 别扭 别处 别名 别离 别称
    """
)


def negations(words: Words) -> Iterator[Fact]:
    """Find negations and modal words.

    Args:
        words: Those of the text.
    """
    for word, start, end in zip(words.words, words.starts, words.ends, strict=True):
        if modal := _modal(word):
            yield Fact(start, start + len(modal), "negation", "modal")
        elif any(idiom in word for idiom in _WITHOUT):
            continue
        elif word in _ALONE or (is_word(word) and _is_negative(word)):
            yield Fact(start, end, "negation", "negation")
        else:
            for at, character in enumerate(word):
                if character in _NOT:
                    yield Fact(start + at, start + at + 1, "negation", "negation")


def _modal(word: str) -> str:
    """The modal word that a word is, or begins with, as 严禁 in 严禁吸烟; or nothing."""
    if word in _MODAL:
        return word
    return next((word[:size] for size in range(2, len(word)) if word[:size] in _MODAL), "")


def _is_negative(word: str) -> bool:
    return word.startswith("别") or any(sign in word for sign in _NOT)
