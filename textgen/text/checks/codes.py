"""Names and sizes written in letters and digits together: A320, G20, 5G, 120W."""

from __future__ import annotations

import re

_WIDTHS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width ones
_CODE = re.compile(r"(?<![a-z0-9.])(?=[a-z0-9.]*[a-z])(?=[a-z0-9.]*[0-9])[a-z0-9]+(?:\.[0-9]+)*[a-z0-9]*")
# 20km and 16GB are numbers, whose units may be written out; 30a are years that a study may add up
_SIZE = re.compile(r"[0-9.]+(?:[a-z]{2,}|a)")
_CLASSES = re.compile(r"[a-z]+|[0-9.]+")
# one letter behind a number may stand for a word
_WRITTEN_OUT = {
    "w": "瓦万",
    "k": "千",
    "m": "米兆",
    "g": "克",
    "l": "升",
    "v": "伏",
    "a": "安",
    "h": "小时",
    "s": "秒",
    "t": "吨",
    "d": "天维",
}


def unknown_code(title: str, article: str) -> bool:
    """Tell whether a title has a code that its article does not have.

    Case, width, and spaces and hyphens between letters and digits do not matter. A part of a longer code
    will do where letters meet digits: iPhone15 for iPhone15Pro, and not 200W for 1200W.

    Args:
        title: The title.
        article: The article.
    """
    codes = [
        code
        for code in _CODE.findall(_plain(title))
        if len(_CLASSES.findall(code)) > 1 and not _SIZE.fullmatch(code)
    ]
    return bool(codes) and not all(_stands_in(code, _plain(article)) for code in codes)


def _plain(text: str) -> str:
    return text.translate(_WIDTHS).lower()


def _stands_in(code: str, article: str) -> bool:
    parts = _CLASSES.findall(code)
    last = parts[-1]
    if len(parts) == 2 and last in _WRITTEN_OUT:
        last = rf"(?:{last}b?(?![a-z])|[{_WRITTEN_OUT[last]}])"
    else:
        last = re.escape(last) + ("(?![a-z0-9])" if last.isalpha() else r"(?!\.?[0-9])")
    before = "(?<![a-z])" if parts[0].isalpha() else "(?<![0-9.])"
    first = re.escape(parts[0])
    if parts[0].isalpha() and len(parts[0]) > 1:
        first = "[a-z ]*".join(parts[0]) + "[a-z]*"  # PS3 for PlayStation 3
    between = [first, *map(re.escape, parts[1:-1])]
    spelled = r"[\s_-]?".join([*between, last])
    return re.search(before + spelled, article) is not None
