"""Ranking, constraints and explanations from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ARTICLE = (
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"
    "馆方说，新增的时段由志愿者参与服务。"
)
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
SHORT = ("--max-new-tokens", "14", "-q")
NARROW = ("--beams", "2")


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def candidates(result: tuple[int, str, str]) -> list[dict[str, Any]]:
    assert result[0] == 0, result
    found: list[dict[str, Any]] = json.loads(result[1])["candidates"]
    return found


@small
@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ((), "expected_rouge_l+0.2*mean_logprob"),
        (("--rank", "mbr"), "expected_rouge_l"),
        (("--decode", "agree"), "logprob_l2r+logprob_r2l"),
        (("--decode", "beam"), "mean_logprob"),
        (("--decode", "beam", "--length-norm", "gnmt"), "logprob/((5+tokens)/6)^1"),
        (("--decode", "diverse", "--presence-penalty", "1"), "penalized_mean_logprob"),
        (("--decode", "bidirectional", "--interaction"), "bidirectional_mean_logprob"),
        (("--decode", "contrastive", "--top-k", "3"), "mean_logprob"),
        (("--decode", "stochastic", "--seed", "1", "--temperature", "0.5"), "mean_logprob"),
    ],
)
def test_the_score_is_named(call: Any, article: Path, flags: tuple[str, ...], kind: str) -> None:
    found = candidates(call("title", article, *flags, *SHORT, "--json"))
    assert [candidate["score_kind"] for candidate in found] == [kind]
    assert found[0]["direction"] in ("l2r", "r2l", "both")
    assert 0 < found[0]["copied"] <= 1
    assert "support" not in found[0]


@small
def test_keywords_and_avoided_words(call: Any, article: Path) -> None:
    code, out, _ = call("title", article, "--keyword", "夜间", "--keyword", "读者", *SHORT, "-n", 2)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert all("夜间" in line and "读者" in line for line in out.splitlines())
    free = call("title", article, *SHORT)[1]
    kept_out = free.strip()[0]
    code, out, _ = call("title", article, "--avoid", "图书馆", "--avoid", kept_out, *SHORT)
    assert code == 0
    assert out.strip()
    assert kept_out not in out


@small
def test_house_lists(call: Any, article: Path, tmp_path: Path) -> None:
    free = call("title", article, *SHORT)[1].strip()
    avoided = tmp_path / "avoided.txt"
    avoided.write_text(f"足球\n\n {free[0]} \n", encoding="gb18030")
    code, out, _ = call("title", article, "--avoid-file", avoided, *SHORT)
    assert code == 0
    assert free[0] not in out
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("足球\n夜间\n足球、读者\n", encoding="utf-8")
    code, out, err = call("title", article, "--keyword-file", wanted, *SHORT[:2])
    assert code == 0
    assert "夜间" in out
    assert "足球" not in out
    assert "--keyword-file: 足球、读者 is one text; write each word on a line of its own" in err
    config = tmp_path / "c.toml"
    config.write_text(f'[title]\nkeyword_file = "{wanted}"\n', encoding="utf-8")
    assert call("title", article, "--config", config, *SHORT)[1] == out
    assert call("title", article, "--avoid-file", tmp_path, *SHORT)[0] == 2
    # the manifest holds what stood in the file, so that another list is another run
    output = tmp_path / "o.jsonl"
    assert call("title", article, "--avoid-file", avoided, "-o", output, *SHORT)[0] == 0
    avoided.write_text("足球\n", encoding="utf-8")
    code, _, err = call("title", article, "--avoid-file", avoided, "-o", output, "--resume", *SHORT)
    assert code == 2
    assert "avoid_file" in err or "--avoid-file" in err


def test_the_best_of_a_list(call: Any, article: Path, tmp_path: Path) -> None:
    topics = tmp_path / "topics.txt"
    topics.write_text("体育\n\n图书馆开放\n 科技 \n", encoding="gb18030")
    assert call("title", article, "--one-of", topics, *SHORT)[:2] == (0, "图书馆开放\n")
    config = tmp_path / "c.toml"
    config.write_text(f'[title]\none_of = "{topics}"\n', encoding="utf-8")
    assert call("title", article, "--config", config, *SHORT)[1] == "图书馆开放\n"


@small
def test_rows_bring_keywords_of_their_own(call: Any, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": ARTICLE, "keywords": ["志愿者"]},
        {"id": "b", "text": ARTICLE, "keywords": "读者，夜间"},
        {"id": "c", "text": ARTICLE, "keywords": [3]},
        {"id": "d", "text": ARTICLE},
    ]
    table = tmp_path / "a.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    code, out, err = call("title", table, "--keywords-field", "keywords", *SHORT, *NARROW)
    titles = dict(line.split("\t") for line in out.splitlines())
    assert code == 3
    assert "c: line 3: a keyword must be text" in err
    assert list(titles) == ["a", "b", "d"]
    assert "志愿者" in titles["a"]
    assert "读者" in titles["b"]
    assert "夜间" in titles["b"]
    table.write_text(f"text,词\n{ARTICLE},晚上十点\n", encoding="utf-8-sig")
    table = table.rename(tmp_path / "a.csv")
    code, out, _ = call("title", table, "--keywords-field", "词", *SHORT, *NARROW)
    assert code == 0
    assert "晚上十点" in out
    code, out, err = call("title", table, "--keywords-field", "词语", *SHORT)
    assert (code, out) == (2, "")
    assert "no field '词语' (--keywords-field one of: text, 词)" in err


@small
def test_the_usual_field_can_be_left_alone(call: Any, tmp_path: Path) -> None:
    table = tmp_path / "a.jsonl"
    table.write_text(json.dumps({"text": ARTICLE, "keywords": "足球"}) + "\n", encoding="utf-8")
    assert "足球" in call("title", table, "--keywords-field", "keywords", *SHORT, *NARROW)[1]
    assert "足球" not in call("title", table, *SHORT, *NARROW)[1]
    prompts = ("-i", table, "--max-new-tokens", "4", "-q", "--seed", "1")
    assert call("sample", *prompts)[0] == 0  # a column of that name is none of its business unasked
    code, _, err = call("sample", *prompts, "--keywords-field", "keywords")
    assert code == 1
    assert "the row's keywords do not go with --decode sample" in err


@small
def test_keywords_that_do_not_fit_are_an_error(call: Any, article: Path) -> None:
    code, out, err = call("title", article, "--keyword", "夜" * 20, *SHORT)
    assert (code, out) == (1, "")
    assert err == "error: the keywords have 20 tokens and a text at most 13 (raise --max-new-tokens)\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--keyword", " "), "--keyword"),
        (("--keyword", "夜间", "--avoid", "夜"), "夜间 contains 夜, which is to be avoided"),
        (("--decode", "sample", "--keyword", "夜"), "--keyword needs --decode beam, not sample"),
        (("--one-of", "missing.txt"), "no such file: missing.txt"),
        (("--one-of", "."), "--one-of . is a folder"),
        (("--rank", "best"), "--rank best"),
        (("--decode", "greedy", "--groups", "2"), "--groups needs --decode diverse, not greedy"),
    ],
)
def test_what_is_refused(call: Any, article: Path, flags: tuple[str, ...], words: str) -> None:
    code, out, err = call("title", article, *flags)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_an_empty_list_is_refused(call: Any, article: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n\n", encoding="utf-8")
    assert call("title", article, "--one-of", empty)[0] == 2


@small
def test_explanations(call: Any, article: Path) -> None:
    code, out, _ = call("title", article, "--explain", "--keyword", "夜间开放", *SHORT, *NARROW)
    assert code == 0
    title, facts, *passages = out.splitlines()
    assert "expected_rouge_l" in facts
    assert "% in the article" in facts
    assert facts.endswith("score: expected_rouge_l+0.2*mean_logprob")
    assert passages
    for line in passages:
        place, shown = line.split(maxsplit=1)
        found = shown[shown.index("【") + 1 : shown.index("】")]
        assert found in title
        assert ARTICLE[int(place) :].startswith(found)
    spans = candidates(
        call("title", article, "--explain", "--keyword", "夜间开放", *SHORT, *NARROW, "--json")
    )[0]["support"]
    assert [ARTICLE[s["source_start"] : s["source_end"]] for s in spans] == [
        title[s["start"] : s["end"]] for s in spans
    ]


def test_the_untrained_interaction_is_told(call: Any, article: Path) -> None:
    flags = ("--decode", "bidirectional", "--max-new-tokens", "6")
    assert call("title", article, *flags)[2].startswith("note: this model was not trained to write in both")
    assert "note:" not in call("title", article, *flags, "--no-interaction")[2]
    assert call("title", article, *flags, "-q")[2] == ""


@small
def test_continuations_with_keywords(call: Any) -> None:
    flags = ("--decode", "beam", "--keyword", "河", "--max-new-tokens", "10", "-q")
    code, out, _ = call("sample", "春天来了，", *flags)
    assert code == 0
    assert out.startswith("春天来了，")
    assert "河" in out.removeprefix("春天来了，")


@small
def test_options_from_a_file(call: Any, article: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[title]\nkeyword = ["夜间"]\nexplain = true\n', encoding="utf-8")
    found = candidates(call("title", article, "--config", config, *SHORT, *NARROW, "--json"))
    assert "夜间" in found[0]["text"]
    assert found[0]["support"]
