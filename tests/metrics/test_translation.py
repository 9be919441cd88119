"""BLEU and chrF from counts are sacrebleu's over the same texts, also of any resample."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import corpus_bleu, corpus_chrf
from sacrebleu.metrics.bleu import BLEU

from textgen.metrics import translation
from textgen.metrics.statistics import Statistics
from textgen.metrics.translation import bleu, chrf, sampled_rows, self_bleu

TEXT = st.text("天地人山水，。a bC1.", max_size=12)
PAIRS = st.lists(st.tuples(TEXT, TEXT.filter(str.strip)), min_size=1, max_size=5)
CHINESE = [
    ("外交部发言人就地震发表谈话", "外交部发言人发表关于地震的谈话"),
    ("股市大跌，投资者损失惨重", "股市今日大跌 投资者惨"),
    ("", "中国女排3:1胜日本"),
    ("一二三一二三", "三二一三二一三"),
    ("GPT-4 发布", "OpenAI发布GPT-4"),
]


def theirs(hypotheses: list[str], references: list[str]) -> tuple[float, float]:
    scores = (
        corpus_bleu(hypotheses, [references], tokenize="zh"),
        corpus_chrf(hypotheses, [references]),
    )
    return scores[0].score, scores[1].score


def ours(hypotheses: list[str], references: list[str]) -> tuple[Statistics, Statistics]:
    return bleu(hypotheses, references), chrf(hypotheses, references)


def test_chinese_as_sacrebleu() -> None:
    hypotheses, references = (list(side) for side in zip(*CHINESE, strict=True))
    found = tuple(statistics.value for statistics in ours(hypotheses, references))
    assert found == pytest.approx(theirs(hypotheses, references))
    assert all(value is not None and 20 < value < 60 for value in found)


@settings(max_examples=60)
@given(PAIRS, st.data())
def test_any_resample_as_sacrebleu(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    hypotheses, references = (list(side) for side in zip(*pairs, strict=True))
    rows = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, max_size=8))
    expected = theirs([hypotheses[row] for row in rows], [references[row] for row in rows])
    for statistics, value in zip(ours(hypotheses, references), expected, strict=True):
        sums = [float(sum(column)) for column in zip(*(statistics.counts[row] for row in rows), strict=True)]
        assert statistics.score(sums) == pytest.approx(value)
        assert statistics.at(rows).value == pytest.approx(value)


def test_the_same_text_is_perfect_and_none_is_nothing() -> None:
    texts = ["今天的天气真好啊", "明天也会很好"]
    assert [statistics.value for statistics in ours(texts, texts)] == pytest.approx([100, 100])
    assert [statistics.value for statistics in ours(["", ""], texts)] == [0, 0]
    assert [statistics.value for statistics in ours([], [])] == [None, None]


def by_sacrebleu(texts: list[str]) -> list[float]:
    metric = BLEU(tokenize="zh", effective_order=True)
    alone = [texts[:row] + texts[row + 1 :] for row in range(len(texts))]
    return [metric.sentence_score(text, rest).score for text, rest in zip(texts, alone, strict=True)]


@settings(max_examples=60)
@given(st.lists(st.text("天地人山水，a ", min_size=1, max_size=10).filter(str.strip), min_size=2, max_size=6))
def test_self_bleu_is_sentence_bleu_against_all_others(texts: list[str]) -> None:
    statistics = self_bleu(texts)
    assert [100 * score for score, _ in statistics.counts] == pytest.approx(by_sacrebleu(texts))
    assert statistics.value == pytest.approx(sum(by_sacrebleu(texts)) / len(texts))


def test_self_bleu_leaves_out_blank_texts() -> None:
    assert self_bleu(["天地人山水", " ", "天地人山水", ""]).value == pytest.approx(100)
    assert self_bleu(["天地人山水", ""]).value is None
    assert self_bleu([]).value is None


def test_self_bleu_of_many_texts_is_that_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{first}{second}山水天地" for first in "甲乙丙丁戊己庚辛" for second in "春夏秋冬"]
    assert sampled_rows(texts) == list(range(32))
    assert sampled_rows(texts, 6 * 8) == [0, 4, 8, 12, 16, 20, 24, 28]
    assert sampled_rows(["", *texts, " "], 6 * 8) == [1, 5, 9, 13, 17, 21, 25, 29]
    monkeypatch.setattr(translation.sampled_rows, "__defaults__", (6 * 8,))
    statistics = self_bleu(texts)
    assert [row for row, (_, counted) in enumerate(statistics.counts) if counted] == sampled_rows(texts)
    assert statistics.value == pytest.approx(self_bleu(texts[::4]).value)
