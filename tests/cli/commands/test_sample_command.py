"""`textgen sample` on real input: prompts, seeds, streams and chains."""

import json
from pathlib import Path

import pytest
from refusals import refused

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
small = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter


@small
def test_samples_repeat_with_their_seed_and_tell_a_fresh_one(call):
    code, first, err = call("sample", "春天来了", "--max-new-tokens", 8)
    assert code == 0
    seed = int(err.split("seed ")[1].split()[0])
    again = call("sample", "春天来了", "--max-new-tokens", 8, "--seed", seed)
    assert again[:2] == (0, first)
    assert "seed" not in again[2]
    assert first.startswith("春天来了")


@small
def test_the_first_samples_do_not_depend_on_how_many_there_are(call):
    two = call("sample", "春天", "--seed", 3, "-n", 2, "--max-new-tokens", 8)[1].split("\n\n")
    four = call("sample", "春天", "--seed", 3, "-n", 4, "--max-new-tokens", 8)[1].split("\n\n")
    assert len(set(four)) == 4
    assert [text.strip() for text in four[:2]] == [text.strip() for text in two]


@small
def test_streamed_text_is_the_text(call):
    args = ("sample", "今天早上", "--seed", 11, "--max-new-tokens", 16)
    assert call(*args, "--stream") == call(*args)
    args = (*args, "--end-at", "sentence", "-n", 2)
    assert call(*args, "--stream") == call(*args)


@small
def test_end_at_sentence(call):
    code, out, _ = call(
        "sample", "今天", "--seed", 2, "--max-new-tokens", 20, "--end-at", "sentence", "--json"
    )
    candidate = json.loads(out)["candidates"][0]
    assert code == 0
    assert candidate["finish_reason"] in ("sentence", "stop")
    if candidate["finish_reason"] == "sentence":
        assert candidate["text"].rstrip("”’」』）)】》〉\"'")[-1] in "。！？!?…"


@small
def test_prompts_from_a_file(call, tmp_path):
    out_file = tmp_path / "o.jsonl"
    args = ("sample", "-i", SAMPLES / "prompts.txt", "--seed", 1, "--max-new-tokens", 4)
    code, _, _ = call(*args, "-o", out_file)
    records = [json.loads(line) for line in out_file.read_text(encoding="utf-8").splitlines()]
    prompts = (SAMPLES / "prompts.txt").read_text(encoding="utf-8").split("\n")
    assert code == 0
    assert [record["prompt"] for record in records] == [prompt for prompt in prompts if prompt]
    assert all(r["candidates"][0]["text"].startswith(r["prompt"]) for r in records)
    # shuffled, and each with other neighbours: the same texts
    shuffled = tmp_path / "p.txt"
    shuffled.write_text("\n".join(reversed(prompts)), encoding="utf-8")
    args = ("sample", "-i", shuffled, "--seed", 1, "--max-new-tokens", 4, "--batch-size", 2, "--json")
    again = [json.loads(line) for line in call(*args)[1].splitlines()]
    assert {r["prompt"]: r["candidates"] for r in again} == {r["prompt"]: r["candidates"] for r in records}


@small
def test_gibbs_samples_have_the_length_asked_for(call):
    code, out, _ = call(
        "sample", "--model", "bert", "--length", "6-9", "--sweeps", 3, "-n", 3, "--seed", 5, "--json"
    )
    candidates = json.loads(out)["candidates"]
    assert code == 0
    assert len(candidates) == 3
    assert all(6 <= candidate["tokens"] <= 9 for candidate in candidates)
    assert {candidate["score_kind"] for candidate in candidates} == {"mean_pseudo_logprob"}
    assert all(" " not in candidate["text"] and "\n" not in candidate["text"] for candidate in candidates)


@small
def test_gibbs_starts_from_a_sentence(call):
    sentence = "今天天气很好😀。"
    code, out, _ = call("sample", sentence, "--model", "bert", "--sweeps", 2, "--seed", 5, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["prompt"] == sentence
    assert "😀" in record["candidates"][0]["text"], "bytes of one character are not resampled apart"


@small
def test_chains_are_told_in_records(call):
    args = ("sample", "今天天气很好。", "--model", "bert", "--sweeps", 4, "--seed", 5, "--json")
    chains = ("--method", "mh", "--energy", "local", "--scan", "block", "--block", 2, "--chains", 2, "-n", 3)
    code, out, _ = call(*args, *chains, "--keep", "天气", "--keep", "。", "--thin", 1, "--burn-in", 2)
    assert code == 0
    candidates = json.loads(out)["candidates"]
    assert [(c["chain"]["chain"], c["chain"]["step"]) for c in candidates] == [(0, 4), (1, 4), (0, 3)]
    for candidate in candidates:
        assert "天气" in candidate["text"]
        assert candidate["text"].endswith("。")
        assert candidate["chain"]["kind"] == "sample"
        assert candidate["chain"]["log_target"] < 0
        assert set(candidate["chain"]["acceptance"]) == {"block"}


@small
def test_a_search_is_called_one(call):
    args = ("sample", "--model", "bert", "--length", 5, "--sweeps", 3, "--seed", 5, "--json")
    code, out, _ = call(*args, "--method", "anneal", "--anneal", "1:0.2:geometric", "--top-k", 50)
    assert code == 0
    assert json.loads(out)["candidates"][0]["chain"]["kind"] == "search"


@small
def test_a_seed_sentence_excludes_a_length(call):
    args = ("sample", "今天很好", "--model", "bert", "--length", "5", "--seed", "1")
    refused(call(*args), 2, "--length")


@small
@pytest.mark.parametrize(
    "args",
    [
        ("春天", "--style", "古文"),
        ("春天", "--max-new-tokens", 2000),
        ("春天", "--stream", "--style", "古文"),
        ("今天", "--model", "bert", "--keep", "昨天"),
        ("\udcff", "--stream"),
    ],
    ids=str,
)
def test_a_refusal_comes_before_a_seed_is_drawn(call, args):
    code, out, err = call("sample", *args)
    assert (code, out) == (2 if "--keep" not in args and "\udcff" not in args else 1, "")
    assert err.startswith("error: "), err
    assert len(err.splitlines()) == 1


@small
@pytest.mark.parametrize("how", [(), ("--stream",), ("--json",)])
def test_a_fresh_seed_is_told_once(call, how):
    _, _, err = call("sample", "春天", "--max-new-tokens", 4, "--end-at", "any", *how)
    assert [line.split()[0] for line in err.splitlines()].count("seed") == 1
