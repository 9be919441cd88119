"""Character ROUGE says what Google's rouge-score says."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from textgen.metrics.overlap import Rouge, mean_rouge, rouge


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


def test_long_texts_are_fast() -> None:
    generator = random.Random(0)
    left, right = ("".join(generator.choices("天地玄黄宇宙洪荒", k=5000)) for _ in range(2))
    start = time.perf_counter()
    rouge(left, right)
    assert time.perf_counter() - start < 1  # a plain table of 25 million cells takes several seconds


def test_mean_counts_each_row_the_same() -> None:
    score = mean_rouge(["abcd", "今天天气好"], ["dcba", "今天天气好"])
    assert score == Rouge(rouge1=1.0, rouge2=0.5, rougeL=0.625)


def test_mean_needs_pairs() -> None:
    with pytest.raises(ValueError, match="2 hypotheses but 1 references"):
        mean_rouge(["甲", "乙"], ["甲"])
    with pytest.raises(ValueError, match="no rows"):
        mean_rouge([], [])
