"""The backends through the Python interface; what holds of any weights is shown on small ones."""

import random

import pytest
from small_titles import make_title

import textgen
from textgen.backends.title.room import RESERVED
from textgen.models.views import FRAME
from textgen.schema import Row

ARTICLES = [
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者参与服务。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。\n团队表示，量产还需要两年左右的时间。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队，获得冠军。",
    "Linux 内核 6.0 发布，改进了调度器，新增对多种 ARM 设备的支持。开发者说这是今年最大的一次更新。" * 4,
    "气象台预计，今夜到明天有大到暴雨，请市民减少外出。",
    "文化馆将于周六举办剪纸展览，展出作品一百二十件，市民可以免费参观。" * 6,
]
LONG = "\n".join(
    f"第{n}段先说第一件事情，内容是关于城市交通的。接着说第二件事情，讲的是市民的看法。" for n in range(40)
)


@pytest.fixture(scope="module")
def title(small_models):
    return textgen.load(str(small_models / "title"))


@pytest.fixture(scope="module")
def gpt2(small_models):
    return textgen.load(str(small_models / "gpt2"))


@pytest.fixture(scope="module")
def bert(small_models):
    return textgen.load(str(small_models / "bert"))


SETTINGS = {
    "title": [
        {},
        {"decode": "greedy", "direction": "r2l"},
        {"decode": "sample", "num_candidates": 2, "seed": 3, "top_k": 50},
        {"no_repeat_ngram": 2, "repetition_penalty": 1.2, "num_candidates": 3},
    ],
    "gpt2": [
        {"seed": 5, "num_candidates": 2},
        {"decode": "beam", "beams": 3, "no_repeat_ngram": 3},
        {"seed": 5, "end_at": "sentence", "repetition_penalty": 1.2, "no_repeat_ngram": 4},
    ],
    "bert": [{"seed": 9, "sweeps": 2}],
}
CASES = [(name, options) for name, settings in SETTINGS.items() for options in settings]
TEXTS = {
    "title": ARTICLES[2:5],  # two of one padded length, and a longer one
    "gpt2": ["", "春天", "今天的新闻说，", "一二三四五六七八九十" * 3, "He said ", "“你好"],
    "bert": [
        "今天天气很好。",
        "我们去公园散步吧，好吗？",
        "图书馆里很安静。",
        "Linux 很好用",
        "他说：“走吧。”",
        "好",
    ],
}
SHORT = {"title": {"max_new_tokens": 8}, "gpt2": {"max_new_tokens": 10, "end_at": "any"}, "bert": {}}


def check_rows_alone_together_and_shuffled(backend, texts, options):
    alone = [backend.generate(text, **options)[0].candidates for text in texts]
    together = [record.candidates for record in backend.generate(texts, **options)]
    assert together == alone  # scores bit for bit, too
    order = list(range(len(alone)))
    random.Random(1).shuffle(order)
    shuffled = backend.generate([texts[n] for n in order], batch_size=3, **options)
    assert [record.candidates for record in shuffled] == [alone[n] for n in order]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_row_is_the_same_in_any_batch_and_order(request, name, options):
    backend = request.getfixturevalue(name)
    check_rows_alone_together_and_shuffled(backend, TEXTS[name], SHORT[name] | options)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_so_it_is_with_the_shipped_weights(name, options):
    check_rows_alone_together_and_shuffled(textgen.load(name), TEXTS[name], SHORT[name] | options)


# of each model one setting, few texts and few tokens; wide networks round otherwise than small ones
@pytest.mark.parametrize(
    ("name", "texts", "options"),
    [
        ("title", ARTICLES[2:5:2], {"decode": "greedy", "direction": "r2l", "max_new_tokens": 4}),
        ("gpt2", TEXTS["gpt2"][:3], {"seed": 5, "num_candidates": 2, "max_new_tokens": 4}),
        ("bert", ["好天气。", "安静", "走吧走吧"], {"seed": 9, "sweeps": 1}),
    ],
)
def test_so_it_is_in_short_texts_with_the_shipped_weights(name, texts, options):
    check_rows_alone_together_and_shuffled(textgen.load(name), texts, SHORT[name] | options)


