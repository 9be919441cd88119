"""Expressions of time and number, as slots of patterns hold them."""

from __future__ import annotations

import re

NUMBER = "[0-9０-９〇零一二两三四五六七八九十百千]+"
YEAR = "[0-9０-９〇零一二三四五六七八九]{2,4}"  # not 两年, which is how long it took
_YEARS = f"去年|今年|明年|前年|后年|本年|当年|{YEAR}年|近年来|近年|年初|年底|年末"
_SEASONS = (
    "春天|夏天|秋天|冬天|春季|夏季|秋季|冬季|暑假|寒假|假期里?|春节|元旦|国庆节|中秋节|端午节|清明节|节日"
)
_MONTHS = f"本月|[上下]个?月|月初|月底|(?:农历|阴历|公历)?{NUMBER}月份?(?:初{NUMBER})?"
_WEEKS = (
    "[上下本这]?个?(?:周|星期|礼拜)[一二三四五六日天末]|[上下本这]个?(?:周|星期|礼拜|学期|季度|世纪)|周末"
)
_EACH = "每(?:个?(?:周|星期|礼拜)[一二三四五六日天末]|[天日晚]|个?(?:星期|月|周末)|[周年])"
# 三号 is a window or a train as often as a day, but behind a month
_DAYS = f"{NUMBER}日|(?<=月){NUMBER}号|[今昨明前后当]天|[今昨]日|[当今昨明]晚|今早|那天|这天"
_HOURS = (
    "白天|平时|早上|早晨|清晨|凌晨|上午|中午|下午|傍晚|晚上|夜里|夜间|深夜|半夜"
    f"|{NUMBER}[点时](?:半|钟|整|{NUMBER}分)?"
)
_NEAR = f"不久前|最近|目前|现在|如今|过去|当时|那时|那年|{NUMBER}(?:年|个月|天|周|个?小时|分钟)[前后]"

TIME = re.compile(
    f"(?:(?:{_YEARS}|{_NEAR}|{_MONTHS}|{_SEASONS}|{_WEEKS}|{_DAYS}|{_HOURS}|{_EACH})的?)+(?<!的)"
)
_BEHIND = "起|开始|以来|之前|以前|前|之后|以后|后|左右|前后|期间"
# a time with what tells how it is meant, as 从下月起
TIMED = re.compile(f"(?:从|自|在|到|直到)?{TIME.pattern}(?:{_BEHIND})?")
DURATION = re.compile(f"(?:{NUMBER}|几|半)多?(?:年|个月|天|周|个?星期|个?小时|分钟)")
AMOUNT = re.compile(rf"(?:约|大约|近)?{NUMBER}(?:\.[0-9]+)?(?:多|余)?[^\W\d]{{1,4}}")
QUANTITY = re.compile(
    f"(?:{NUMBER}|几|数|多)+[多余来]?[个本张件位名次项条座家份种只台辆间页年天月周倍岁米元套篇部场所层块遍]?"
)
