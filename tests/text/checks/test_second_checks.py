"""The second checker of titles finds invented faults and passes sound titles."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ECONOMY = (
    "海州市统计局6日公布，2024年全市生产总值达1.2万亿元，比上年增长百分之六点二，就业率由84.5%提高至90%。"
    "全市16人获得表彰。海州市印发《关于支持小微企业发展的若干措施》，自3月1日起施行。全年接待游客1,200万人次。"
)
MATCH = (
    "在昨晚的足球联赛中，海州队以3比2战胜临江队，队长赵明第85分钟打入制胜球。主教练在新闻发布会上说，"
    "球队将继续努力。临江队五名球员受伤。赛后，运动员们高高兴兴地离开体育场。"
)
RIVER = "长江流域近日连降大雨，水利部启动应急响应。长江流域各地加强巡查，国家发展和改革委员会下拨救灾资金。"
RECIPE = "红烧茄子的做法：茄子切块，放盐腌十分钟，油热后下锅，加酱油、白糖，煮二十分钟，撒葱花出锅。"
TECH = (
    "本文介绍如何在 Ubuntu 22.04 上用 Docker 安装 PostgreSQL 数据库，并用 JavaScript 程序和 MH370 数据测试。"
)

BROKEN = [
    ("海州市生产总值增长百分之六点", ECONOMY, "number"),
    ("海州市生产总值增长百分之", ECONOMY, "number"),
    ("海州市生产总值增长百分之六", ECONOMY, "number"),
    ("海州市生产总值增长6.%", ECONOMY, "number"),
    ("海州市生产总值增长7.2%", ECONOMY, "number"),
    ("海州市生产总值达1.2万元", ECONOMY, "number"),
    ("海州市生产总值达2万亿元", ECONOMY, "number"),
    ("海州市24年生产总值公布", ECONOMY, "number"),
    ("海州市2023年生产总值公布", ECONOMY, "number"),
    ("海州市６人获得表彰", ECONOMY, "number"),
    ("海州市就业率提高到4.5%", ECONOMY, "number"),
    ("海州全年接待游客200万人次", ECONOMY, "number"),
    ("提高至90%", ECONOMY, "no_subject"),
    ("同比增长百分之六点二", ECONOMY, "no_subject"),
    ("海州市：关于支持小微企业发展的若干措施》发布", ECONOMY, "mark"),
    ("海州市印发《关于支持小微企业发展", ECONOMY, "mark"),
    ("海州市“小微企业》措施发布", ECONOMY, "mark"),
    ("海州市印发措施支持小微企业，", ECONOMY, "open_end"),
    ("海州市就业率和", ECONOMY, "open_end"),
    ("海州队3比1战胜临江队", MATCH, "number"),
    ("海州队三比一战胜临江队", MATCH, "number"),
    ("海州队战胜临江队3比", MATCH, "number"),
    ("临江队三名球员受伤", MATCH, "number"),
    ("海州队主教练出席新闻发布", MATCH, "word_end"),
    ("运动员们高高兴兴地离开体育", MATCH, "word_end"),
    ("海州队的的队长打入制胜球", MATCH, "repetition"),
    ("海州队战胜临江队海州队战胜临江队", MATCH, "repetition"),
    ("海州队继续努力，临江队球员受伤，海州队继续努力", MATCH, "repetition"),
    ("海州队将", MATCH, "open_end"),
    ("足球", MATCH, "short"),
    ("长江流域江域流域", RIVER, "repetition"),
    ("长江流域流域连降大雨", RIVER, "repetition"),
    ("水利部启动应急响应响应", RIVER, "repetition"),
    ("水利利部启动应急响应", RIVER, "repetition"),
    ("水利部启动应急响", RIVER, "word_end"),
    ("救灾资金由国家发展和改革委员", RIVER, "word_end"),
    ("雨", RIVER, "short"),
    ("红烧茄子的做的", RECIPE, "open_end"),
    ("红烧茄子的", RECIPE, "open_end"),
    ("红烧茄", RECIPE, "word_end"),
    ("红烧茄子煮三十分钟", RECIPE, "number"),
    ("如何在 Ubun 上安装数据库", TECH, "latin"),
    ("用 Docker 安装 Postgre", TECH, "latin"),
    ("用 Script 程序测试数据库", TECH, "latin"),
    ("用 MH37 数据测试数据库", TECH, "latin"),
    ("在 Ubuntu 22 上安装数据库", TECH, "number"),
    ("在 Ubuntu 上安装数据库（Docker", TECH, "mark"),
]

SOUND = [
    ("海州市２０２４年生产总值增长6.2％", ECONOMY),
    ("海州市生产总值达一点二万亿元", ECONOMY),
    ("海州就业率提高至百分之九十", ECONOMY),
    ("海州接待游客超1000万人次", ECONOMY),
    ("海州市印发《关于支持小微企业发展的若干措施》", ECONOMY),
    ("海州天天有新事，统一部署一起干", ECONOMY),
    ("海州就业一天比一天好", ECONOMY),
    ("海州队3:2胜临江队", MATCH),
    ("临江队5名球员受伤", MATCH),
    ("高高兴兴离开体育场", MATCH),
    ("海州队是怎么赢球的", MATCH),
    ("长江流域连降大雨", RIVER),
    ("红烧茄子的做法", RECIPE),
    ("4个步骤做好红烧茄子", RECIPE),
    ("如何在ubuntu 22.04上安装PostgreSQL", TECH),
]


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    """The benchmark as a module."""
    path = Path(__file__).parents[3] / "benchmarks" / "second_checks.py"
    spec = importlib.util.spec_from_file_location("second_checks", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("title", "article", "name"), BROKEN)
def test_a_fault_is_found(checker: ModuleType, title: str, article: str, name: str) -> None:
    assert name in checker.failed(title, article)


@pytest.mark.parametrize(("title", "article"), SOUND)
def test_a_sound_title_passes(checker: ModuleType, title: str, article: str) -> None:
    assert checker.failed(title, article) == ()
