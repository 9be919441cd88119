"""Counts of what an article lists, which a title may give although the article does not."""

from __future__ import annotations

import pytest

from textgen.text.checks.editor import flags

LISTS = [
    "本文介绍一些插件，每个都免费。\n① 甲插件，它能查错字。\n② 乙插件，它能画图。\n③ 丙插件\n④ 丁插件",
    "本文介绍插件。\n甲\n它能查错字。\n乙\n它能画图。\n丙\n它能计数。\n丁\n它能翻译。",
    "这些插件都免费。\n查错字\n前两款能查。\n画图\n后两款能画。",  # several may stand below one heading
]


@pytest.mark.parametrize("article", LISTS)
def test_a_title_may_count_what_the_article_lists(article: str) -> None:
    assert flags("4 款免费插件", article) == flags("推荐四个免费的插件（附图）", article) == ()
    assert flags("9 款免费插件", article) == ("number",)
    assert flags("4 款字体", article) == ("number",)  # nothing is said of them
    assert flags("4 元免费插件", article) == ("number",)
    assert flags("4 款免费插件", f"{article}\n本文介绍6款免费插件。") == ("number",)


def test_a_title_may_not_count_what_is_not_listed() -> None:
    assert flags("公司推出9款插件", "公司推出插件，用户很满意。") == ("number",)
    assert flags("公司推出4款插件", "公司推出这些插件。\n用户很满意。") == ("number",)
    for length, allowed in ((20, ()), (21, ("number",))):
        many = "本文介绍插件。\n" + "• 查错字\n" * length
        assert flags(f"{length} 款插件", many) == allowed
        assert flags("1.5 款插件", many) == ("number",)


@pytest.mark.parametrize("article", LISTS[:2])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_title_counts_all_that_is_listed_and_no_more(article: str, count: int) -> None:
    marked = article.replace("一些", "")  # else several may stand below each heading
    assert flags(f"{count} 款免费插件", marked) == ("number",)
    steps = "年糕分几步做出：\n第一步，磨粉。\n第二步，和面。\n第三步，蒸熟。\n第四步，切片。"
    assert flags("四步做出年糕", steps) == ()
    assert flags(f"{count}步做出年糕", steps) == ("number",)


def test_kinds_of_marks_are_counted_apart_and_a_conclusion_is_no_item() -> None:
    steps = (
        "做年糕的窍门如下。\n一、准备\n1. 磨粉\n2. 和面\n3. 放糖\n二、蒸\n1. 上锅\n2. 切片\n总结\n很简单。"
    )
    assert flags("两个做年糕的窍门", steps) == flags("5个做年糕的窍门", steps) == ()
    assert flags("7个做年糕的窍门", steps) == flags("3个做年糕的窍门", steps) == ("number",)
    headings = "本文说窍门。\n磨粉\n磨得细。\n和面\n和得软。\n总结\n很简单。"
    assert flags("两个窍门", headings) == ()
    assert flags("三个窍门", headings) == ("number",)


def test_a_heading_below_each_item_is_none() -> None:
    tools = "本文介绍工具。\n甲\n它能画图。\n安装\n用命令装。\n乙\n它能写字。\n安装\n用商店装。"
    assert flags("2 个好工具", tools) == ()
    assert flags("4 个好工具", tools) == flags("3 个好工具", tools) == ("number",)


def test_a_numbered_list_may_have_lost_its_end() -> None:
    tools = "本文介绍工具。\n5. 甲\n它能画图。\n4. 乙\n它能写字。\n3. 丙"
    assert flags("5 个好工具", tools) == ()
    assert flags("4 个好工具", tools) == ("number",)


@pytest.mark.parametrize("date", ["2024年3月5日", "3月5日", "三月五日", "5日3时", "2024-03-05"])
def test_a_date_counts_nothing(date: str) -> None:
    article = f"{date}，多位居民获救。"
    assert flags("5位居民获救", article) == flags("3个居民获救", article) == ("number",)
    assert flags("连续3个月有居民获救", f"3月，{article}") == (), "but months"


HEADED = "2024-03-05 09:10\n来源：江边晚报\n记者 王某\n{}多位工人受伤，多个居民获救。\n\n摄影/李某\n{}"


@pytest.mark.parametrize("title", ["致2位工人受伤", "3例工人死亡", "3个居民获救", "4个居民获救", "两大工人"])
def test_lines_of_the_makers_are_no_list(title: str) -> None:
    lines = "江边大火\n图片报道\n"
    assert flags(title, HEADED.format(lines, lines)) == ("number",)


def test_an_address_is_no_list() -> None:
    review = "这家餐厅很好，老板都客气。\n地址：南街\n人均：90元\n菜式：面点\n推荐：汤面\n面很软。"
    assert flags("4个餐厅老板", review) == flags("3位餐厅老板", review) == ("number",)
    tools = "本文介绍工具。\n甲：能画图\n它很快。\n乙：能播放\n它很小。\n丙：能写字\n它很新。"
    assert flags("3 个好工具", tools) == ()
