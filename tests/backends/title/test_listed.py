"""`--one-of`: the lines of a list, ranked by what they have to do with the article."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import GPT2, network_of, save
from small_titles import make_title

import textgen
from textgen.backends.title.judges import READ, TitlePmi
from textgen.errors import UsageError
from textgen.models.scoring import sequence_logprobs
from textgen.options import TitleOptions
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model

FOOTBALL = (
    "昨晚的联赛中，主队三比一战胜来访的对手。前锋上半场头球破门，替补登场的边锋梅开二度，门将扑出一个点球。"
)
MONEY = "央行今日开展二千亿元逆回购操作，中标利率持平。受此影响，资金面宽松，股市收盘上涨，债券收益率下行。"
TOPICS = ("体育", "财经", "科技")


@pytest.fixture(scope="module")
def gpt2(small_models: Path) -> LoadedModel:
    return load_model(find_model(str(small_models / "gpt2")))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A title model of random weights: what it thinks of the lines does not matter."""
    return textgen.load(str(make_title(tmp_path_factory.mktemp("models") / "title")))


def test_it_is_the_gain_in_the_log_probability_of_the_article(gpt2: LoadedModel) -> None:
    """By the whole text's log-probability less that of its beginning, and for any number of lines."""
    lines = ["体育", "主队三比一战胜对手", "Linux 内核"]
    tokenizer, network, pmi = gpt2.tokenizer, gpt2.network, TitlePmi(gpt2.files)
    article = tokenizer.encode(FOOTBALL)

    def logprob(line: str) -> float:
        head = tokenizer.encode(line + "\n")
        bos = tokenizer.specials.bos
        whole, alone = sequence_logprobs(network, [], [[bos, *head, *article], [bos, *head]]).tolist()
        return whole - alone

    with torch.inference_mode():
        wanted = [logprob(line) - logprob("") for line in lines]
        found = pmi.scores(FOOTBALL, lines)
        assert found == pytest.approx(wanted, abs=2e-3)
        many = pmi.scores(FOOTBALL, [*lines, *(f"第{n}条" for n in range(20))])
        assert many[:3] == pytest.approx(found, abs=1e-3)
        assert pmi.scores(FOOTBALL * 9, lines) == pytest.approx(
            pmi.scores(tokenizer.decode(tokenizer.encode(FOOTBALL * 9)[:READ]), lines), abs=1e-4
        )


def test_topics_are_told_apart(small: Any) -> None:
    """Whatever the model that writes titles would write: this one knows nothing."""
    records = small.generate([FOOTBALL, MONEY], one_of=TOPICS, num_candidates=3)
    assert [record.candidates[0].text for record in records] == ["体育", "财经"]
    for record in records:
        assert {one.text for one in record.candidates} == set(TOPICS)
        assert {one.score_kind for one in record.candidates} == {"logprob(article|text)-logprob(article)"}
        assert {one.finish_reason for one in record.candidates} == {"stop"}
        scores = [one.score for one in record.candidates]
        assert scores == sorted(scores, reverse=True)
        assert record.model.count("+gpt2@sha256:") == 1
    (alone,) = small.generate(MONEY, one_of=TOPICS, num_candidates=3)
    assert [one.text for one in alone.candidates] == [one.text for one in records[1].candidates]


def test_the_order_of_the_list_does_not_matter(small: Any) -> None:
    one, other = (small.generate(FOOTBALL, one_of=lines)[0] for lines in (TOPICS, TOPICS[::-1]))
    assert one.candidates[0].text == other.candidates[0].text


def test_a_longer_list_is_searched_first(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("textgen.options.title", "textgen.backends.title.backend"):
        monkeypatch.setattr(f"{module}.LISTED", 8)
    lines = [f"第{n}条" for n in range(1, 17)]
    (record,) = small.generate(FOOTBALL, one_of=lines, num_candidates=2, max_new_tokens=12)
    assert all(one.text in lines for one in record.candidates)
    assert record.candidates[0].score_kind.startswith("logprob(article|")


def test_other_rankings_stay() -> None:
    assert TitleOptions(one_of=TOPICS).ranking == "pmi"
    assert TitleOptions(one_of=TOPICS).directions == ("l2r",)
    assert TitleOptions(one_of=TOPICS, decode="beam").ranking == "logprob"
    assert TitleOptions(one_of=TOPICS, rank="logprob").ranking == "logprob"
    assert TitleOptions(rank="pmi").directions == ("l2r",)


def test_lines_come_back_as_they_are_listed(small: Any) -> None:
    """Also for an article in traditional characters, whose titles are given back in those."""
    article = "昨晚的聯賽中，主隊三比一戰勝來訪的對手。前鋒上半場頭球破門，門將撲出一個點球。"
    [record] = small.generate(article, one_of=TOPICS, num_candidates=3)
    assert record.error is None
    assert {candidate.text for candidate in record.candidates} == set(TOPICS)


TRADITIONAL = ("體育", "財經", "後台頭髮")


@pytest.mark.parametrize("options", [{}, {"decode": "beam"}, {"rank": "blend", "decode": "beam", "beams": 4}])
def test_traditional_lines_come_back_as_they_are_listed(
    small: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """The models know simplified characters only."""
    with monkeypatch.context() as patch, pytest.raises(UsageError, match="cannot be written"):
        patch.setattr(small.reader, "_traditional", True)
        small.generate(FOOTBALL, one_of=TRADITIONAL, **options)
    [record] = small.generate(FOOTBALL, one_of=TRADITIONAL, num_candidates=3, **options)
    assert {candidate.text for candidate in record.candidates} == set(TRADITIONAL)


def test_gpt2_continues_with_traditional_lines(tmp_path: Path) -> None:
    toy = textgen.load(str(save(network_of(GPT2), GPT2, tmp_path / "gpt2")))
    [record] = toy.generate("今天", one_of=TRADITIONAL, decode="beam", num_candidates=3, max_new_tokens=20)
    assert {candidate.text for candidate in record.candidates} == {"今天" + text for text in TRADITIONAL}
