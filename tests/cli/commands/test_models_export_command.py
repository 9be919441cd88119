"""`textgen models`: what is told of a model, and where it goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from added_models import Call, content, refused

ARTICLE = "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。"


def test_what_a_kind_does_not_have_is_not_told(call: Call, trained: Path) -> None:
    config = {"model_type": "rnn-title", "vocab_size": 8192, "hidden_size": 8}
    (trained / "config.json").write_text(json.dumps(config), encoding="utf-8")
    told = [line.split()[0] for line in call("models", "info", trained)[1].splitlines()]
    facts = ["name", "kind", "embedded", "width", "vocabulary", "storage", "sha256", "megabytes", "path"]
    assert told == facts


def test_storage_writes_a_directory_for_textgen(call: Call, trained: Path, tmp_path: Path) -> None:
    (trained / "CARD.md").write_text("# 说明\n", encoding="utf-8")
    out = tmp_path / "small"
    code, said, err = call("models", "export", trained, out, "--storage", "int8")
    assert (code, said) == (0, "")
    written = ["config.json", "tokenizer.model", "model.safetensors", "CARD.md"]
    assert err == "".join(f"wrote {out / name}\n" for name in written)
    assert sorted(content(out)) == sorted(written)
    facts = json.loads(call("models", "info", out, "--json")[1])
    assert (facts["storage"], facts["kind"]) == ("int8-rowwise", "title")
    assert call("models", "add", out, "--name", "small", "-q")[0] == 0
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    code, said, _ = call("title", tmp_path / "a.txt", "--model", "small", "--decode", "greedy")
    assert code == 0


def test_what_export_refuses(call: Call, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hint = "--dtype is for transformers, --storage for textgen"
    both = call("models", "export", trained, out, "--dtype", "fp16", "--storage", "fp16")
    refused(both, 2, f"--dtype does not go with --storage ({hint})")
    line = "--storage int4 is unknown (one of: fp32, fp16, int8)"
    refused(call("models", "export", trained, out, "--storage", "int4"), 2, line)
    line = f"{trained} is not empty (--force writes into it)"
    refused(call("models", "export", "title", trained, "--storage", "int8"), 2, line)
    config = json.loads((trained / "config.json").read_text(encoding="utf-8"))
    (trained / "config.json").write_text(json.dumps(config | {"model_type": "rnn-title"}), encoding="utf-8")
    line = f"{trained} is a rnn-title model, which transformers does not know"
    line += " (--storage fp16 writes a directory for textgen)"
    refused(call("models", "export", trained, out), 2, line)
    assert not out.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "big5"])
def test_a_card_is_read_as_texts_are(call: Call, trained: Path, encoding: str) -> None:
    card = "# 標題模型\n\n以新聞標題訓練而成，不宜用於小說。"
    if encoding == "gbk":
        card = "# 标题模型\n\n用新闻标题训练而成，不宜用于小说。"
    (trained / "CARD.md").write_text(f"{card}\n", encoding=encoding)
    code, out, err = call("models", "info", trained)
    assert (code, err) == (0, "")
    assert out.endswith(f"\n\n{card}\n")


@pytest.mark.parametrize("card", ["binary", "empty", "folder", "pipe"])
def test_a_card_that_cannot_be_read_is_told(call: Call, trained: Path, card: str) -> None:
    path = trained / "CARD.md"
    if card == "folder":
        path.mkdir()
    elif card == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"\x89PNG\r\n\x1a\n" if card == "binary" else b"")
    code, out, err = call("models", "info", trained)
    assert code == 0
    assert out.startswith("name ")
    assert err.startswith("warning: no card: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", [["models", "info"], ["title", "a.txt", "--decode", "greedy", "-m"]])
def test_a_config_with_a_byte_order_mark(
    call: Call, trained: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(trained.parent)
    Path("a.txt").write_text(ARTICLE, encoding="utf-8")
    plain = call(*command, trained)
    config = trained / "config.json"
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    assert plain[0] == 0
    assert call(*command, trained) == plain
