"""Kinds of slots in patterns of sentences: what may stand in them, judged by words and parts of speech."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from textgen.text.paraphrase.closed_classes import (
    ADVERBS,
    CONNECTIVES,
    INNER,
    LOCALIZERS,
    NO_ACTIONS,
    OPENING,
    PARTICLES,
    PIVOTS,
    QUANTIFIED,
    QUESTIONS,
    VERBS,
)
from textgen.text.paraphrase.times import AMOUNT, DURATION, QUANTITY, TIME, TIMED
from textgen.text.paraphrase.tokens import Token, listed

Tokens = tuple[Token, ...]

SENTENCE_MARKS = "。！？!?；;\n"
CLAUSE_MARKS = SENTENCE_MARKS + "，,"
MARKS = frozenset("，,。！？；：、“”‘’「」『』（）()《》〈〉【】…—·!?;:\n\r\t \"'~～")
CLAUSES = ("b", "c", "e", "f", "g", "ow")
TIMES = ("t", "tp")
NOMINAL = ("n", "n1", "n2", "o", "cp", "nm", "rn")
LISTED = (*CLAUSES, *NOMINAL, "s", "vo")  # kinds that may hold 、

_LOCATED = re.compile(
    "(?:上|里|下|旁|旁边|中|内|外|前|后|侧|端|角|部|附近|门口|周围|中间|中央|对面|两边|两旁)$"
)
_SEEN = re.compile(
    "发现|接受|看见|看到|听见|听到|知道|认识|认出|感动|吸引|理解|了解|"
    "遇到|遇见|喜欢|打动|震撼|折服|影响|爱|恨|觉得|选中|欢迎"
)


@lru_cache(maxsize=65536)
def fits(kind: str, found: Tokens) -> bool:
    """Whether words may fill a slot of a kind; the kinds are the names in `KINDS`."""
    return bool(found) and KINDS[kind]("".join(word for word, _ in found), found)


def _is_noun(tag: str) -> bool:
    return tag.startswith("n") or tag in ("vn", "an", "j", "eng", "s")


def _within(word: str, tag: str) -> bool:
    """Whether a word may be part of a noun phrase."""
    known = tag in ("a", "b", "ng", "ag", "r", "m", "q", "mq", "uj", "z", "i", "l")
    return _is_noun(tag) or known or word in "和与及、《》各本该每的"


def _located_there(words: Sequence[Token], place: int) -> bool:
    """Whether a localizer stands behind a noun and before 的, as 上 in 山坡上的草."""
    behind = words[place + 1][0] if place + 1 < len(words) else ""
    return place > 0 and words[place][1] in ("f", "s") and behind == "的"


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
        or not all(_within(*word) or _located_there(words, n) for n, word in enumerate(words))
        or first in "的和与及、》"
        or tag == "uj"
    ):
        return False
    if last in ("农历", "阴历", "公历"):  # part of a date
        return False
    if any(word in QUESTIONS for word, _ in words) or (tag in ("a", "z") and len(words) == 1):
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


def _subject(text: str, found: Tokens) -> bool:
    """A noun phrase, or one that a clause describes, as 报名的同学."""
    if _noun(text, found):
        return True
    at = max((n for n, (word, _) in enumerate(found) if word == "的"), default=0)
    before, behind = found[:at], found[at + 1 :]
    return bool(before and behind) and _noun(_text(behind), behind) and _describes(before)


def _describes(found: Tokens) -> bool:
    """Whether words before 的 describe what is behind it."""
    first, tag = found[0]
    plain = tag[0] in "vnarbm" and first not in CONNECTIVES and first not in ("是", "请")
    return plain and not any(word in QUESTIONS or word in ("是", "把", "，") for word, _ in found)


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
    local = (tag in ("f", "s") or last in LOCALIZERS) and inner and _noun(_text(inner), inner)
    return bool(local) or _noun(_text(found[1:]), found[1:])


def _located(text: str, found: Tokens) -> bool:
    inside = all(_within(word, tag) or tag in ("f", "s") for word, tag in found)
    return len(text) > 1 and bool(_LOCATED.search(text)) and inside and found[0][1] not in ("uj", "f")


def _has_verb(found: Tokens) -> bool:
    return any(
        word in VERBS or (tag.startswith("v") and tag != "vn") or tag in ("a", "vn", "i", "l", "z")
        for word, tag in found
    )


def _predicate(text: str, found: Tokens) -> bool:
    if any(TIME.match(part) for part in text.split("，")[1:]):  # 他晚上工作，白天睡觉: contrasts stay
        return False
    found = _untimed(found)
    (first, tag), last = found[0], found[-1][0]
    if len(found) > 2 and tag[0] == "v" and found[1][0] == "的":  # 带领的红队得了第一: of a noun phrase
        return False
    if first in VERBS and first not in QUANTIFIED:
        return last not in PARTICLES
    begins = (
        tag in ("v", "vn", "vd", "d", "ad", "p", "a", "vi", "l", "i", "z", "an") and first not in CONNECTIVES
    )
    return begins and _has_verb(found) and last not in PARTICLES | set("和与地得")


def _whole_predicate(text: str, found: Tokens) -> bool:
    """A predicate, behind words like 都 or not; no clause whose subject is described, as 报名的同学请来."""
    at = next((n for n, (word, _) in enumerate(found) if word not in ADVERBS), 0)
    words = found[at:]
    described = any(
        one == "的" and _is_noun(noun) and (tag[0] in "vpd" or word in "把将请")
        for (one, _), (_, noun), (word, tag) in zip(words, words[1:], words[2:], strict=False)
    )
    with_another = words[0][1] == "p" or words[0][0] in PIVOTS
    return _predicate(_text(words), words) and (with_another or not described)


def _untimed(found: Tokens) -> Tokens:
    """A predicate without the time that it begins with."""
    text = ""
    longest = 0
    for n, (word, _) in enumerate(found[:-1], 1):
        text += word
        if TIMED.fullmatch(text):
            longest = n
    return found[longest:]


def _plain_predicate(text: str, found: Tokens) -> bool:
    """A predicate that begins with a plain verb."""
    (first, tag), last = found[0], found[-1][0]
    plain = first not in ("是", "有", "没有", "没", "不", "无", "未", "在", "会", "能", "要")
    return len(text) > 1 and tag in ("v", "vn") and plain and last not in PARTICLES


def _verb_object(text: str, found: Tokens) -> bool:
    first, tag = found[0]
    verb = (tag in ("v", "vn") or first in VERBS) and first not in ("是", "有")
    behind = any(_is_noun(tag) or tag == "r" for _, tag in found[1:])
    return len(text) > 2 and verb and behind and found[-1][0] not in PARTICLES | set("后时前了")


def _result(text: str, found: Tokens) -> bool:
    """A verb with its complement and 了, as 借走了."""
    inside = all(tag[0] in "va" or tag in ("f", "ul", "vn", "d") for _, tag in found)
    fitting = 2 <= len(text) <= 6 and 2 <= len(found) <= 4 and found[-1][0] == "了"
    return fitting and inside and found[0][1] in ("v", "vn") and not _SEEN.match(text)


def _disposal(text: str, found: Tokens) -> bool:
    """A verb with where to, or as what, something is brought, as 吹到了湖中心."""
    (verb, tag), inner = found[0], "".join(word for word, _ in found[:3])
    if tag not in ("v", "vn") or verb in NO_ACTIONS or _SEEN.match(text) or len(text) < 3:
        return False
    brought = re.match(".{1,2}(?:到|成|给|在|进|入|为|回|上|下|出|掉|走|开|完|好|住)", inner)
    return bool(brought) and found[-1][0] not in PARTICLES | set("和与地得时后前")


def _verb_result(text: str, found: Tokens) -> bool:
    """A verb, or one with its complement, as 捡到."""
    plain = found[0][1] in ("v", "vn") and found[0][0] not in NO_ACTIONS
    return plain and 2 <= len(text) <= 3 and all(tag[0] in "va" for _, tag in found)


def _clause(text: str, found: Tokens) -> bool:
    first, tag = found[0]
    last, end = found[-1]
    if first in CONNECTIVES or tag in ("c", "uj", "ul", "y") or end == "c" or text.endswith("的话"):
        return False
    if last in PARTICLES | set("时后前之当") | {"之后", "之前", "以后", "以前", "时候"} or end == "m":
        return False
    return not any(word in QUESTIONS or word in INNER for word, _ in found)


def _full_clause(text: str, found: Tokens) -> bool:
    """A clause that begins with its own subject."""
    first, tag = found[0]
    subject = _is_noun(tag) or tag in ("r", "t", "m", "b", "q") or first == "《" or text.startswith("里面的")
    described = tag == "a" and len(found) > 2 and _is_noun(found[1][1])
    return (subject or described) and first not in ("请", "把", "被", "将", "由") and _clause(text, found)


def _told(text: str, found: Tokens) -> bool:
    """A full clause with something like a verb."""
    return _full_clause(text, found) and _says(found)


def _own_told(text: str, found: Tokens) -> bool:
    """A clause that tells something of its own subject, behind a connective or not."""
    if len(found) > 1 and found[0][0] in OPENING:
        found = found[1:]
    return _told(_text(found), found)


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
    return len(found) == 1 and found[0][1] in ("v", "vn", "vd", "vi", "vg") and text not in NO_ACTIONS


def _text(found: Tokens) -> str:
    return "".join(word for word, _ in found)


KINDS: dict[str, Callable[[str, Tokens], bool]] = {
    "": lambda text, found: True,
    "n": _noun,
    "n2": _long_noun,
    "n1": lambda text, found: len(found) == 1 and _long_noun(text, found),
    "o": _object,
    "rn": _subject,
    "cp": _noun,
    "nm": _named,
    "v": _verb,
    "a": lambda text, found: len(found) == 1 and found[0][1] in ("a", "an", "ad", "z"),
    "d": lambda text, found: len(found) == 1 and found[0][1] in ("d", "ad", "vd"),
    "z": _adverbial,
    "t": lambda text, found: bool(TIME.fullmatch(text)),
    "tp": lambda text, found: bool(TIMED.fullmatch(text)),
    "du": lambda text, found: bool(DURATION.fullmatch(text)),
    "am": lambda text, found: bool(AMOUNT.fullmatch(text)),
    "m": lambda text, found: bool(QUANTITY.fullmatch(text)),
    "s": _place,
    "lo": _located,
    "vp": _predicate,
    "pd": _whole_predicate,
    "w": _plain_predicate,
    "vo": _verb_object,
    "rs": _result,
    "vr": _verb_result,
    "bp": _disposal,
    "f": _clause,
    "b": _clause,
    "e": _told,
    "ow": _own_told,
    "c": _full_clause,
    "g": _event,
}