@pytest.mark.parametrize("name", ["title", "gpt2", "bert"])
def test_samples_follow_seed_text_and_id(request, name):
    backend = request.getfixturevalue(name)
    options = SHORT[name] | {"num_candidates": 3}
    options |= {"title": {"decode": "sample"}, "gpt2": {}, "bert": {"sweeps": 2}}[name]
    text = TEXTS[name][1]

    def texts(row, seed):
        return [c.text for c in backend.generate([row], seed=seed, **options)[0].candidates]

    first = texts(Row(text), 1)
    assert len(set(first)) > 1
    assert texts(Row(text, name="elsewhere"), 1) == first
    assert texts(Row(text), 2) != first
    assert texts(Row(text, id="x"), 1) != first
    assert texts(Row(text, id="x"), 1) == texts(Row(text, id="x", name="y"), 1)


def test_fresh_seeds_are_recorded_and_repeat(gpt2):
    first = gpt2.generate("春天", max_new_tokens=8)[0]
    assert gpt2.generate("春天", max_new_tokens=8, seed=first.seed)[0] == first
    assert gpt2.generate("春天", max_new_tokens=8, decode="greedy")[0].seed is None


def test_greedy_is_beam_of_one_and_cold_sampling(title, gpt2):
    for backend, text in ((title, ARTICLES[0]), (gpt2, "春天")):
        ends = {"end_at": "any"} if backend is gpt2 else {"checks": False}
        greedy = backend.generate(text, decode="greedy", max_new_tokens=10, **ends)[0].candidates[0]
        beam = backend.generate(text, decode="beam", beams=1, length_penalty=0, max_new_tokens=10, **ends)
        drawn = {"decode": "sample", "seed": 1, "temperature": 1e-4, "top_p": 1.0}
        cold = backend.generate(text, max_new_tokens=10, **drawn, **ends)
        assert beam[0].candidates[0].text == greedy.text == cold[0].candidates[0].text
        assert beam[0].candidates[0].logprob == pytest.approx(greedy.logprob, abs=1e-4)
        assert beam[0].candidates[0].score_kind == "logprob"


def test_titles_are_one_line_and_distinct(title):
    for record in title.generate(ARTICLES, decode="sample", seed=1, num_candidates=6, temperature=0.3):
        texts = [candidate.text for candidate in record.candidates]
        assert len(set(texts)) == len(texts)
        assert all(text and "\n" not in text and "<" not in text for text in texts)
        order = [(bool(c.flags), c.finish_reason == "length", -c.score) for c in record.candidates]
        assert order == sorted(order), "those that fail a check come last, and of each kind those cut short"


