"""Commands of chains with models of other makes, whose vocabularies differ and lose something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checkpoints import WORDS, vocabulary
from small_checkpoints import TOKENS, causal, encoder_decoder, masked, roberta

SHORT = ("--steps", "12", "--chains", "1", "--seed", "3", "--json")
# random weights write what no bar lets pass
BY_TOKENS = ("--paraphrase", "0", "--no-checks", "--fluency-loss", "99", "--least-similarity", "0")
SENTENCE = "今日小雨，明早Hello world囧转晴。"

pytestmark = pytest.mark.usefixtures("small_as_shipped")  # what the embedded models write does not matter


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`causal`, `few` (the same of fewer tokens), `bert`, `ernie` and `roberta`."""
    folder = tmp_path_factory.mktemp("checkpoints")
    causal(folder / "causal")
    causal(folder / "few", vocabulary(words=[word for word in WORDS if word != "雨"]))
    masked(folder / "bert")
    masked(folder / "ernie", "ernie", vocabulary("下雪"))
    masked(folder / "roformer", "roformer", [*TOKENS, "今日", "天气", "##天气"])  # of words
    roberta(folder / "roberta")
    encoder_decoder(folder / "bart")
    return folder


def one(call: Any, *args: object) -> dict[str, Any]:
    code, out, err = call(*args)
    assert code == 0, err
    [line] = out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


PAIRS = [("", "bert"), ("causal", ""), ("causal", "roberta"), ("few", "ernie")]


def of(pair: tuple[str, str], folder: Path) -> list[object]:
    flags = zip(("--model", "--proposals"), pair, strict=True)
    return [part for flag, name in flags if name for part in (flag, folder / name)]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_words_are_composed(call: Any, folder: Path, pair: tuple[str, str]) -> None:
    record = one(call, "compose", "明早", "iPhone", "--length", "10-16", *of(pair, folder), *SHORT)
    [candidate] = record["candidates"]
    assert "明早" in candidate["text"]
    assert "iPhone" in candidate["text"]  # as it was typed, whatever the models read
    assert len(candidate["text"].replace(" ", "")) >= 10
    assert [name.partition("@")[0].rpartition("/")[2] for name in record["model"].split("+")] == [
        pair[0] or "gpt2",
        pair[1] or "bert",
    ]


@pytest.mark.parametrize("pair", PAIRS[:3], ids="-".join)
def test_blanks_are_filled_and_all_else_stays(call: Any, folder: Path, pair: tuple[str, str]) -> None:
    text = "今日___，iPhone 15天气___。"
    record = one(call, "fill", text, "--length", "1-3", *of(pair, folder), *SHORT)
    [candidate] = record["candidates"]
    assert candidate["text"].startswith("今日")
    assert "，iPhone 15天气" in candidate["text"]
    assert candidate["text"].endswith("。")
    assert len(candidate["text"]) > len("今日，iPhone 15天气。") + 1


def test_what_the_proposals_lose_stays_and_is_told(call: Any, folder: Path) -> None:
    record = one(
        call,
        "correct",
        SENTENCE,
        "--keep",
        "小雨",
        "--errors",
        "0",
        "--evidence",
        "0",
        "--proposals",
        folder / "bert",
        *SHORT,
    )
    [candidate] = record["candidates"]
    assert record["notes"][0] == "the model has no token for 1 of 22 characters: '囧'"
    assert "囧" in candidate["text"]
    assert "小雨" in candidate["text"]
    made, end = "", 0
    for change in candidate["changes"]:
        made += SENTENCE[end : change["source_start"]] + candidate["text"][change["start"] : change["end"]]
        end = change["source_end"]
    assert candidate["changes"]
    assert made + SENTENCE[end:] == candidate["text"]
    assert candidate["text"] != SENTENCE


