"""Checkpoints of other makes: their conventions show in the one text that each of them writes."""

from __future__ import annotations

import json
from pathlib import Path

import checkpoints
import pytest
import torch
import transformers
from checkpoints import TEXT, chain, change_json, write_json, write_vocabulary
from chinese_checkpoints import TOKENS, bart, bert, gpt2_chinese, rewritten, shard, texts

import textgen
from textgen.batch.planner import plan
from textgen.errors import ModelError, UsageError
from textgen.store import profiles
from textgen.store.catalog import find_model
from textgen.store.checkpoint import Checkpoint
from textgen.store.profiles import Profile, profile_of
from textgen.store.vocabularies import read_vocabulary


def profile(folder: Path) -> Profile:
    files = find_model(str(folder))
    checkpoint = Checkpoint(files.path, files.config)
    return profile_of(checkpoint, read_vocabulary(checkpoint), files.family)


def test_a_gpt2_over_a_vocabulary_of_bert(tmp_path: Path) -> None:
    folder = gpt2_chinese(tmp_path / "gpt2-chinese")
    assert texts(folder, ["今日", "", "明早"]) == [TEXT, TEXT, "明早转晴。"]
    record = textgen.load(str(folder)).generate("今日", decode="greedy", max_new_tokens=14)[0]
    assert record.candidates[0].finish_reason == "stop"
    assert record.model.startswith("gpt2-chinese@sha256:")


def test_characters_without_a_token_are_told_and_never_written(tmp_path: Path) -> None:
    model = textgen.load(str(gpt2_chinese(tmp_path / "model")))
    (record,) = model.generate("龘今鱻日龘", decode="greedy", max_new_tokens=14)
    assert list(record.notes) == ["the model has no token for 3 of 5 characters: '龘鱻'"]
    assert record.candidates[0].text.startswith("龘今鱻日龘")
    assert "UNK" not in record.candidates[0].text
    assert not model.generate("今日", decode="greedy", max_new_tokens=14)[0].notes


def test_symbols_behind_the_vocabulary(tmp_path: Path) -> None:
    tokens = [*(token for token in TOKENS if token not in ("[CLS]", "[SEP]")), "[CLS]", "[SEP]"]
    folder = checkpoints.gpt2(tmp_path / "model", tokens, chain(tokens, "[CLS]", TEXT, "[SEP]"))
    write_vocabulary(folder, tokens[:-2])
    write_json(folder, "added_tokens.json", {"[CLS]": len(tokens) - 2, "[SEP]": len(tokens) - 1})
    assert texts(folder, ["今日", ""]) == [TEXT, TEXT]


def test_a_start_symbol_that_is_not_read(tmp_path: Path) -> None:
    named = gpt2_chinese(tmp_path / "Wenzhong2.0-GPT2-110M-BertTokenizer-chinese")
    assert not profile(named).reads_bos
    assert profile(gpt2_chinese(tmp_path / "other")).reads_bos
    change_json(tmp_path / "other", "config.json", _name_or_path="IDEA-CCNL/Wenzhong2.0-GPT2-110M")
    assert not profile(tmp_path / "other").reads_bos


def test_a_bart_begins_with_the_end_symbol_and_then_the_start_symbol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bart(tmp_path / "bart-base-chinese")
    assert texts(folder, ["明早下山，今日在山上。"]) == [TEXT]
    monkeypatch.setattr(profiles, "KNOWN", ())
    broken = profile(folder)
    assert broken.starts == (2,)
    assert broken.ends == (3,)


def test_titles_of_a_model_that_writes_in_one_direction(tmp_path: Path) -> None:
    model = textgen.load(str(bart(tmp_path / "bart")))
    (record,) = model.generate("明早下山，今日在山上。", max_new_tokens=14)
    assert record.candidates[0].text == TEXT
    assert record.candidates[0].score_kind == "expected_rouge_l"
    assert record.candidates[0].direction == "l2r"
    for asked in ({"rank": "blend"}, {"rank": "agree"}, {"decode": "agree"}, {"direction": "both"}):
        with pytest.raises(UsageError, match="writes from left to right only"):
            model.generate("明早下山。", max_new_tokens=14, **asked)
    with pytest.raises(UsageError, match="cannot write in both directions at once"):
        model.generate("明早下山。", max_new_tokens=14, decode="bidirectional")


def test_a_masked_network_fills_places(tmp_path: Path) -> None:
    model = textgen.load(str(bert(tmp_path / "bert-base-chinese")))
    (record,) = model.generate("今日小雨", sweeps=2, seed=1)
    assert set(record.candidates[0].text) <= set("今日小雨")
    assert "雨" in record.candidates[0].text


