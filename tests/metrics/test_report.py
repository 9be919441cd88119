"""All figures together: which rows count how, what is left out, and the shape of the JSON."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from textgen.errors import UsageError
from textgen.metrics import translation
from textgen.metrics.registry import metrics
from textgen.metrics.report import Report, evaluate
from textgen.metrics.statistics import Statistics, ratio
from textgen.metrics.tables import Prediction, Reference
from textgen.options import EvalOptions

FEW = {"few-rows": "fewer than 20 rows: the intervals are too narrow"}


def predicted(**texts: str | None) -> dict[str, Prediction]:
    return {name: Prediction(name, text or "", failed=text is None) for name, text in texts.items()}


def wanted(**texts: str) -> dict[str, Reference]:
    return {name: Reference(name, text) for name, text in texts.items()}


REFERENCES = wanted(a="今天天气好", b="秋粮丰收", c="地铁开通", d="球队夺冠")


PERFECT = predicted(**{name: row.text for name, row in REFERENCES.items()})


def test_the_same_text_is_perfect() -> None:
    report = evaluate(PERFECT, REFERENCES)
    others = {"distinct-1": 100 * 16 / 17, "repetition": 0, "self-bleu": report.metrics["self-bleu"]}
    assert report.metrics == pytest.approx(dict.fromkeys(report.metrics, 100) | others)
    assert (report.rows, report.missing, report.errors) == (4, 0, 0)


def test_rows_without_a_text_count_as_empty() -> None:
    report = evaluate(predicted(a="今天天气好", b=None, d="球队"), REFERENCES)
    assert (report.rows, report.missing, report.errors) == (4, 1, 1)
    assert report.metrics["rouge-1"] == pytest.approx(100 * (1 + 2 / 3) / 4)
    assert report.metrics["length-ratio"] == pytest.approx(100 * 7 / 17)
    assert report.metrics["distinct-1"] == pytest.approx(100 * 6 / 7)


def test_what_has_no_value_is_left_out() -> None:
    found = evaluate(predicted(a="好"), wanted(a="今天天气好"))
    undefined = {"distinct-2", "self-bleu", "repetition"}  # of one text of one character
    assert set(found.metrics) == set(evaluate(PERFECT, REFERENCES).metrics) - undefined
    assert found.intervals == {}, "one row cannot tell how sure it is"


def test_source_and_keywords() -> None:
    references = {
        "a": Reference("a", "甲乙", "甲丙丁", ("甲乙", "丙")),
        "b": Reference("b", "甲乙", None, ("丁",)),
        "c": Reference("c", "甲乙", "戊", ()),
    }
    report = evaluate(predicted(a="甲乙丙", b="丁丁丁", c="己"), references)
    assert report.metrics["copied"] == pytest.approx(100 * 2 / 4)
    assert report.metrics["keyword-coverage"] == pytest.approx(100)
    report = evaluate(predicted(a="乙甲", b="丁"), references)
    assert report.metrics["keyword-coverage"] == pytest.approx(100 * 1 / 3)


def test_texts_that_fail_an_editors_check() -> None:
    article = "工业增加值同比增长百分之六点二，长江流域降水偏多。"
    references = {name: Reference(name, "标题", article) for name in "abcd"}
    references["e"] = Reference("e", "标题")
    texts = {"a": "工业增加值增长6.2%", "b": "工业增加值增长6%", "c": "长江流域江流域", "d": None, "e": "（"}
    report = evaluate(predicted(**texts), references)
    assert report.metrics["flagged"] == pytest.approx(100 * 2 / 3), "of the texts that have a source"
    assert "flagged" not in evaluate(predicted(e="（"), {"e": references["e"]}).metrics


def test_without_references() -> None:
    report = evaluate(predicted(a="今天天气好", b="今天下雨", c=None))
    assert list(report.metrics) == [name for name, metric in metrics().items() if metric.needs == "texts"]
    assert (report.rows, report.missing, report.errors) == (3, 0, 1)
    assert report.notes == FEW


def test_the_variant_and_the_units_are_told() -> None:
    predictions, references = predicted(a="天天向上", b="ABC"), wanted(a="天上", b="abc")
    plain = evaluate(predictions, references)
    other = evaluate(predictions, references, options=EvalOptions(rouge_variant="set", segment="jieba"))
    assert plain.notes == {"rouge-variant": "google", "segment": "char"} | FEW
    assert other.notes == {"rouge-variant": "set", "segment": "jieba"} | FEW
    assert plain.metrics["rouge-1"] == pytest.approx(100 * (4 / 6 + 0) / 2)
    assert other.metrics["rouge-1"] == pytest.approx(50)
    set_by_character = evaluate(predictions, references, options=EvalOptions(rouge_variant="set"))
    assert set_by_character.metrics["rouge-l"] == pytest.approx(100 * (0.8 + 1) / 2)


def judge(texts: Sequence[str]) -> Statistics:
    return ratio("judged", [(len(text), 1) for text in texts], scale=1)


def test_against_another_on_the_rows_of_both() -> None:
    ours = predicted(a="今天天气好", b="秋粮", d="球队夺冠")
    theirs = predicted(a="今天", c="地铁开通", d="球队夺冠")
    report = evaluate(ours, REFERENCES, against=theirs, judges=[judge])
    assert report.compared == 2
    assert report.against["rouge-1"].difference == pytest.approx(100 * (1 - 4 / 7) / 2)
    assert report.against["judged"].difference == pytest.approx((5 - 2) / 2)
    assert report.metrics["judged"] == pytest.approx((5 + 2 + 0 + 4) / 4)
    alone = evaluate(predicted(a="今天天气好", d="球队夺冠"), wanted(a="今天天气好", d="球队夺冠"))
    other = evaluate(predicted(a="今天", d="球队夺冠"), wanted(a="今天天气好", d="球队夺冠"))
    for name, found in report.against.items():
        if name != "judged":
            assert found.difference == pytest.approx(alone.metrics[name] - other.metrics[name]), name
    assert "self-bleu" in report.against


def test_nothing_in_common() -> None:
    with pytest.raises(UsageError, match="no id in common"):
        evaluate(predicted(a="今"), REFERENCES, against=predicted(b="天"))


@pytest.mark.parametrize(
    ("rows", "others", "few"),
    [
        (1, None, False),
        (2, None, True),
        (19, None, True),
        (20, None, False),
        (20, 19, True),
        (25, 20, False),
    ],
)
def test_few_rows_are_told(rows: int, others: int | None, few: bool) -> None:
    ours = predicted(**{f"r{n}": "天地人" for n in range(rows)})
    theirs = None if others is None else predicted(**{f"r{n}": "天地" for n in range(others)})
    assert ("few-rows" in evaluate(ours, against=theirs).notes) == few


def test_to_dict() -> None:
    report = evaluate(
        predicted(a="今天天气好", b="秋粮", c="地", d="冠军"), REFERENCES, against=predicted(a="今", b="秋")
    )
    found = report.to_dict()
    notes = ["rouge-variant", "segment", "few-rows"]
    known = ["rows", "missing", "errors", *report.metrics, *notes, "compared", "against", "ci"]
    assert list(found) == known
    assert found["rouge-1"] == 60  # (1 + 2/3 + 2/5 + 1/3) / 4
    assert set(found["ci"]) == set(report.metrics)
    for name, (low, high) in found["ci"].items():
        assert low <= found[name] <= high
    assert set(found["against"]["rouge-1"]) == {"difference", "low", "high", "p"}
    assert found["against"]["rouge-1"]["difference"] == 46.67  # (1 - 1/3 + 2/3 - 2/5) / 2


def test_the_seed_of_the_intervals() -> None:
    predictions = predicted(a="今天天", b="秋粮", c="地", d="冠军")

    def intervals(seed: int) -> Report:
        return evaluate(predictions, REFERENCES, options=EvalOptions(seed=seed))

    assert intervals(0) == evaluate(predictions, REFERENCES)
    assert intervals(1) != intervals(0)
    assert intervals(1).metrics == intervals(0).metrics


def test_a_sample_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation.sampled_rows, "__defaults__", (8,))
    report = evaluate(predicted(a="今天天气好", b="秋粮丰收", c="地铁", d="球队夺冠", e=None))
    assert report.notes == {"self-bleu-rows": 2} | FEW
    assert report.to_dict()["self-bleu-rows"] == 2
