"""ROUGE says what Google's rouge-score says, or what the package rouge 1.0.0 does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from textgen.metrics.overlap import Rouge, mean_rouge, rouge
from textgen.text.words import words


class Characters:
    def tokenize(self, text: str) -> list[str]:
        return [character for character in text if not character.isspace()]


SCORER = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Characters())


def google(hypothesis: str, reference: str) -> tuple[float, float, float]:
    scores = SCORER.score(reference, hypothesis)
    return tuple(scores[key].fmeasure for key in ("rouge1", "rouge2", "rougeL"))


def values(score: Rouge) -> tuple[float, float, float]:
    return (score.rouge1, score.rouge2, score.rougeL)


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("abcd", "dcba", (1.0, 0.0, 0.25)),
        ("aaab", "ab", (2 / 3, 0.5, 2 / 3)),
        ("今天天气好", "今天天气好", (1.0, 1.0, 1.0)),
        ("今 天\n天气\u3000好", "今天天气好", (1.0, 1.0, 1.0)),
        ("今天", "明日", (0.0, 0.0, 0.0)),
        ("Abc", "abc", (2 / 3, 0.5, 2 / 3)),
        ("好", "好", (1.0, 0.0, 1.0)),
        ("", "好", (0.0, 0.0, 0.0)),
        ("好", " ", (0.0, 0.0, 0.0)),
        ("", "", (0.0, 0.0, 0.0)),
    ],
)
def test_known_values(hypothesis: str, reference: str, expected: tuple[float, ...]) -> None:
    assert values(rouge(hypothesis, reference)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hypothesis", "reference"),
    [
        ("外交部发言人就地震发表谈话", "外交部发言人发表关于地震的谈话"),
        ("股市大跌，投资者损失惨重", "股市今日大跌 投资者惨"),
        ("中国队2比1战胜日本队", "中国女排3:1胜日本"),
        ("一二三一二三", "三二一三二一三"),
    ],
)
def test_chinese_as_google(hypothesis: str, reference: str) -> None:
    assert values(rouge(hypothesis, reference)) == pytest.approx(google(hypothesis, reference))


@given(st.text("天地 人ab"), st.text("天地 人ab"))
def test_any_text_as_google(hypothesis: str, reference: str) -> None:
    assert values(rouge(hypothesis, reference)) == pytest.approx(google(hypothesis, reference))


def test_long_random_texts_as_google() -> None:
    generator = random.Random(0)
    for size in (63, 64, 65, 130, 300):
        left, right = ("".join(generator.choices("天地玄黄宇宙洪荒", k=size)) for _ in range(2))
        assert values(rouge(left, right)) == pytest.approx(google(left, right))


def test_long_texts_take_no_table() -> None:
    """Units are compared a few times each; a plain table has 25 million cells."""
    compared = 0

    class Unit(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    generator = random.Random(0)
    left, right = ("".join(generator.choices("天地玄黄宇宙洪荒", k=5000)) for _ in range(2))
    assert rouge(left, right, segment=lambda text: [Unit(unit) for unit in text]) == rouge(left, right)
    assert 10_000 < compared < 500_000


def test_mean_counts_each_row_the_same() -> None:
    score = mean_rouge(["abcd", "今天天气好"], ["dcba", "今天天气好"])
    assert score == Rouge(rouge1=1.0, rouge2=0.5, rougeL=0.625)


def test_mean_needs_pairs() -> None:
    with pytest.raises(ValueError, match="2 hypotheses but 1 references"):
        mean_rouge(["甲", "乙"], ["甲"])
    with pytest.raises(ValueError, match="no rows"):
        mean_rouge([], [])


# what rouge 1.0.0 (on the package index, with Python 3.11) gives for `" ".join(text).lower()`
ROUGE_1_0_0 = [
    ("aaab", "ab", (0.6666666622222223, 0.4999999962500001, 0.999999995)),
    ("abcd", "dcba", (0.999999995, 0.0, 0.24999999500000009)),
    ("今天天气好", "今天天气好", (0.999999995, 0.999999995, 0.999999995)),
    ("好", "好", (0.999999995, 0.0, 0.999999995)),
    ("GPT发布", "gpt 发布新版", (0.8333333284722222, 0.7999999952000001, 0.8333333284722222)),
    ("甲.乙", "甲乙", (0.999999995, 0.999999995, 0.999999995)),
    ("甲乙.丙丁", "丙丁.甲乙", (0.999999995, 0.6666666616666668, 0.999999995)),
    ("版本3.0发布", "3.0版发布", (0.9090909041322315, 0.4444444395061729, 0.9090909041322315)),
    ("甲..", "甲.", (0.6666666622222223, 0.0, 0.6666666622222223)),
    ("甲. ", "甲.", (0.6666666622222223, 0.0, 0.6666666622222223)),
    (". ", "甲", (0.0, 0.0, 0.0)),
    ("甲", ".", (0.0, 0.0, 0.0)),
    ("", "甲", (0.0, 0.0, 0.0)),
    ("甲", "", (0.0, 0.0, 0.0)),
    ("山山水水山", "水山山水", (0.8888888839506174, 0.8571428522448981, 0.999999995)),
    ("一二三一二三", "三二一三二一三", (0.9230769181065088, 0.0, 0.999999995)),
    (
        "外交部发言人就地震发表谈话",
        "外交部发言人发表关于地震的谈话",
        (0.8571428521683674, 0.6153846104142012, 0.7692307642603551),
    ),
    ("U.S.股市大跌", "美股大跌", (0.5999999952, 0.24999999531250006, 0.5999999952)),
    ("İstanbul旅行", "istanbul之旅", (0.7999999950000002, 0.6666666616666668, 0.7999999950000002)),
    ("  春天 来了", "春天来了", (0.999999995, 0.999999995, 0.999999995)),
]


@pytest.mark.parametrize(("hypothesis", "reference", "expected"), ROUGE_1_0_0)
def test_the_set_variant_is_rouge_1_0_0_to_the_last_digit(
    hypothesis: str, reference: str, expected: tuple[float, ...]
) -> None:
    assert values(rouge(hypothesis, reference, variant="set")) == expected


@given(st.text("天地.人 aB"), st.text("天地.人 aB"))
def test_the_set_variant_finds_a_longest_common_subsequence(hypothesis: str, reference: str) -> None:
    """Against a plain table that is filled and walked back as the package does it, in other terms."""
    ours, theirs = (package_sentences(text) for text in (hypothesis, reference))
    score = rouge(hypothesis, reference, variant="set")
    if not ours or not theirs:
        assert values(score) == (0, 0, 0)
        return
    union = {unit for a in theirs for b in ours for unit in plain_subsequence(a, b)}
    precision = len(union) / len({unit for sentence in ours for unit in sentence})
    recall = len(union) / len({unit for sentence in theirs for unit in sentence})
    assert score.rougeL == 2.0 * ((precision * recall) / (precision + recall + 1e-8))


def package_sentences(text: str) -> list[list[str]]:
    parts = [part for part in " ".join(text).lower().split(".") if len(part) > 0]
    return [" ".join(part.split()).split(" ") for part in parts]


def plain_subsequence(x: list[str], y: list[str]) -> list[str]:
    table = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i, left in enumerate(x, 1):
        for j, right in enumerate(y, 1):
            same = table[i - 1][j - 1] + 1
            table[i][j] = same if left == right else max(table[i - 1][j], table[i][j - 1])
    found, i, j = [], len(x), len(y)
    while i and j:
        if x[i - 1] == y[j - 1]:
            found.append(x[i - 1])
            i, j = i - 1, j - 1
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    assert len(found) == table[-1][-1]
    return found


def test_words_instead_of_characters() -> None:
    score = rouge("北京大学的学生", "北京大学的老师", segment=words)
    assert values(score) == pytest.approx((2 / 3, 0.5, 2 / 3))  # 北京大学 | 的 | 学生
    assert values(rouge("我们 去 北京", "我们去北京", segment=words)) == (1, 1, 1)
    small = rouge("AI改变世界", "ai 改变世界", segment=words, variant="set")
    assert values(small) == pytest.approx((1, 1, 1))
    assert rouge("AI改变世界", "ai 改变世界", segment=words).rouge1 == pytest.approx(2 / 3)


class Words:
    def tokenize(self, text: str) -> list[str]:
        return [word for word in words(text) if not word.isspace()]


def test_words_as_google() -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Words())
    hypothesis, reference = "外交部发言人就北京地震发表谈话", "外交部 发言人发表关于北京地震的谈话"
    theirs = scorer.score(reference, hypothesis)
    expected = tuple(theirs[key].fmeasure for key in ("rouge1", "rouge2", "rougeL"))
    assert values(rouge(hypothesis, reference, segment=words)) == pytest.approx(expected)
    assert expected[0] > expected[1] > 0