def test_capital_letters_are_read_as_small_ones_where_the_vocabulary_has_none(tmp_path: Path) -> None:
    folder = gpt2_chinese(tmp_path / "small")
    assert profile(folder).facts == {"lower_case": True}, "its config says otherwise, as real ones do"
    cased = gpt2_chinese(tmp_path / "cased", checkpoints.vocabulary("OK"))
    assert profile(cased).facts == {"lower_case": False}
    change_json(cased, "tokenizer_config.json", do_lower_case=True)
    assert profile(cased).facts == {"lower_case": True}


def test_a_latin_word_is_spaced_from_the_prompt(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    path = ("hello", "world", "天")
    checkpoints.gpt2(folder, TOKENS, checkpoints.chain(TOKENS, "[CLS]", path, "[SEP]"))
    write_vocabulary(folder, TOKENS)
    assert texts(folder, ["Hello", ""]) == ["Hello world天", "hello world天"]
    model = textgen.load(str(folder), precision="fp32")
    assert "".join(model.stream("Hello", decode="greedy", max_new_tokens=14)) == " world天"


def test_several_ends_are_one(tmp_path: Path) -> None:
    network = transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            vocab_size=256 + 3,
            hidden_size=272,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=64,
            tie_word_embeddings=False,
        )
    )
    folder = checkpoints.byte_level(tmp_path / "qwen", network, "今日。", end="<|im_end|>")
    found = profile(folder)
    assert found.ends == (256, 258)
    assert not found.reads_bos
    assert texts(folder, ["今"]) == ["今日。"]
    change_json(folder, "config.json", eos_token_id=151643)
    change_json(folder, "generation_config.json", eos_token_id=None)
    with pytest.raises(ModelError, match="eos_token_id 151643 is none of 259 tokens") as raised:
        profile(folder)
    assert raised.value.hint == "set it to 258, the id of <|im_end|>"
    change_json(folder, "config.json", eos_token_id="258")
    with pytest.raises(ModelError, match='eos_token_id "258" is none of 259 tokens'):
        profile(folder)


def test_sampling_goes_by_the_defaults_of_the_checkpoint(tmp_path: Path) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    defaults = {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05, "max_length": 20}
    write_json(folder, "generation_config.json", defaults | {"min_p": "none"})
    model = textgen.load(str(folder))
    parsed = model._parsed({"top_p": 0.5})
    assert (parsed.temperature, parsed.top_k, parsed.top_p, parsed.repetition_penalty) == (0.7, 20, 0.5, 1.05)
    assert model._parsed({"decode": "greedy"}).repetition_penalty == 1
    job = plan("sample", [textgen.Row("今")], {"max_new_tokens": 14, "seed": 1}, model=str(folder))
    assert (job.task.options.temperature, job.task.options.top_k) == (0.7, 20)
    assert plan("sample", [textgen.Row("今")], {"seed": 1}, model="gpt2").task.options.temperature == 0.9


@pytest.mark.parametrize("layout", ["one", "sharded"])
def test_weights_in_one_file_and_in_several(tmp_path: Path, layout: str) -> None:
    folder = gpt2_chinese(tmp_path / layout)
    if layout == "sharded":
        shard(folder)
    assert texts(folder, ["今日"]) == [TEXT]
    files = find_model(str(folder))
    assert len(files.weight_files) == (1 if layout == "one" else 2)
    assert files.size("layers") == 1
    assert files.size("positions") == files.positions == 64


@pytest.mark.parametrize(
    ("dtype", "said"), [(torch.bfloat16, "bfloat16"), (torch.float16, "float16"), (torch.float16, None)]
)
def test_half_precision_weights_stay_so_until_products_are_made_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, said: str | None
) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    rewritten(folder, lambda tensors: tensors.update({name: one.to(dtype) for name, one in tensors.items()}))
    change_json(folder, "config.json", dtype=said)
    size = (folder / "model.safetensors").stat().st_size
    monkeypatch.setattr("textgen.store.pretrained.available_memory", lambda: size * 3 // 2)
    with pytest.raises(ModelError, match="are free") as raised:
        textgen.load(str(folder), precision="fp32")
    assert "int8 takes less" in str(raised.value.hint)
    model = textgen.load(str(folder), precision="int8")
    (record,) = model.generate("今日", decode="greedy", max_new_tokens=14)
    assert record.candidates[0].text == TEXT
    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}


def test_loading_leaves_the_random_numbers_of_the_process_alone(tmp_path: Path) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    before = torch.random.get_rng_state()
    textgen.load(str(folder))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_added_checkpoint_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "shelf"))
    folder = gpt2_chinese(tmp_path / "model")
    shard(folder)
    from textgen.backends.registry import check_loads
    from textgen.store.catalog import added_names
    from textgen.store.user_models import add_model

    add_model(find_model(str(folder)), "uer", check_loads)
    assert added_names() == ["uer"]
    assert json.loads((tmp_path / "shelf" / "uer" / "config.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    assert texts(Path("uer"), ["今日"]) == [TEXT]
