"""Which words say what a text is about."""

from textgen.text.content_words import content_words


def test_function_words_numbers_marks_and_single_characters_say_nothing() -> None:
    assert content_words("我们因为天气原因，取消了2026年的比赛。") == ("天气", "原因", "取消", "比赛")


def test_every_word_once_in_its_order() -> None:
    assert content_words("比赛取消，比赛重新开始") == ("比赛", "取消", "重新", "开始")
    assert content_words("") == ()
