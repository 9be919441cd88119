"""Kinds of slots in patterns of sentences: what may stand in them, judged by words and parts of speech."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from textgen.text.paraphrase.times import DURATION, QUANTITY, TIME
from textgen.text.paraphrase.tokens import Token, listed

Tokens = tuple[Token, ...]

SENTENCE_MARKS = "。！？!?；;\n"
MARKS = frozenset("，,。！？；：、“”‘’「」『』（）()《》〈〉【】…—·!?;:\n\r\t \"'~～")
CLAUSES = ("b", "c", "e", "f", "g")
NOMINAL = ("n", "n2", "o", "cp", "nm")
LISTED = (*CLAUSES, *NOMINAL, "s", "vo")  # kinds that may hold 、

_ANAPHORA = listed(
    """
    他 她 它 他们 她们 它们 其 此 该 这 那 如此 这样 那样 这么 那么 前者 后者 两者 二者 这些 那些 之
    这个 那个 这种 那种 这项 这里 那里 这件 这位 那位 那时 这时 当时
    """
)
_PRONOUNS = listed("他 她 它 他们 她们 它们")
_QUESTIONS = listed("什么 谁 哪 怎么 怎样 怎么样 如何 为什么 多少 几 哪里 哪儿 哪个 哪些 何 何时 为何")
_INNER = listed(
    """
    虽然 虽 尽管 因为 由于 如果 即使 即便 只要 既然 不但 不仅 所以 因此 但 但是 无论 不管 不论 除非
    之所以
    """
)
_CONNECTIVES = listed(
    """
    那么 那 倘若 假若 要是 就算 即便 每当 当 自从 除了 除 为了 随着 据 因 因为 所以 因此 但是 但 然而
    而且 并且 并 而 如果 虽然 尽管 由于 只要 只有 除非 即使 无论 不管 不但 不仅 于是 可是 不过 从而 以便
    以免 否则 要是 假如 既然 既 一旦 况且 何况 反而 另外 此外 同时 或者 还是 也 就 才 还 却 都 又 便
    则 更 再 仍 仍然 依然
    """
)
# used as verbs, whatever their tags
_VERBS = listed(
    """
    病 节省 唱歌 跳舞 封路 进站 同意 下雨 下雪 堵车 上课 下课 放学 上班 下班 回家 刮风 毕业 入学 开学
    报名 签到 登记 请假 迟到 散步 不好 很少 很多 少 多 不多 不少 展览 停车 入场 进场 付款 乘车 下 办理
    提交 填写 领取 携带 洗手 关闭 主持 寄 存 来 整理 下单 参赛 见面 读书 念书 爬山 植树 合影 散会 用餐
    写信
    """
)
_QUANTIFIED = listed("多 少 很多 很少 展览")  # which begin no predicate
_NO_ACTIONS = listed("是 有 没有 在 要 会 能 想 使 让 给 被 把 进行")
_PARTICLES = listed("呢 吗 吧 的")
_LOCALIZERS = listed("里 上 中 下 内 外 旁 前 后 旁边 附近 门口")
_LOCATED = re.compile("(?:上|里|下|旁|旁边|中|内|外|前|后|附近|门口|周围|中间|中央|对面|两边|两旁)$")
_SEEN = re.compile(
    "发现|接受|看见|看到|听见|听到|知道|认识|认出|感动|吸引|理解|了解|"
    "遇到|遇见|喜欢|打动|震撼|折服|影响|爱|恨|觉得|选中|欢迎"
)


@lru_cache(maxsize=65536)
def fits(kind: str, found: Tokens) -> bool:
    """Whether words may fill a slot of a kind; the kinds are the names in `KINDS`."""
    return bool(found) and KINDS[kind]("".join(word for word, _ in found), found)


def agree(filled: Sequence[tuple[str, Tokens]]) -> bool:
    """Whether what fills the slots of a pattern goes together.

    Clauses that change places do where none refers to another, or all begin with the same pronoun; what is
    compared does where both are the same thing of somebody or neither is: not 我的钱 with 他.

    Args:
        filled: The kind and the words of each slot.
    """
    compared = [[word for word, _ in words] for kind, words in filled if kind == "cp"]
    if len({words[-1] if "的" in words else "" for words in compared}) > 1:
        return False
    clauses = [[word for word, _ in words] for kind, words in filled if kind in ("b", "c")]
    referring = [[word for word in words if word in _ANAPHORA] for words in clauses]
    if not any(referring):
        return True
    head = clauses[0][0]
    return (
        len(clauses) > 1
        and head in _PRONOUNS
        and all(words == [head] for words in referring)
        and all(words[0] == head for words in clauses)
    )


def _is_noun(tag: str) -> bool:
    return tag.startswith("n") or tag in ("vn", "an", "j", "eng", "s")


def _within(word: str, tag: str) -> bool:
    """Whether a word may be part of a noun phrase."""
    known = tag in ("a", "b", "ng", "ag", "r", "m", "q", "mq", "uj", "z", "i", "l")
    return _is_noun(tag) or known or word in "和与及、《》各本该每的"


def _noun(text: str, found: Tokens) -> bool:
    words = list(found)
    if len(words) > 2 and words[0][1] == "t" and words[1][0] == "的":
        words[0] = words[0][0], "n"
    if (
        len(words) > 2
        and words[-1][1] in ("v", "ad", "d")
        and len(words[-1][0]) == 2
        and words[-2][0] == "的"
    ):
        words[-1] = words[-1][0], "vn"
    (first, tag), (last, end) = words[0], words[-1]
    if (
        TIME.fullmatch(text)
        or not all(_within(*word) for word in words)
        or first in "的和与及、》"
        or tag == "uj"
    ):
        return False
    if any(word in _QUESTIONS for word, _ in words) or (tag in ("a", "z") and len(words) == 1):
        return False
    if last in "各本该每这那此其":
        return text in ("这", "那")
    if not (_is_noun(end) or last == "》" or (end == "r" and (len(words) == 1 or last == "自己"))):
        return False
    return not any(one[1] == other[1] == "r" and other[0] != "自己" for one, other in pairwise(words))


def _long_noun(text: str, found: Tokens) -> bool:
    return len(text) > 1 and _noun(text, found)


def _object(text: str, found: Tokens) -> bool:
    return _noun(text, found) and not (len(found) == 1 and found[0][1] == "r")


def _named(text: str, found: Tokens) -> bool:
    """A noun phrase that names one: a name, a pronoun, or what begins with 这 or 那."""
    name = found[-1][1] in ("nr", "nrt", "ns", "nt", "nz") or (len(found) == 1 and found[0][1] == "r")
    return _noun(text, found) and (name or text[0] in "这那")


def _place(text: str, found: Tokens) -> bool:
    last, tag = found[-1]
    if found[0][0] != "在" or len(found) < 2 or TIME.fullmatch(text[1:]):
        return False
    if last in ("时", "时候", "期间", "之后", "之前", "前", "后"):
        return False
    inner = found[1:-1]
    local = (tag in ("f", "s") or last in _LOCALIZERS) and inner and _noun(_text(inner), inner)
    return bool(local) or _noun(_text(found[1:]), found[1:])


def _located(text: str, found: Tokens) -> bool:
    inside = all(_within(word, tag) or tag in ("f", "s") for word, tag in found)
    return len(text) > 1 and bool(_LOCATED.search(text)) and inside and found[0][1] not in ("uj", "f")


def _has_verb(found: Tokens) -> bool:
    return any(
        word in _VERBS or (tag.startswith("v") and tag != "vn") or tag in ("a", "vn", "i", "l", "z")
        for word, tag in found
    )


def _predicate(text: str, found: Tokens) -> bool:
    (first, tag), last = found[0], found[-1][0]
    if any(TIME.match(part) for part in text.split("，")[1:]):  # 他晚上工作，白天睡觉: contrasts stay
        return False
    if first in _VERBS and first not in _QUANTIFIED:
        return last not in _PARTICLES
    begins = (
        tag in ("v", "vn", "vd", "d", "ad", "p", "a", "vi", "l", "i", "z", "an") and first not in _CONNECTIVES
    )
    return begins and _has_verb(found) and last not in _PARTICLES | set("和与地得")


def _plain_predicate(text: str, found: Tokens) -> bool:
    """A predicate that begins with a plain verb."""
    (first, tag), last = found[0], found[-1][0]
    plain = first not in ("是", "有", "没有", "没", "不", "无", "未", "在", "会", "能", "要")
    return len(text) > 1 and tag in ("v", "vn") and plain and last not in _PARTICLES


def _verb_object(text: str, found: Tokens) -> bool:
    first, tag = found[0]
    verb = (tag in ("v", "vn") or first in _VERBS) and first not in ("是", "有")
    behind = any(_is_noun(tag) or tag == "r" for _, tag in found[1:])
    return len(text) > 2 and verb and behind and found[-1][0] not in _PARTICLES | set("后时前了")


def _result(text: str, found: Tokens) -> bool:
    """A verb with its complement and 了, as 借走了."""
    inside = all(tag[0] in "va" or tag in ("f", "ul", "vn", "d") for _, tag in found)
    fitting = 2 <= len(text) <= 6 and 2 <= len(found) <= 4 and found[-1][0] == "了"
    return fitting and inside and found[0][1] in ("v", "vn") and not _SEEN.match(text)


def _clause(text: str, found: Tokens) -> bool:
    first, tag = found[0]
    last, end = found[-1]
    if first in _CONNECTIVES or tag in ("c", "uj", "ul", "y") or end == "c" or text.endswith("的话"):
        return False
    if last in _PARTICLES | set("时后前之当") | {"之后", "之前", "以后", "以前", "时候"} or end == "m":
        return False
    return not any(word in _QUESTIONS or word in _INNER for word, _ in found)


def _full_clause(text: str, found: Tokens) -> bool:
    """A clause that begins with its own subject."""
    first, tag = found[0]
    subject = _is_noun(tag) or tag in ("r", "t", "m", "b", "q") or first == "《"
    described = tag == "a" and len(found) > 2 and _is_noun(found[1][1])
    return (subject or described) and first not in ("请", "把", "被", "将", "由") and _clause(text, found)


def _told(text: str, found: Tokens) -> bool:
    """A full clause with something like a verb."""
    return _full_clause(text, found) and _says(found)


def _says(found: Tokens) -> bool:
    return _has_verb(found) or any(tag in ("d", "ul", "uz") for _, tag in found)


def _event(text: str, found: Tokens) -> bool:
    """A clause that 前 and 后 make a time of, not a place, as behind 站在门."""
    words = {word for word, _ in found}
    last, end = found[-1]
    if not _clause(text, found) or not _says(found) or words & {"在", "当"}:
        return False
    if found[0][0] in ("在", "当", "自从", "自", "从", "每当", "等", "到", "于", "直到"):
        return False
    going = words & listed("在 到 至 向 往 站 坐 走 走到 来到 绕到 躲到 停 放")
    if end[0] in "nsr" and end != "nz" and going:
        return False
    return end in ("v", "vn", "ul", "i", "l") or len(last) > 1


def _adverbial(text: str, found: Tokens) -> bool:
    known = all(tag in ("d", "a", "ad", "z", "i", "l", "an") or len(found) == 1 for _, tag in found)
    return 2 <= len(text) <= 4 and known


def _verb(text: str, found: Tokens) -> bool:
    return len(found) == 1 and found[0][1] in ("v", "vn", "vd", "vi", "vg") and text not in _NO_ACTIONS


def _text(found: Tokens) -> str:
    return "".join(word for word, _ in found)


KINDS: dict[str, Callable[[str, Tokens], bool]] = {
    "": lambda text, found: True,
    "n": _noun,
    "n2": _long_noun,
    "o": _object,
    "cp": _noun,
    "nm": _named,
    "v": _verb,
    "a": lambda text, found: len(found) == 1 and found[0][1] in ("a", "an", "ad", "z"),
    "d": lambda text, found: len(found) == 1 and found[0][1] in ("d", "ad", "vd"),
    "z": _adverbial,
    "t": lambda text, found: bool(TIME.fullmatch(text)),
    "du": lambda text, found: bool(DURATION.fullmatch(text)),
    "m": lambda text, found: bool(QUANTITY.fullmatch(text)),
    "s": _place,
    "lo": _located,
    "vp": _predicate,
    "w": _plain_predicate,
    "vo": _verb_object,
    "rs": _result,
    "f": _clause,
    "b": _clause,
    "e": _told,
    "c": _full_clause,
    "g": _event,
}
