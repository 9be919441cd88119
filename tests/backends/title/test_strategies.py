"""Every strategy, ranking and constraint through the Python interface."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from each_option import each_strategy

import textgen
from textgen.backends.title.backend import TitleBackend
from textgen.options import ContinueOptions, TitleOptions
from textgen.schema import Row
from textgen.store.load import LoadedModel

ARTICLES = [
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者参与服务。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。\n团队表示，量产还需要两年左右的时间。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队，获得冠军。",
    "Linux 内核 6.0 发布，改进了调度器，新增对多种 ARM 设备的支持。开发者说这是今年最大的一次更新。" * 4,
]
PROMPTS = ["春天", "今天的新闻说，", "一二三四五六七八九十" * 3, "He said "]
SHORT = {"max_new_tokens": 12}

TITLE: list[dict[str, Any]] = [
    *each_strategy(TitleOptions),
    {"decode": "agree", "num_candidates": 3},
    {"rank": "mbr"},
    {"decode": "sample", "rank": "blend", "seed": 2, "temperature": 0.7},
    {"decode": "bidirectional", "interaction": True},
    {"decode": "beam", "length_norm": "gnmt", "presence_penalty": 1.0, "frequency_penalty": 0.5},
    {"avoid": ("图书馆", "Linux"), "beams": 2},
    {"one_of": ("体育", "科技", "文化", "Linux 更新")},
]
GPT2: list[dict[str, Any]] = [
    *each_strategy(ContinueOptions),
    {"decode": "sample", "seed": 5, "eta_cutoff": 0.01, "min_new_tokens": 6, "end_at": "any"},
    {"decode": "beam", "keyword": ("山", "河水"), "no_repeat_ngram": 2},
]


@pytest.fixture(scope="module", params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def models(request: pytest.FixtureRequest, small_models: Path) -> dict[str, Any]:
    names = ("title", "gpt2")
    if request.param == "shipped":
        return {name: textgen.load(name) for name in names}
    return {name: textgen.load(str(small_models / name)) for name in names}


@pytest.fixture(scope="module")
def title(models: dict[str, Any]) -> Any:
    return models["title"]


@pytest.fixture(scope="module")
def gpt2(models: dict[str, Any]) -> Any:
    return models["gpt2"]


CASES = [("title", options) for options in TITLE] + [("gpt2", options) for options in GPT2]


# some of each model every day; the other searches are shown on tables of laws, too (tests/decoding)
DAILY = (
    ("title", {"decode": "bidirectional", "interaction": True}),
    *(("gpt2", options) for options in GPT2 if options["decode"] == "stochastic" or "eta_cutoff" in options),
)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(*case, marks=() if case in DAILY else pytest.mark.slow, id=" ".join(map(str, case)))
        for case in CASES
    ],
)
def test_a_row_is_the_same_in_any_batch_and_order(
    models: dict[str, Any], name: str, options: dict[str, Any]
) -> None:
    backend = models[name]
    texts = ARTICLES if name == "title" else PROMPTS
    options = SHORT | options
    alone = [backend.generate(text, **options)[0] for text in texts]
    assert [record.error for record in alone] == [None] * len(texts)
    order = random.Random(1).sample(range(len(texts)), len(texts))
    together = backend.generate([texts[n] for n in order], **options)
    assert [record.candidates for record in together] == [alone[n].candidates for n in order]
    for record in alone:
        found = [candidate.text for candidate in record.candidates]
        assert len(found) == len(set(found)) == options.get("num_candidates", 1)


def test_keywords_come_from_the_options_and_from_the_row(title: Any) -> None:
    rows = [
        Row(ARTICLES[0], keywords=("夜间", "志愿者")),
        Row(ARTICLES[0]),
        Row(ARTICLES[2], keywords=("冠军",)),
    ]
    for options in ({"beams": 3}, {"decode": "beam", "no_repeat_ngram": 2, "beams": 3}):
        options |= SHORT
        records = title.generate(rows, keyword=("周末",), num_candidates=2, **options)
        for row, record in zip(rows, records, strict=True):
            assert len(record.candidates) == 2
            for candidate in record.candidates:
                assert all(word in candidate.text for word in ("周末", *row.keywords)), candidate.text
        alone = [title.generate([row], keyword=("周末",), num_candidates=2, **options)[0] for row in rows]
        assert [r.candidates for r in alone] == [r.candidates for r in records]


@pytest.mark.slow
def test_keywords_in_order(title: Any) -> None:
    for words in (("志愿者", "图书馆"), ("图书馆", "志愿者")):
        for direction in ("l2r", "r2l"):
            record = title.generate(ARTICLES[0], keyword=words, ordered=True, direction=direction)[0]
            text = record.candidates[0].text
            assert words[1] in text[text.index(words[0]) + len(words[0]) :]  # it may stand before, too


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        (
            Row("春天来了。", keywords=("春天",)),
            {"decode": "sample"},
            "keywords do not go with decode sample",
        ),
        (Row("春天来了。", keywords=("春天",)), {"one_of": ("夏",)}, "keywords do not go with one_of"),
        (Row("春天来了。", keywords=("𠮷野家",)), {}, "𠮷野家 cannot be written"),
        (
            Row("春天来了。", keywords=("春天",)),
            {"avoid": ("春",)},
            "春天 contains 春, which is to be avoided",
        ),
        (Row("春天来了。", keywords=("春天" * 9,)), {}, "the keywords have 18 tokens"),
    ],
)
def test_keywords_that_cannot_be_met_are_an_error_of_their_row(
    title: Any, row: Row, options: dict[str, Any], message: str
) -> None:
    bad, good = title.generate([row, ARTICLES[2]], **SHORT | options)
    assert message in bad.error
    assert not bad.candidates
    assert good.error is None


@pytest.mark.slow
def test_avoided_words_are_in_no_candidate(title: Any) -> None:
    plain = title.generate(ARTICLES, num_candidates=4)
    words = [record.candidates[0].text[2:4] for record in plain]
    for options in ({"decode": "agree"}, {"decode": "sample", "seed": 1}, {"decode": "bidirectional"}):
        for record in title.generate(ARTICLES, num_candidates=4, avoid=words, max_new_tokens=16, **options):
            for candidate in record.candidates:
                assert not any(word in candidate.text for word in words)


def test_one_of_a_list(title: Any, gpt2: Any) -> None:
    topics = ("体育", "科技", "文化", "图书馆延长开放时间", "Linux 更新")
    for decode in ("greedy", "beam", "agree", "sample"):
        records = title.generate(ARTICLES[1:3], one_of=topics, decode=decode, seed=1)
        assert all(record.candidates[0].text in topics for record in records)
    best = [record.candidates[0].text for record in title.generate(ARTICLES, one_of=topics)]
    assert best[0] == "图书馆延长开放时间"
    assert best[3] == "Linux 更新"
    for candidate in gpt2.generate("一年之计在于", one_of=("春", "Tuesday"), num_candidates=2, seed=1)[
        0
    ].candidates:
        assert candidate.text.removeprefix("一年之计在于") in ("春", "Tuesday")


def test_a_text_that_cannot_be_written_is_none_to_choose_from(title: Any) -> None:
    with pytest.raises(textgen.UsageError, match=r"𠮷. cannot be written"):
        title.generate(ARTICLES[0], one_of=("𠮷",))


def test_what_a_title_says_of_itself(title: Any) -> None:
    candidates = title.generate(ARTICLES[0], num_candidates=6, explain=True, **SHORT)[0].candidates
    assert {candidate.direction for candidate in candidates} <= {"l2r", "r2l", "both"}
    assert len({candidate.direction for candidate in candidates}) > 1
    for candidate in candidates:
        known = sum(character in ARTICLES[0] for character in candidate.text)
        assert candidate.copied == pytest.approx(known / len(candidate.text))
        for span in candidate.support:
            found = candidate.text[span.start : span.end]
            assert ARTICLES[0][span.source_start : span.source_end] == found
    assert title.generate(ARTICLES[0], **SHORT)[0].candidates[0].support is None


@pytest.mark.slow
def test_agree_is_the_sum_of_both_directions(title: Any) -> None:
    # written and read, a title is computed in two ways, whose last bits int8 would make thousandths
    title = textgen.load(title.model.files.name, precision="fp32")
    found = title.generate(ARTICLES[1], decode="agree", num_candidates=8)[0].candidates
    both = [candidate for candidate in found if candidate.finish_reason == "stop"]  # a cut title has no end
    assert both
    sums: dict[str, float] = {}
    for direction in ("l2r", "r2l"):
        options = {"one_of": tuple(c.text for c in both), "num_candidates": 8, "direction": direction}
        for candidate in title.generate(ARTICLES[1], decode="beam", beams=16, **options)[0].candidates:
            sums[candidate.text] = sums.get(candidate.text, 0.0) + candidate.logprob
    for candidate in both:
        assert candidate.score == pytest.approx(sums[candidate.text], abs=1e-3)
    order = [(bool(c.flags), -c.score) for c in both]
    assert order == sorted(order)


@pytest.mark.slow
def test_a_silent_bidirectional_beam_is_the_better_of_two_half_beams(title: Any) -> None:
    for article in ARTICLES[:2]:
        halves = [
            title.generate(article, decode="beam", beams=3, direction=direction)[0].candidates[0]
            for direction in ("l2r", "r2l")
        ]
        best = max(halves, key=lambda candidate: candidate.score)
        found = title.generate(article, decode="bidirectional", interaction=False, beams=6)[0].candidates[0]
        assert found.text == best.text
        assert found.direction == best.direction
        assert found.score == pytest.approx(best.score, abs=1e-4)
        assert found.score_kind == "mean_logprob"


def test_a_mixed_score_is_no_logprob(title: Any) -> None:
    found = title.generate(ARTICLES[1], decode="bidirectional", interaction=True)[0].candidates[0]
    assert found.logprob is None
    assert found.score_kind == "bidirectional_mean_logprob"


def test_the_untrained_interaction_is_told(title_model: LoadedModel) -> None:
    title = TitleBackend(title_model)
    events: list[Any] = []
    title.generate(ARTICLES[2], decode="bidirectional", on_event=events.append, **SHORT)
    assert any("not trained to write in both directions" in getattr(event, "text", "") for event in events)
    events.clear()
    title.generate(ARTICLES[2], decode="bidirectional", interaction=True, on_event=events.append, **SHORT)
    assert not any(hasattr(event, "text") for event in events)


def test_fewer_stochastic_samples_are_the_first_of_more(title: Any, gpt2: Any) -> None:
    for backend, text in ((gpt2, "春天"), (title, ARTICLES[0])):
        options = {"decode": "stochastic", "seed": 3, "max_new_tokens": 8}
        few, many = (
            {c.text for c in backend.generate(text, num_candidates=n, **options)[0].candidates}
            for n in (2, 5)
        )
        assert len(few) == 2
        assert few < many
        wide = backend.generate(text, num_candidates=2, beams=5, **options)[0].candidates
        assert {c.text for c in wide} == few


def test_a_greedy_loop_is_reported(gpt2: Any) -> None:
    found = gpt2.generate("一二三一二三一二三一二三一二三一二三", decode="greedy", max_new_tokens=200)[
        0
    ].candidates[0]
    assert found.finish_reason == "loop"
    assert found.tokens < 200


@pytest.mark.slow
def test_a_listed_text_is_no_loop(title: Any, gpt2: Any) -> None:
    laughing = "哈" * 40
    for decode in ("greedy", "sample", "beam"):
        for backend, text in ((title, ARTICLES[0]), (gpt2, "")):
            found = backend.generate(text, one_of=(laughing,), decode=decode, seed=1)[0].candidates[0]
            assert (found.text, found.finish_reason) == (laughing, "stop")


def test_overlapping_keywords_take_the_room_of_their_union(title: Any) -> None:
    keywords = ("夜间", "夜间开放", "夜间开放时间")
    record = title.generate(ARTICLES[0], keyword=keywords, max_new_tokens=8)[0]
    assert record.error is None
    assert keywords[-1] in record.candidates[0].text
    assert "have 6 tokens" in title.generate(ARTICLES[0], keyword=keywords, max_new_tokens=6)[0].error


def test_a_refill_keeps_groups_whole(title: Any) -> None:
    options = {"decode": "diverse", "groups": 3, "beams": 6, "diversity_penalty": 0.0, "num_candidates": 6}
    texts = [c.text for c in title.generate(ARTICLES[0], max_new_tokens=6, **options)[0].candidates]
    assert len(texts) == len(set(texts)) == 6


def test_equal_groups_are_made_up_for(gpt2: Any) -> None:
    options = {"decode": "diverse", "diversity_penalty": 0.0, "num_candidates": 3, "max_new_tokens": 6}
    texts = [c.text for c in gpt2.generate("春天", groups=3, beams=3, **options)[0].candidates]
    assert len(texts) == len(set(texts)) == 3


def test_an_odd_number_of_both_directions(title: Any) -> None:
    found = title.generate(ARTICLES[0], decode="bidirectional", num_candidates=5)[0].candidates
    assert len({candidate.text for candidate in found}) == 5


def test_score_and_logprob_are_of_one_direction(title: Any) -> None:
    listed = ("夜间开放", "图书馆", "志愿者服务", "开放时间延长")  # so that both find the same
    options = {"decode": "beam", "direction": "both", "one_of": listed, "num_candidates": 4}
    found = title.generate(ARTICLES[0], **options)[0].candidates
    assert any(candidate.direction == "both" for candidate in found)
    for candidate in found:
        assert candidate.score == pytest.approx(candidate.logprob / candidate.tokens, abs=1e-4)


def test_a_headline_left_out_supports_nothing(title: Any) -> None:
    text = "银河系漫游指南\n" + ARTICLES[0]
    found = title.generate(text, one_of=("银河系图书馆",), skip_first_line=True, explain=True)
    candidate = found[0].candidates[0]
    assert [text[s.source_start : s.source_end] for s in candidate.support] == ["图书馆"]
    assert candidate.copied == pytest.approx(0.5)


def test_gibbs_takes_no_keywords() -> None:
    record = textgen.load("bert").generate(Row("春天来了。", keywords=("夏",)), sweeps=1)[0]
    assert "keywords" in record.error
