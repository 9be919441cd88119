"""`textgen train tokenizer`: what it makes, what it refuses, and that models are trained and read with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from refusals import refused
from tokenizers import Tokenizer

from textgen.events import Event, Progress
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.train.recipes.tokenizer import train_tokenizer

Call = Callable[..., tuple[int, str, str]]
SMALL = ("--latin-pieces", 10)
TINY = ("--layers", 1, "--width", 16, "--heads", 2, "--positions", 64, "--batch-size", 4, "--steps", 2)
TEXT = "今天，图书馆有 Linux 讲座😀\n"

pytestmark = pytest.mark.usefixtures("newsroom")


def test_a_summary_is_printed(call: Call) -> None:
    code, out, err = call("train", "tokenizer", "news.jsonl", "dev.jsonl", "-o", "mine", *SMALL)
    assert code == 0
    path, pieces, characters, covered = out.removesuffix("\n").split("\t")
    tokenizer = SentencePieceTokenizer(Path(path))
    assert path == "mine/tokenizer.model"
    assert pieces == f"{len(tokenizer.vocabulary)} tokens"
    assert characters.endswith(" characters")
    assert covered == "100 % covered"
    assert err == "rows read: 30\n"
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT


def test_json_quiet_and_a_config(call: Call, newsroom: Path) -> None:
    (newsroom / "train.toml").write_text('[train]\nlatin-pieces = 3\nmin-count = 2\noutput = "x"\n')
    args = ("-o", "mine", "--config", "train.toml", "--latin-pieces", 2, "--json", "-q")
    code, out, err = call("train", "tokenizer", "news.jsonl", *args)
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert list(facts) == ["path", "pieces", "alphabet", "texts", "characters", "covered"]
    assert facts["texts"] == 26
    assert facts["pieces"] <= 273 + facts["alphabet"] + 2
    assert facts["path"] == "mine/tokenizer.model"


@pytest.mark.parametrize("kind", ["char", "unigram", "bpe"])
def test_a_model_is_trained_with_it_samples_and_is_exported(call: Call, kind: str) -> None:
    size = SMALL if kind == "char" else ("--vocab-size", 450)
    assert call("train", "tokenizer", "news.jsonl", "-o", "mine", "--kind", kind, *size, "-q")[0] == 0
    assert call("train", "gpt2", "news.jsonl", "-o", "run", "--tokenizer", "mine", *TINY, "-q")[0] == 0
    tokenizer = load_tokenizer(find_model("run"))
    assert Path("run/tokenizer.model").read_bytes() == Path("mine/tokenizer.model").read_bytes()
    code, out, err = call("sample", TEXT.strip(), "--model", "run", "--seed", 1, "--max-new-tokens", 4)
    assert (code, "error" in err) == (0, False)
    assert out.startswith(TEXT.strip())
    assert call("models", "export", "run", "out", "-q") == (0, "", "")
    theirs = Tokenizer.from_file("out/tokenizer.json")
    for text in (TEXT, "图书馆书馆图招收志愿者延长", "哈哈哈 aa  aaa\n\n"):
        assert theirs.encode(text, add_special_tokens=False).ids == tokenizer.encode(text)


def test_the_file_is_as_good_as_its_folder(call: Call) -> None:
    assert call("train", "tokenizer", "news.jsonl", "-o", "mine", *SMALL, "-q")[0] == 0
    rnn = ("--width", 16, "--steps", 1, "--batch-size", 4, "-q")
    for run, name in (("a", "mine"), ("b", "mine/tokenizer.model")):
        assert call("train", "rnn-title", "news.jsonl", "-o", run, "--tokenizer", name, *rnn)[0] == 0
    assert Path("a/model.safetensors").read_bytes() == Path("b/model.safetensors").read_bytes()


def test_what_is_there_is_not_overwritten(call: Call, newsroom: Path) -> None:
    again = ("train", "tokenizer", "news.jsonl", "-o", "tok", *SMALL, "-q")
    before = Path("tok/tokenizer.model").read_bytes()
    refused(call(*again), 2, "tok is not empty", "--force replaces it")
    assert Path("tok/tokenizer.model").read_bytes() == before
    assert call(*again, "--force")[0] == 0
    assert Path("tok/tokenizer.model").read_bytes() != before
    (newsroom / "tok" / "config.json").write_text("{}")
    refused(call(*again, "--force"), 2, "tok holds a model", "another folder")
    refused(call(*again[:3], "-o", "news.jsonl"), 2, "news.jsonl is a file")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ("nowhere.txt", 2, ["no such file"]),
        ("news.jsonl --vocab-size 100", 2, ["--vocab-size 100 leaves no room"]),
        ("news.jsonl --kind words", 2, ["--kind words", "unigram"]),
        ("news.jsonl --kind bpe --latin-pieces 3", 2, ["--latin-pieces does not apply to --kind bpe"]),
        ("news.jsonl --seed 3", 2, ["--seed does not apply to --kind char"]),
        ("news.jsonl --min-count 100000", 1, ["no visible character occurs 100000 times"]),
        ("news.jsonl --text-field body", 2, ["news.jsonl", "'body'", "--field one of"]),
        ("bad.jsonl", 1, ["bad.jsonl, line 2", "'text'"]),
        ("news.jsonl bad.jsonl", 1, ["bad.jsonl, line 2", "'text'"]),
    ],
)
def test_mistakes(call: Call, newsroom: Path, args: str, code: int, words: list[str]) -> None:
    (newsroom / "bad.jsonl").write_text('{"text": "今天"}\n{"text": " "}\n', encoding="utf-8")
    refused(call("train", "tokenizer", *args.split(), "-o", "mine", "-q"), code, *words)
    assert not Path("mine/tokenizer.model").exists()


def test_the_function_tells_what_it_reads() -> None:
    Path("many.txt").write_text("今天\n" * 2500, encoding="utf-8")
    events: list[Event] = []
    trained = train_tokenizer(["many.txt"], "mine", on_event=events.append, latin_pieces=0)
    assert trained.texts == 2500
    assert events == [Progress(1000, None), Progress(2000, None), Progress(2500, None)]


def test_low_coverage_is_told(call: Call) -> None:
    code, _, err = call("train", "tokenizer", "news.jsonl", "-o", "mine", "--vocab-size", 300)
    rows, warning = err.splitlines()
    assert code == 0
    assert rows.startswith("rows read")
    size = warning.partition("--vocab-size ")[2].removesuffix(" covers 99 %")
    again = call("train", "tokenizer", "news.jsonl", "-o", "more", "--vocab-size", size)
    assert (again[0], again[2]) == (0, rows + "\n")