@pytest.mark.parametrize("how", ["head", "head-tail", "lead", "chunk"])
def test_long_articles(tmp_path, how):
    title = textgen.load(str(make_title(tmp_path / "title")))
    text = LONG[: len(LONG) // 4]
    events = []
    record = title.generate(text, long=how, max_new_tokens=12, beams=4, on_event=events.append)[0]
    assert record.candidates[0].text
    assert record.input_tokens == len(title.tokenizer.encode(text))
    shortened = [event for event in events if hasattr(event, "used")]
    if how == "chunk":
        assert record.used_tokens == record.input_tokens
        assert not shortened
    else:
        assert record.used_tokens <= 128 - RESERVED - FRAME
        assert [(e.used, e.tokens, e.how) for e in shortened] == [
            (record.used_tokens, record.input_tokens, how)
        ]


@pytest.mark.parametrize("decode", ["beam", "agree"])
def test_chunk_candidates_are_scored_on_one_view(title, decode):
    options = {"num_candidates": 4, "max_new_tokens": 12, "decode": decode}
    record = title.generate(LONG, long="chunk", **options)[0]
    done = [candidate for candidate in record.candidates if candidate.finish_reason == "stop"]
    order = [(bool(candidate.flags), -candidate.score) for candidate in done]
    assert len(record.candidates) == 4
    assert order == sorted(order)
    assert len(done) > 1
    listed = tuple(candidate.text for candidate in done)
    options |= {"num_candidates": len(done), "one_of": listed}
    again = title.generate(LONG, long="head-tail", **options)[0]
    view = {c.text: c.score for c in again.candidates}
    assert [c.score for c in done] == [pytest.approx(view[c.text], abs=1e-4) for c in done]


def test_streaming_is_generating(gpt2):
    for options in ({}, {"decode": "greedy"}, {"end_at": "sentence", "max_new_tokens": 12}):
        options = {"max_new_tokens": 24, "seed": 4, "end_at": "any"} | options
        parts = list(gpt2.stream("他说：“今天", **options))
        text = gpt2.generate("他说：“今天", **options)[0].candidates[0].text
        assert "他说：“今天" + "".join(parts) == text
        assert len(parts) > 1 or options["end_at"] == "sentence"


def test_stream_refuses_what_it_cannot_do(gpt2):
    with pytest.raises(textgen.UsageError, match="one text"):
        gpt2.stream("春天", num_candidates=2)
    with pytest.raises(textgen.UsageError, match="beam"):
        next(gpt2.stream("春天", decode="beam"))
    with pytest.raises(textgen.UsageError, match="sweeps"):
        gpt2.stream("春天", sweeps=2)


def test_a_bad_text_is_an_error_record_and_the_rest_goes_on(title):
    records = title.generate([ARTICLES[0], " ", "\ud800", ARTICLES[1]], decode="greedy", max_new_tokens=6)
    assert [bool(record.candidates) for record in records] == [True, False, False, True]
    assert "empty" in records[1].error
    assert "surrogate" in records[2].error


def test_a_prompt_too_long_keeps_its_end(gpt2):
    prompt = "今天天气很好。" * 200
    events = []
    record = gpt2.generate(prompt, max_new_tokens=4, seed=1, end_at="any", on_event=events.append)[0]
    assert record.candidates[0].text.startswith(prompt)
    assert record.used_tokens == 1024 - 4 - 1
    assert events[0].used == record.used_tokens
    with pytest.raises(textgen.UsageError, match="max_new_tokens"):
        gpt2.generate("好", max_new_tokens=1024)


def test_gibbs_keeps_what_it_may_not_touch(small_as_shipped):
    bert, text = textgen.load("bert"), "第一😀行\n第二行▁里"
    for candidate in bert.generate(text, seed=1, sweeps=3, num_candidates=2)[0].candidates:
        kept = [character for character in candidate.text if character in "😀\n▁"]
        assert kept == ["😀", "\n", "▁"]
        assert candidate.tokens == len(bert.tokenizer.encode(text.replace("😀", "")))  # emoji are not read


def test_gibbs_lengths_cover_their_range(bert):
    record = bert.generate("", length="3-5", sweeps=1, seed=2, num_candidates=24, burn_in=0)[0]
    assert {candidate.tokens for candidate in record.candidates} == {3, 4, 5}


def test_global_random_state_is_untouched(gpt2, bert):
    import torch

    before = torch.get_rng_state().clone(), random.getstate()
    gpt2.generate("春天", seed=1, max_new_tokens=4)
    bert.generate("", seed=1, sweeps=1, length=4)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


def test_no_text_of_gpt2_ends_inside_a_character(gpt2):
    prompts, wild = ["😀😃😄", "ψ中文α", "ｆｕｌｌ"], {"temperature": 20.0, "top_p": 1.0}
    for limit in (1, 2, 3, 4):
        records = gpt2.generate(
            prompts, **wild, seed=limit, max_new_tokens=limit, num_candidates=40, end_at="any"
        )
        assert all("\ufffd" not in candidate.text for record in records for candidate in record.candidates)


def test_a_bad_row_is_an_error_record_and_a_string_of_keywords_is_split(gpt2):
    rows = [
        textgen.Row("他说", keywords="水,火"),
        textgen.Row(None),
        textgen.Row("他说", keywords=("水", "火")),
    ]
    split, bad, listed = gpt2.generate(rows, decode="beam", beams=4, max_new_tokens=8)
    assert bad.error == "NoneType is not text"
    assert bad.id == "2"
    assert split == listed
    assert all(word in text.text for text in split.candidates for word in "水火")
    with pytest.raises(textgen.UsageError, match="int is not text"):
        gpt2.stream(5)
