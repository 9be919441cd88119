"""Words of a text that say what it is about."""

from __future__ import annotations

import re

from textgen.text.words import words

LEAST = 2  # characters
_WORD = re.compile(r"\w+")
# words of two characters and more that say nothing of what a sentence is about
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        一个 一些 一种 一样 一直 一下 这个 那个 这些 那些 这样 那样 这里 那里 什么 怎么 怎样 为什么 哪里
        我们 你们 他们 她们 它们 自己 大家 别人 因为 所以 但是 可是 不过 而且 并且 或者 还是 如果 虽然 即使
        然后 以后 以前 之后 之前 时候 已经 正在 曾经 将要 可以 可能 应该 必须 能够 非常 十分 特别 比较 更加
        没有 不是 就是 还有 也是 都是 只是 只有 通过 进行 根据 按照 关于 对于 由于 以及 其中 其他 另外 此外
        同时 目前 现在 之间 之中 一起 一切 有些 有的 许多 很多
        """,
    )
)


def content_words(text: str) -> tuple[str, ...]:
    """Words of two characters and more, but for function words and numbers; each once, in their order.

    Args:
        text: Any text.
    """
    long = (word for word in words(text) if len(word) >= LEAST and _WORD.fullmatch(word))
    return tuple(dict.fromkeys(word for word in long if word not in FUNCTION_WORDS and not word.isdigit()))
