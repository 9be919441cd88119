"""What of a sentence is a fact, and what is not."""

from __future__ import annotations

import pytest

from textgen.text.facts.fact import KINDS, Fact
from textgen.text.facts.found import facts

KNOWN = {
    "numbers": [
        ("电池容量为5000毫安时，一度电是1千瓦时。", ["5000毫安时", "1千瓦时"]),
        ("车站离这里一千二百米，走路约二十分钟。", ["一千二百米", "约二十分钟"]),
        ("增长百分之十二点五，占三分之一，即１２．５％。", ["百分之十二点五", "三分之一", "１２．５％"]),
        ("第八课有两篇短文。", ["第八课", "两篇"]),
        ("这本書卖了兩萬本。", ["兩萬本"]),  # of mixed characters
        ("零下十度以下，比分是3比2。", ["零下十度以下", "3比2"]),
        ("她半年前来过，住了好几天。", ["半年前", "好几天"]),
        ("气温在15至20摄氏度之间。", ["15至20摄氏度之间"]),
        ("他在三号楼302室，电话010-55551234。", ["三号楼302室", "010-55551234"]),
        ("坐G102次列车，屏幕是4K的。", ["G102次", "4K"]),
        ("上周五下午三点一刻见。", ["上周五下午三点一刻"]),
        ("周三上午开会，周到的服务，一周三次。", ["周三上午", "一周三次"]),
        ("二〇二四年三月五日晚上七点半", ["二〇二四年三月五日晚上七点半"]),
        ("从七月一日到八月底，暑假很长。", ["七月一日到八月底", "暑假"]),
        ("中国庆祝节日，当年轻人回来的时候。", []),
        ("比去年同期多，今年秋季也是。", ["去年", "今年秋季"]),
        ("开封前摇匀，之后再收拾。", ["前", "之后"]),
        ("每人二十元，全市一共五百人。", ["每人二十元", "全市", "五百人"]),
        ("他十分高兴，一直在一边等，一点也不急，千万小心。", []),
        ("一旦下雨，大家一起进屋，多半要等一会儿。", []),
        ("一方面省钱，另一方面统一数据。", []),
    ],
    "names": [
        ("欧阳修和李明宇先生认识王老师、小李和老王。", ["欧阳修", "李明宇先生", "王老师", "小李", "老王"]),
        ("导演是年轻人林小舟。", ["林小舟"]),
        ("毛巾沾了墨水，请原谅，谢谢。", []),
        ("杭州市图书馆在浙江省，四川很远。", ["杭州市图书馆", "浙江省", "四川"]),
        ("台风过后，城市的大桥修好了。", []),
        ("她会说英语，读北京大学。", ["她", "英语", "北京大学"]),
        ("从南门进，书包在左侧，老人住楼上。", ["南门", "左侧", "楼上"]),
        ("东西很多，地方很小，上门服务。", []),
    ],
    "negation": [
        ("请您不要担心，我没有生病。", ["请", "不要", "没有"]),
        ("必须戴帽，严禁吸烟，不得入内。", ["必须", "严禁", "不得"]),
        ("可能不来了，别告诉他。", ["可能", "不来", "别"]),
        ("千万别忘，从来不急。", ["千万别", "从来不"]),
        ("他不但会写，而且特别好，真不错。", []),
        ("未来无论如何都告别不断的差别。", []),
    ],
    "quotes": [
        ("他说：“明天见。”我读《远山》和「春」。", ["“明天见。”", "《远山》", "「春」"]),
        ("他说“还没有说完", []),
    ],
    "latin": [
        ("耳机支持Bluetooth 5.0和Wi-Fi。", ["Bluetooth 5.0", "Wi-Fi"]),
        ("写信到info@example.com，见https://example.com/a?b=1。", ["info@example.com", "https://example.com/a?b=1"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "spans"),
    [(kind, text, spans) for kind, cases in KNOWN.items() for text, spans in cases],
)
def test_facts_are_found_by_kind(kind: str, text: str, spans: list[str]) -> None:
    found = facts(text, [one for one in KINDS if one == kind])
    assert [text[fact.start : fact.end] for fact in found] == spans
    assert {fact.kind for fact in found} <= {kind}


def test_facts_of_all_kinds_come_in_order_and_none_within_another() -> None:
    text = "王老师昨天说“三本书”，不是GPS。"
    assert facts(text) == [
        Fact(0, 3, "names", "person"),
        Fact(3, 5, "numbers", "time"),
        Fact(6, 11, "quotes", "quote"),
        Fact(12, 14, "negation", "negation"),
        Fact(14, 17, "latin", "word"),
    ]
    assert facts("") == facts("好。") == []


def test_words_that_no_dictionary_has_may_be_errors_where_a_text_has_some() -> None:
    text = "我很高心，李老湿教我们。"
    assert [text[fact.start : fact.end] for fact in facts(text, ["names"])] == ["我", "李老湿", "我们"]
    assert facts(text, ["names"], flawed=True) == []
    titled = "李明宇先生在杭州。"
    assert [fact.end for fact in facts(titled, ["names"], flawed=True)] == [5, 8]
