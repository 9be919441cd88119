"""What an editor checks, on titles and articles made for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from textgen.text.checks.editor import CHECKS, Editor, flags

ARTICLE = (
    "青禾县2024年前三季度工业增加值同比增长百分之六点二，总额达1.2万亿元，耕种收综合机械化率提高至90%以上。"
    "县政府印发《促进消费的若干措施》，会后发布。长江流域防汛形势平稳。\n"
    "第八轮比赛中，海燕队以3比1获胜，取得四连胜，现场观众12,345人，注册球迷702642人。\n"
    "红烧茄子的做法很简单。用 LibreOffice 4.10 和 ApplePay 就能看 Kubernetes 的文档，目的明确。"
)
SOUND = [
    "前三季度工业增加值同比增长百分之六点二",
    "前三季度工业增加值增长6.2%",
    "工业总额达1.2万亿元",
    "综合机械化率提高至９０％",
    "第8轮海燕队3:1获胜",
    "海燕队取得四连胜",
    "现场观众1.2345万人",
    "超70万球迷注册",
    "统一步伐，一起努力，以防万一",
    "百年青禾，万里防汛",
    "促进消费：青禾县这样促进消费",
    "青禾县印发《促进消费的若干措施》",
    "红烧茄子的做法",
    "红烧茄子有何目的",
    "Kubernetes 文档怎么看",
    "用 Apple Pay 付款",
    "Don't Panic：茄子的做法",
    "我们是怎么做红烧茄子的",
    "天天防汛，一步一步来",
    "贺国强强调防汛",
    "茄子熟了",
    "青禾县的研究所",
    "区域防汛形势平稳",
    "政府印发若干措施",
    "一个人的防汛，一个人的和平",
    "青禾县青禾队——海燕队……Kubernetes 与 Kubernetes",
]
FAULTY = [
    ("前三季度工业增加值同比增长百分之六点", "number"),
    ("前三季度工业增加值同比增长百分之六", "number"),
    ("工业增加值同比增长6", "number"),
    ("工业增加值同比增长6.", "number"),
    ("工业总额达1.2万", "number"),
    ("青禾县提高至90%", "number"),
    ("海燕队1比3失利", "number"),
    ("海燕队取得五连胜", "number"),
    ("第七轮海燕队获胜", "number"),
    ("2023年工业增加值增长", "number"),
    ("青禾县3月工业增加值增长", "number"),  # the article has a third quarter
    ("LibreOffice 4.1 的文档", "number"),
    ("青禾县：促进消费的若干措施》发布", "mark"),
    ("青禾县印发《促进消费", "mark"),
    ("》促进消费《发布", "mark"),
    ("海燕队（女子获胜", "mark"),
    ('"促进消费发布', "mark"),
    ("长江流域江流域防汛形势", "repeat"),
    ("LibreOffice LibreOffice 的文档", "repeat"),
    ("Kubernetes 的文档和 Kubernetes 的文档", "repeat"),
    ("红烧茄茄子", "repeat"),
    ("防汛汛汛", "repeat"),
    ("海燕队豪取四连胜 海燕队夺得四连胜", "repeat"),
    ("海燕队豪取四连胜，海燕队夺得四连胜", "repeat"),
    ("长江流域安全，长江流域宁静", "repeat"),
    ("红烧牛牛茄子", "repeat"),  # jieba takes 牛牛 for a word, which no dictionary has
    ("长江流域防汛和长江流域防汛", "repeat"),
    ("防汛形势的防汛形势", "repeat"),
    ("Kubernet 的文档", "latin"),
    ("Office 的文档怎么看", "latin"),
    ("域防汛形势平稳", "beginning"),
    ("子的做法很简单", "beginning"),
    ("红烧茄子的做", "ending"),
    ("红烧茄子的", "ending"),
    ("海燕队以", "ending"),
    ("青禾县，", "ending"),
    ("茄子", "short"),
]


@pytest.mark.parametrize("title", SOUND)
def test_a_sound_title_has_no_flags(title: str) -> None:
    assert flags(title, ARTICLE) == ()


@pytest.mark.parametrize(("title", "check"), FAULTY)
def test_a_faulty_title_is_flagged(title: str, check: str) -> None:
    assert flags(title, ARTICLE) == (check,)


def test_flags_come_in_the_order_of_the_checks() -> None:
    assert flags("》6", ARTICLE) == ("number", "mark", "short")
    assert set(flags("》6", ARTICLE)) < set(CHECKS)
    assert flags(" ", ARTICLE) == ()


@pytest.mark.parametrize(
    "title",
    ["2031年规划发布", "二〇三一年规划发布", "公司2019年业绩增长", "公司2019年度业绩", "规划2031发布"],
)
@pytest.mark.parametrize("article", ["规划发布，今年业绩增长，明年更好。", "规划发布，公司2024年业绩增长。"])
def test_a_year_must_be_stated(title: str, article: str) -> None:
    assert flags(title, article) == ("number",)


def test_the_year_of_a_choice_may_be_new_where_none_is_stated() -> None:
    article = "我们评出了最佳插件。"
    assert flags("2018 年度最佳插件", article) == flags("2018年最佳插件", article) == ()
    assert flags("2018 年最差插件", article) == ("number",)
    assert flags("2018 年最佳插件", f"{article}本文写于2019年。") == ("number",)


@pytest.mark.parametrize(
    "date", ["发布于 2024-05-01", "2024/05/01 08:30", "二〇二四年五月一日", "2024.05.01"]
)
def test_the_line_of_the_date_states_the_year(date: str) -> None:
    article = f"{date}\n规划发布，公司业绩增长。"
    assert flags("2024年规划发布", article) == ()
    assert flags("2023年规划发布", article) == ("number",)


@pytest.mark.parametrize("article", ["3、4月开会。", "2024-03-15开会。", "三月开会。", "3月15号开会。"])
def test_a_month_is_stated_in_many_forms(article: str) -> None:
    assert flags("3月开会", article) == ()


@pytest.mark.parametrize(
    ("title", "article"),
    [
        ("上半年工业增加值同比增", "上半年工业增加值同比增长6%。"),  # 比增 is in the dictionary, too
        ("公司营收同比增", "公司营收同比增长。"),
        ("年糕的做", "年糕做法很简单，做法如下。"),
        ("教你年糕的做", "年糕做法很简单。"),  # the article has no 的做
        ("科学家开发电", "科学家开发电池。"),
        ("科学家开发电", "科学家开发了新电池。"),
        ("雨势作为", "雨势作为参考。"),
        ("雨不断地", "雨不断地下。"),
    ],
)
def test_a_cut_end_is_flagged(title: str, article: str) -> None:
    assert flags(title, article) == ("ending",)


@pytest.mark.parametrize(
    ("title", "article"),
    [
        ("一线城市房价跌", "一线城市房价下跌，跌幅扩大。"),
        ("学院成立15周年庆", "学院成立15周年，共同庆祝，来宾出席庆典。"),  # two words of the article go on
        ("科学家开发电", "科学家开发电池，也开发电。"),
        ("南昌发现古墓", "南昌发现古墓葬。"),
        ("大雨持续 波及多地", "浙苏等地大雨持续，多地受灾。"),
        ("大雨侵袭浙苏等地", "浙苏等地大雨持续，多地受灾。"),
        ("展现新作为", "展现新作为的时候到了。"),
    ],
)
def test_a_whole_end_is_sound(title: str, article: str) -> None:
    assert flags(title, article) == ()


@pytest.mark.parametrize(
    "title", ['12"屏幕上市', '12＂屏幕与"甲"系列上市', "1) 概述与说明", "一）概述与说明"]
)
def test_marks_of_inches_and_items_have_no_partner(title: str) -> None:
    assert flags(title, '12"屏幕上市，"甲"系列。\n1) 概述与说明') == ()


@pytest.mark.parametrize(
    ("title", "article"),
    [
        ('甲12"上市', '"甲12"上市。'),  # it closes a quote there
        ('13"屏幕与12屏幕', '13屏幕与12"屏幕。'),
        ("概述1) 与说明", "1) 概述与说明"),
    ],
)
def test_other_marks_have_one(title: str, article: str) -> None:
    assert flags(title, article) == ("mark",)


def test_the_dictionary_is_loaded_only_where_it_is_needed() -> None:
    script = (
        "import sys\n"
        "from textgen.text.checks.editor import flags\n"
        "assert flags('本市图书馆延长开放时间', '本市图书馆延长开放时间，今天开始。') == ()\n"
        "assert 'jieba' not in sys.modules\n"
        "assert flags('红烧茄子的做', '红烧茄子的做法') == ('ending',)\n"
        "assert 'jieba' in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("4月CPI上涨2.1%", "居民消费价格指数"),
        ("GDP同比上涨2.1%", "国内生产总值"),
        ("猪价上涨2.1%", "肉类价格"),
    ],
)
def test_what_rises_may_have_another_name_but_not_none(title: str, subject: str) -> None:
    article = f"临江市4月{subject}同比上涨2.1%。"
    assert flags(title, article) == ()
    for none in ("同比上涨2.1%", "4月同比上涨2.1%", "临江市4月上涨2.1%"):
        assert flags(none, article) == ("number",)
    assert flags("临江市4月上涨2.1%", "临江市上涨2.1%，今年4月。") == (), "the article names none"


@pytest.mark.parametrize(
    ("title", "article"),
    [
        ("微软Windows更新", "微软Windows10更新。"),
        ("iPhone更新", "iPhone15更新，iPhone15Pro也一样。"),
        ("iPhone更新", "iPhoneX更新。"),
        ("USB 接口说明", "USB3.0 接口说明。"),
        ("app开发入门", "apps开发入门。"),
        ("API设计入门", "APIs设计入门。"),
        ("AI来了", "OpenAI来了。"),
    ],
)
def test_a_word_of_letters_may_stand_without_its_number_or_plural(title: str, article: str) -> None:
    assert flags(title, article) == ()


@pytest.mark.parametrize(
    ("title", "article"),
    [
        ("用 Postgre 存数据", "用 PostgreSQL 存数据。"),
        ("用 Script 写程序", "用 JavaScript 写程序。"),  # another language
        ("用 Java 写程序", "用 JavaScript 写程序。"),
        ("MH37的数据", "MH370的数据。"),
        ("I来了", "OpenAI来了。"),
        ("acces 很快", "access 很快。"),
        ("Window 更新", "Windows10 更新。"),
    ],
)
def test_a_word_of_letters_may_not_be_cut(title: str, article: str) -> None:
    assert "latin" in flags(title, article)


HEDGED = [  # a title, and what its number may and may not stand for
    ("收入超70万元", "702642元", "692642元"),
    ("收入过百亿元", "137亿元", "97亿元"),
    ("收入不超过100亿元", "96亿元", "104亿元"),
    ("收入近100亿元", "91亿元", "103亿元"),
    ("门店将近200家", "187家", "203家"),
    ("门店逾180家", "187家", "177家"),
    ("门店突破180家", "187家", "177家"),
    ("门店不足190家", "187家", "193家"),
    ("门店约190家", "187家", "150家"),
    ("门店180家左右", "187家", "150家"),
    ("门店180家上下", "177家", "150家"),
    ("门店180来家", "187家", "150家"),
    # up or down by one of the last digit that is given
    ("占比超三成", "35.4%", "40.1%"),
    ("占比近四成", "35.4%", "29.9%"),
    ("超100万人报名", "143万人", "210万人"),
    ("逾2万人报名", "23,000人", "31,000人"),
    ("收入增逾一成", "12.6%", "9.6%"),
    ("超1000家门店", "1432家", "2432家"),
    ("近2万人报名", "17,000人", "9,000人"),
    ("近1000家门店", "790家", "432家"),
    ("上千人报名", "1235人", "935人"),
    ("上百家门店", "137家", "237家"),
    ("上万家门店", "1.2万家", "9900家"),
    ("门店180家以上", "187家", "177家"),
    ("门店180余家", "187家", "192家"),
    ("门店十几家", "17家", "21家"),
    ("门店几十家", "38家", "12家"),
    ("投资20多亿元", "27亿元", "31亿元"),
    ("项目历时三年多", "3.5年", "2.9年"),
    ("项目历时5个多月", "5.5个月", "4.5个月"),
    ("占比三成多", "37%", "29%"),
    ("60岁以上老人免费", "60岁", "65岁"),
    ("门店180家以上免费", "187家", "187家以上"),  # a limit is no number that may be rounded
]


@pytest.mark.parametrize(("title", "right", "wrong"), HEDGED)
def test_a_hedge_points_one_way(title: str, right: str, wrong: str) -> None:
    assert flags(title, f"据介绍，这里有{right}。") == ()
    assert flags(title, f"据介绍，这里有{wrong}。") == ("number",)


@pytest.mark.parametrize(
    "title",
    [
        "线上百家门店",
        "公司通过180项决议",
        "公司附近180家门店",
        "公司180人上下一心",
        "公司经过180天努力",
        "公司180家门店",
    ],
)
def test_what_is_no_hedge_excuses_no_number(title: str) -> None:
    assert flags(title, "公司有187项决议。") == ("number",)


def test_a_long_text_is_checked_in_reasonable_time() -> None:
    text = "".join(chr(0x4E00 + (n * n * 31 + n * 7) % 20_000) for n in range(3000))
    assert "repeat" not in flags(text, "甲")
    assert "repeat" in flags(text + text[:9], "甲")
    assert flags("！" * 3000, "甲") == ()
    assert flags("(" * 3000, "甲") == ("mark", "ending")


def test_traditional_titles_are_checked_like_simplified_ones() -> None:
    article = "環狀線將於明年開通，市政府已經宣佈這個消息。"
    assert flags("環狀線將於", article) == flags("环状线将于", article) == ("ending",)


def test_a_clear_end_needs_no_jieba(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> list[str]:
        raise AssertionError(f"jieba was loaded for {text}")

    monkeypatch.setattr("textgen.text.checks.edges.words", refuse)
    article = "工业增加值同比增长，水位预测方法简单。"
    assert flags("山区水位预测", article) == ()
    with pytest.raises(AssertionError, match="同比增"):
        flags("工业增加值同比增", article)


def test_a_word_that_goes_on_is_a_doubt() -> None:
    editor = Editor("青禾县启动规划编制工作。领导说，6.2%的目标很高。")
    for title, doubted in {
        "青禾县启动规划编制": True,
        "青禾县启动规划编制工作": False,
        "编制": False,
    }.items():
        assert editor.flags(title) == (() if len(title) > 2 else ("short",))
        assert editor.doubts(title) == doubted
    assert editor.doubts("目标超6%")