@pytest.mark.parametrize("name", ["bart", "causal"])
def test_an_article_without_a_token_has_no_title(call: Any, folder: Path, tmp_path: Path, name: str) -> None:
    article = tmp_path / "articles.txt"
    article.write_text("囧 😀\n今日小雨，囧。\n", encoding="utf-8")
    code, out, err = call(
        "title", article, "--lines", "--model", folder / name, "--max-new-tokens", "8", "--json"
    )
    assert code == 3
    unread, partly = map(json.loads, out.splitlines())
    assert unread["error"].startswith("line 1: the model has no token for any character: '囧😀'")
    assert partly["error"] is None
    assert partly["notes"][0] == "the model has no token for 1 of 7 characters: '囧'"
    assert "the model has no token for any character" in err


def test_a_masked_model_proposes(call: Any, folder: Path) -> None:
    code, _, err = call("correct", SENTENCE, "--model", folder / "bert", "-q", *SHORT)
    assert code == 2
    assert "is a masked-lm model (--proposals takes it)" in err


def test_what_the_language_model_loses_is_refused(call: Any, folder: Path) -> None:
    for command in ("rewrite", "correct"):
        code, _, err = call(command, SENTENCE, "--model", folder / "causal", "-q", *SHORT)
        assert code == 1
        assert "the language model has no token for '囧' (take them out of the text)" in err
    code, _, err = call("compose", "小雨", "--model", folder / "few", "-q", *SHORT)
    assert code == 1
    assert "the language model has no token for '雨'" in err
    code, _, err = call("compose", "囧", "--proposals", folder / "bert", "-q", *SHORT)
    assert code == 1
    assert "the proposals have no token for '囧'" in err


def test_a_text_that_is_too_long_for_the_language_model_is_refused(call: Any, folder: Path) -> None:
    code, _, err = call("rewrite", "今日小雨" * 20, "--model", folder / "causal", "-q", *SHORT)
    assert code == 1
    assert "80 tokens are more than the models read (at most 63" in err


@pytest.mark.parametrize("pair", PAIRS[:2], ids="-".join)
def test_a_sentence_is_said_in_other_words(call: Any, folder: Path, pair: tuple[str, str]) -> None:
    text = "今日小雨，明早转晴。"
    record = one(call, "rewrite", text, *of(pair, folder), *BY_TOKENS, "--steps", "30", *SHORT[2:])
    [candidate] = record["candidates"]
    assert candidate["text"] != text
    assert "UNK" not in candidate["text"]


@pytest.mark.parametrize("method", ["gibbs", "mh", "anneal"])
@pytest.mark.parametrize("kind", ["bert", "ernie", "roformer", "roberta"])
def test_sentences_are_sampled_from_masked_models(call: Any, folder: Path, kind: str, method: str) -> None:
    options = ("--model", folder / kind, "--method", method, "--sweeps", "2", "--seed", "1")
    record = one(call, "sample", *options, "--length", "4-8", "--json", "-q")
    assert 4 <= len(record["candidates"][0]["text"].replace(" ", "")) <= 8
    record = one(call, "sample", SENTENCE, *options, "--keep", "小雨", "--json", "-q")
    text = record["candidates"][0]["text"]
    assert "小雨" in text
    assert "囧" in text  # without a token it stays where it is; of bytes it is no place to draw
    assert "[" not in text or kind == "roberta"
    assert text != SENTENCE


def test_what_writes_behind_articles_alone_proposes_nothing(call: Any, folder: Path) -> None:
    for command, text in (("rewrite", SENTENCE), ("compose", "小雨")):
        code, out, err = call(command, text, "--proposals", folder / "bart", *SHORT)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: --proposals {folder / 'bart'} writes from left to right alone")


@pytest.mark.parametrize("similar", [True, False], ids=["the proposals", "the embedded model"])
def test_texts_are_compared_by_a_model_that_can(call: Any, folder: Path, similar: bool) -> None:
    proposals = folder / ("bert" if similar else "causal")
    record = one(call, "rewrite", "今日小雨，明早转晴。", "--proposals", proposals, *BY_TOKENS, *SHORT)
    names = [name.partition("@")[0].rpartition("/")[2] for name in record["model"].split("+")]
    assert names == (["gpt2", "bert"] if similar else ["gpt2", "causal", "bert"])
