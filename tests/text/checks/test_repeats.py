"""What a title may say twice, and what it may not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from textgen.text.checks.repeats import LONG, LONG_HAN, _twice, _twice_at_once, repeats

PARALLEL = [
    "最高人民法院、最高人民检察院联合发布规则",
    "中国科学院、中国科学技术大学合作",
    "Java、JavaScript有什么区别",
    "iPhone15、iPhone15Pro上市",
    "Python2、Python3对比",
    "2024年春节、2024年元宵节放假安排",
    "一线城市房价跌 二线城市房价涨",
    "广东新增本土确诊12例 广西新增本土确诊8例",
    "1-2月工业增加值增长5%，1-2月投资增长4%",
    "早上吃什么好？晚上吃什么好？",
    "一个人的防汛，一个人的和平",
]


@pytest.mark.parametrize("title", PARALLEL)
def test_parallel_clauses_may_begin_alike(title: str) -> None:
    assert not repeats(title, title)
    # not only because the article has them as they are
    pieces = "；".join(title[n : n + 8] for n in range(len(title)))
    assert not repeats(title, pieces)


RIVER = "江岸联队昨晚打了焦点战，取得五连胜。长江流域安全宁静。"


@pytest.mark.parametrize(
    "title",
    [
        "江岸联队焦点战 江岸联队取得五连胜",
        "江岸联队豪取五连胜 江岸联队夺得五连胜",
        "长江流域安全，长江流域宁静",
        "今年长江流域安全，去年长江流域安全",  # neither a number nor a word of the opposites
    ],
)
def test_a_clause_may_not_be_said_again(title: str) -> None:
    assert repeats(title, RIVER)
    assert not repeats(title, f"{RIVER}{title.replace(' ', '，')}。"), "the article has both clauses"


@pytest.mark.parametrize(
    "title",
    ["软软糯糯的年糕", "香香脆脆的锅巴", "村里年年丰收", "件件有回音", "说说我的大学", "一起研究研究年糕"],
)
def test_words_may_be_doubled(title: str) -> None:
    assert not repeats(title, "年糕")


@pytest.mark.parametrize(
    "title", ["红烧牛牛茄子", "防汛防汛研究", "启动响应响应", "年年年丰收", "糯糯的茄子子"]
)
def test_a_stutter_is_no_doubled_word(title: str) -> None:
    assert repeats(title, "年糕")


def twice_at_once(units: list[str], article: str) -> bool:
    """The definition, of all spans."""
    for start in range(len(units)):
        for size in range(1, (len(units) - start) // 2 + 1):
            span, text = units[start : start + size], "".join(units[start : start + size])
            if span != units[start + size : start + 2 * size] or not any(map(str.isalpha, text)):
                continue
            single = len(text) == 1 or (len(text) == 2 == size and (text[0] == "一" or 2 * text in article))
            if not single:
                return True
    return False


def comes_twice(units: list[str], least: int) -> bool:
    """The definition, of all pairs of spans that do not overlap."""
    spans = [(start, stop) for stop in range(len(units) + 1) for start in range(stop - 1)]
    return any(
        stop <= other and units[start:stop] == units[other : other + stop - start]
        for start, stop in spans
        if sum(min(len(unit), 2) for unit in units[start:stop]) >= least
        and sum("一" <= unit <= "龥" for unit in units[start:stop]) >= LONG_HAN
        for other in range(len(units) - (stop - start) + 1)
    )


@pytest.mark.parametrize("alphabet", ["甲一！", "甲乙", "甲乙丙丁", ["甲", "ab", "12", "！", "乙"]])
def test_repeats_are_those_of_the_plain_definition(alphabet: Sequence[str]) -> None:
    random, both = Random(1), set()
    for _ in range(2000):
        units = random.choices(alphabet, k=random.randint(1, 12))
        found = _twice_at_once(units, "甲乙甲乙")
        assert found == twice_at_once(units, "甲乙甲乙"), units
        both.add(found)
    assert both == {True, False}


@pytest.mark.parametrize("least", [LONG - 1, LONG])
def test_long_repeats_are_those_of_the_plain_definition(least: int) -> None:
    random, found = Random(1), []
    for _ in range(2000):
        units = random.choices(["甲", "乙", "Ubuntu"], k=random.randint(1, 18))
        # a space keeps two words of letters apart, and is no unit
        found.append(any(_twice(" ".join(units), least)))
        assert found[-1] == comes_twice(units, least), units
    assert 100 < sum(found) < 1900


def test_names_that_share_a_part_are_no_repeat() -> None:
    article = "河北股权交易所迁址雄安，并更名为雄安股权交易所。"
    assert not repeats("河北股权交易所：迁址更名为雄安股权交易所", article)
    experts = "医疗救治专家组抵达，开展医疗救治工作。"
    assert not repeats("医疗救治专家组开展医疗救治工作", experts)
    assert repeats("医疗救治专家组开展医疗救治", experts)
    assert repeats("河北股权交易所：迁址更名为滨海股权交易所", article)
    assert repeats("股权交易所：迁址更名为雄安股权交易所", article)


def test_a_numeral_that_counts_nothing_is_no_contrast() -> None:
    article = "疯狂陨落，一百亿的单品破灭，现场热闹。"
    assert repeats("疯狂陨落一百亿单品，疯狂陨落一现场", article)
