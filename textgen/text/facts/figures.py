"""Amounts with their units, ranks, shares, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textgen.text.facts.fact import Fact, Words, listed

HAN = "〇零一二三四五六七八九十百千万亿两"
ARABIC = r"\d+(?:[.,:]\d+)*"
_MANY = "[余多来几]"
_NUMERAL = (
    rf"(?:[百千万]分之[{HAN}\d]+(?:[点.][{HAN}\d]+)?|[{HAN}]+分之[{HAN}]+"
    rf"|{ARABIC}(?:%|‰|{_MANY}?[十百千]?[万亿]+)?|[{HAN}]+(?:点[{HAN}]+)?)"
)
_UNITS = sorted(
    listed(
        """
        元 块 块钱 角 毛钱 分钱 美元 欧元 日元 港元 米 厘米 毫米 分米 公里 千米 海里 里 里地 寸 英寸 尺
        英尺 丈 克 千克 公斤 斤 吨 毫克 升 毫升 度 摄氏度 ℃ °C ° 平方米 平方公里 立方米 平米 亩 公顷 瓦
        千瓦 伏 安 赫兹 兆 像素 小时 个小时 个半小时 个钟头 分钟 秒钟 秒 刻钟 天 日 周 个月 个星期 星期
        年 年级 年代 世纪 岁 季度 学期 点 时 夜 晚 周年 号 号楼 号线 室 楼 层 栋 幢 单元 班 级 路 站 页
        行 课 章 节 集 期 届 次 遍 趟 回 场 版 排 列 卷 册 讲 分 名 位 个 只 条 张 本 把 件 架 台 辆 艘
        座 间 家 所 门 户 人 口 群 队 组 批 种 类 项 份 篇 首 段 句 字 词 道 题 颗 粒 滴 棵 株 朵 片 瓶
        杯 碗 盘 盒 袋 箱 包 桶 壶 锅 套 双 对 副 支 枝 根 面 扇 幅 封 笔 步 倍 成 档 票 折 代 人次 顿
        阵 番 声 款 束 串 杆 匹 头 顶 床 盏 部 架次 等奖 等 线 区 市 省 县 国 村 镇
        毫安 毫安时 千瓦时 瓦时 安时 毫秒 微米 纳米 卡 千卡 大卡 焦 千焦 分贝 帧 英里
        节 盎司 加仑 克拉 磅 帕 千帕
        """
    ),
    key=len,
    reverse=True,
)
UNIT = "(?:" + "|".join(map(re.escape, _UNITS)) + ")"
# how near the number is, its sign and its rank belong to it
_BEFORE = (
    "(?P<before>第|初|零下|零上|负|约为?|大约|大概|将近|接近|近|超过|不到|不足|不超过|不少于|不低于|不高于|至少|最少"
    r"|最多|至多|起码|好(?=几)|上(?=[百千万])|[上下](?=一)|每|前|后|-|[Nn]o\.|[￥¥$€])"
)
_BEHIND = (
    "(?P<behind>以上|以下|以内|之内|以外|左右|上下|前后|不到|之多|之间|以前|以后|之前|之后"
    "|后|前|内|多|余|有余|整)"
)
_JOINT = r"(?:\s?(?:[-–—－~～至到比/×xX*:、])\s?)"
_SIZED = (
    rf"(?:{_NUMERAL}{_MANY}?|[几数半][十百千万]*{_MANY}?(?={UNIT})|每(?={UNIT}))\s?(?:[大小整]?{UNIT})?半?"
)
_AMOUNT = re.compile(rf"{_BEFORE}?(?P<core>{_SIZED}(?:{_JOINT}?第?{_SIZED})*){_BEHIND}?")
_SHARES = listed(
    """
    全部 所有 全体 全市 全国 全省 全县 全校 全班 全球 全世界 大部分 大多数 多数 少数 半数 部分 一部分
    绝大多数 绝大部分
    """
)
_LONE = re.compile(rf"[{HAN}]")
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9._/+#-]*\d)(?=[0-9._/+#-]*[A-Za-z])[A-Za-z0-9]+(?:[._/+#-][A-Za-z0-9]+)*"
    r"|(?<!\d)(?:\+?\d{2,4}[- ])?\d{3,4}[- ]\d{3,4}(?:[- ]\d{3,4})?(?!\d)"  # a telephone number
)
# words that hold a numeral and count nothing
_NO_NUMBERS = listed(
    """
    一些 一点 一点儿 一下 一下子 一样 一切 一起 一直 一般 一定 一边 一面 一旦 一向 一再 一同 一致 一律
    一道 一时 一会儿 一路 一番 一口气 一生 一带 一贯 一共 一概 一并 一齐 一心 一体 一系列 一方面 一连
    一味 一经 一度 一举 一流 一方 一把手 一家人 一家子 一头 一手 一声不吭 一点点 有一点 进一步 另一方面
    万一 万分 万物 十分 十足 十全十美 千万 一一 逐一 一定要 百姓 老百姓 百货 百科 百合 百般 百花 统一
    唯一 同一 专一 单一 之一 不一 万事 三明治 三角 三角形 四周 四处 四面 四季 五官 五彩 七彩 八卦 两边
    两旁 两侧 两面 半路 半空 零食 零件 零钱 零售 零用 亿万 千家万户 一步一步 一心一意 一日三餐 丢三落四
    乱七八糟 五颜六色 七上八下 四面八方 千方百计 三心二意 一五一十 多半 几乎 几何 初级 初步 一本正经
    一模一样 数学 数据 数字 数量 数码 数组 数次 一路上 一旁 一边倒 一阵子 一辈子 半边 半路上 一路平安
    千里 百分 一部分
    """
)


def amounts(text: str, words: Words) -> Iterator[Fact]:
    """Find amounts, ranks, codes and telephone numbers.

    A single Chinese numeral counts with a unit or a measure word behind it, or 第 and the like before it.

    Args:
        text: Any text, its digits half-width.
        words: Its words.
    """
    for code in _CODE.finditer(text):
        yield Fact(code.start(), code.end(), "numbers", "code")
    for word, start, end in zip(words.words, words.starts, words.ends, strict=True):
        if word in _SHARES:
            yield Fact(start, end, "numbers", "share")
    none = {
        start: start + len(idiom)
        for word, tag, start in zip(words.words, words.tags, words.starts, strict=True)
        if (idiom := _idiom(word, tag))
    }
    at = 0
    found: re.Match[str] | None
    while found := _AMOUNT.search(text, at):
        start, end = found.span("core")
        if start in none and found["before"] != "第":
            at = none[start]
            continue
        at = max(end, at + 1)
        lone = _LONE.fullmatch(found["core"])
        if found["before"] and words.edge(found.start()):
            start = found.start()
        elif lone:
            continue
        if lone and found["before"] not in ("第", "初", "零下", "零上", "负"):
            continue
        if found["behind"] and words.edge(found.end()):
            end = at = found.end()
        yield Fact(start, end, "numbers", "number")


def _idiom(word: str, tag: str) -> str:
    """What a word begins with that holds a numeral and counts nothing, as 十分 in 十分高兴; or nothing."""
    if word in _NO_NUMBERS:
        return word
    sizes = range(2, len(word)) if not tag.startswith(("m", "t")) else ()
    return next((word[:size] for size in sizes if word[:size] in _NO_NUMBERS), "")
