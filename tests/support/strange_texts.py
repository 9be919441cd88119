"""Texts that a tokenizer may take for others."""

TEXTS = [
    "北京时间十一月二十一日，天气晴朗。",
    "Linux 内核 5.18 版本发布，支持 AMD GPU 与 RISC-V。",
    "iPhone售价￥5,999元，涨幅3.5%！",
    "第一段。\n第二段。\n\n空行之后。",
    "两个  空格，   三个空格 ",
    " 开头的空格\n 行首的空格",
    "全角ＡＢＣ１２３，半角ABC123",
    "表情😀和👨‍👩‍👧，旗帜🇨🇳，箭头→",
    "生僻字：𠮷野家、㐂、龘、彧",
    "“引号”‘单引号’——破折号……省略号《书名》",
    "制表\t符和回车\r\n换行",
    "naïve café Ω ≠ π，日本語のテキスト，한국어",
    "<0x41> 不是字节，a<b>c</b>",
    "e-mail: someone@example.org, http://example.org/?q=1&r=2",
    "。",
    "",
]
