"""Names of people, places and organisations, and directions.

jieba's parts of speech are the evidence. They are noisy: its dictionary has 毛巾 and 原谅 as people and 墨水
as a place, and what it guesses is often no name. So a person's name begins with a surname, and words that
are no names are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from textgen.text.facts.fact import Fact, Words, listed
from textgen.text.words import is_word

_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪"
    "田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文欧阳诸葛司马上官"
)
# those with which the dictionary's words of two characters are mostly people
_PLAIN = frozenset("王李张刘陈赵吴徐孙郑冯邓袁彭吕蒋蔡魏薛潘姚谭邹郝崔邱邵贺赖龚宋郭韩曹")
_COMPOUND = ("欧阳", "诸葛", "司马", "上官", "司徒", "皇甫", "尉迟", "夏侯", "慕容")
_GIVEN = frozenset("明红兰刚丽华芳军强雅婷敏伟静燕玲英梅娟萍霞杰涛勇鹏飞宇晨东玉琴云平亮磊超峰") | _SURNAMES
_TITLES = (
    "老师|先生|女士|小姐|太太|夫人|同学|同志|医生|大夫|护士|教授|博士|院士|经理|总经理|主任|师傅|校长|院长|市长|省长|县长|镇长|村长|局长"
    "|处长|科长|部长|队长|班长|组长|厂长|行长|教练|阿姨|叔叔|伯伯|奶奶|爷爷|大爷|大妈|大叔|大婶|大嫂|嫂|律师|记者|警官|法官|老板|总"
)
_TITLED = re.compile(rf"(?:{'|'.join(_COMPOUND)}|[{''.join(sorted(_SURNAMES))}])(?:{_TITLES})")
_TITLE = re.compile(_TITLES)
_PRONOUNS = listed("我 你 您 他 她 它 我们 你们 他们 她们 它们 咱 咱们")
_NO_PEOPLE = listed(
    """
    王朝 王爷 王公 王府 王子 王宫 王八 王后 王冠 李子 孙子 孙女 张贴 张开 张嘴 张口 张罗 张扬 张望 陈述
    陈列 陈设 陈旧 徐徐 许可 宋词 曹操 吴侬软语 郭城 黄金周 许可证 胡萝卜 金字塔 高新区 高高的 高压锅
    谢谢你 黄澄澄 白花花 金灿灿 毛茸茸 马铃薯 马尾松 白云 石榴树 金刚石 金元宝 孔雀舞 高尔夫 雷阵雨
    万元户 张家口 石家庄 马拉松 方便面 龙卷风 周围人 小雨 小雪 小麦 小米 小龙 小白 小金 小康 小方 小石
    小马 小熊 小江 小叶 小路 小田 小黄 小高 小钱 小文 小史 小万 小段 小常 小平 小红 小云 小东 老白 老高
    老黄 老钱
    """
) - {"小红", "小平", "曹操", "张家口", "石家庄"}
_NO_PLACES = listed(
    """
    城市 东西 平原 外国 爱国 自治州 英雄 朝廷 太阳 哥哥 海洋 自治县 湖泊 大桥 高原 上市 建国 美丽 山区
    江湖 大街 王国 开国 共和国 城镇 大都 京城 阿哥 庆典 南路 深度 山脉 回国 治安 大国 新鲜 古城 冰川
    长度 山水 长大 莫非 普及 商城 古典 高山 大海 山坡 河谷 上马 太平 福利 云集 青春 山河 神圣 新建 河口
    海峡 桥头堡 法西斯 中路 墨水 台风 内河 江山 阴阳 池河 云岭 大江 大河 小河 小山 大山 小镇 山村 小岛
    海岛 海湾 港口 码头 公园 广场 车站 首都 省城 县城 市区 郊区 城区 地区 特区 校区 社区 小区 国家 全国
    各国 我国 祖国 外地 本地 沙漠 草原 森林 丘陵 盆地 湿地 瀑布 温泉 花园 果园 老街 大道 路口 街道 村庄
    乡村 农村 故乡 家乡 大地 平安 安定 和平 宁静 长久 永久 长寿 吉祥 幸福 兴隆 丰收 光明 光荣 富裕 新年
    民主 团结 友谊 胜利 前进 建设 文明 红星 红旗 丰盛 惠民
    """
)
_AREA = re.compile(r".+(?:省|市|区|县|州|盟|旗|镇|乡|村|路|街|巷|港|岛|山|河|湖|江|海|桥|站|寺|关)")
_BODY = re.compile(
    r"(?:[省市区县])?(?:图书馆|博物馆|美术馆|体育馆|科技馆|纪念馆|文化馆|大学|学院|中学|小学|公司|集团|银行|医院|机场|火车站|汽车站|车站"
    r"|高铁站|公园|动物园|植物园|广场|大厦|大桥|港|地铁|公安局|教育局|法院|检察院|政府|委员会|协会|研究所|研究院|电视台|日报|晚报|出版社"
    r"|酒店|饭店|商场|超市|体育场|体育中心)"
)
_NO_BODIES = listed("中南部 联合会 国家机关 研究所 研究院 委员会 国家队 解放区 加油站")
_SIDE = re.compile(
    r"[东南西北左右](?:[南北上下])?(?:侧|边|面|方|部|岸|门|端|角|头|半部|手边)|[前后上下正侧内外]侧?(?:侧|方|端|排|门(?<![上下内外]门))"
    r"|[东西][南北]|楼[上下]|上游|下游|[上下]层|正[中前后]"
)


def names(text: str, words: Words, *, guessed: bool = True) -> Iterator[Fact]:
    """Find names of people, places, organisations, and directions.

    Args:
        text: Any text.
        words: Its words.
        guessed: Whether a word that no dictionary has may be a name where no title tells.
    """
    for n, (word, tag, start) in enumerate(zip(words.words, words.tags, words.starts, strict=True)):
        end = words.ends[n]
        if titled := _TITLED.match(text, start):
            yield Fact(start, titled.end(), "names", "person")
        elif (person_end := _person(words, n)) and (
            (title := _TITLE.match(text, person_end)) or guessed or is_word(text[start:person_end])
        ):
            yield Fact(start, title.end() if title else person_end, "names", "person")
        elif _SIDE.fullmatch(word):
            yield Fact(start, end, "names", "direction")
        elif tag.startswith("nt") and len(word) > 2 and word not in _NO_BODIES:
            yield Fact(start, end, "names", "organisation")
        elif _is_place(word, tag, guessed=guessed):
            body = _BODY.match(text, end)
            reason = "organisation" if body else "place"
            yield Fact(start, body.end() if body else end, "names", reason)
        elif tag == "nz" and len(word) > 1 and is_word(word) and word[-1] in "族语教":
            yield Fact(start, end, "names", "name")


def pronouns(words: Words) -> Iterator[Fact]:
    """Find personal pronouns, which stand for names."""
    for word, start, end in zip(words.words, words.starts, words.ends, strict=True):
        if word in _PRONOUNS:
            yield Fact(start, end, "names", "pronoun")


def _person(words: Words, n: int) -> int:
    """Where the name of a person ends that begins with a word; 0 if none does."""
    word, tag, end = words.words[n], words.tags[n], words.ends[n]
    if word in _NO_PEOPLE:
        return 0
    if tag.startswith("nr"):
        if tag == "nrfg" or (tag == "nrt" and len(word) > 2 and is_word(word)):
            return end
        surname = 2 if word.startswith(_COMPOUND) and len(word) > 2 else int(word[0] in _SURNAMES)
        given = len(word) - surname
        if (
            surname
            and 1 <= given <= 2
            and (given == 2 or surname == 2 or word[0] in _PLAIN or not is_word(word))
        ):
            return end
    if len(word) == 2 and word[0] in "小老阿" and word[1] in (_SURNAMES if word[0] == "老" else _GIVEN):
        return end if tag.startswith("nr") or not is_word(word) else 0
    if (word in _SURNAMES or word in _COMPOUND) and n + 1 < len(words.words):
        given_name, its_tag = words.words[n + 1], words.tags[n + 1]
        if len(given_name) <= 2 and its_tag.startswith("nr"):
            return words.ends[n + 1]
    return 0


def _is_place(word: str, tag: str, *, guessed: bool) -> bool:
    if not tag.startswith("ns") or len(word) < 2 or word in _NO_PLACES:
        return False
    return is_word(word) or (guessed and bool(_AREA.fullmatch(word)))
