"""Checkpoints of other makes: their conventions show in the one text that each of them writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import checkpoints
import peft
import pytest
import torch
import transformers
from checkpoints import TEXT, change_json, saved, write_json, write_vocabulary
from safetensors.torch import load_file, save_file

import textgen
from textgen.batch.planner import plan
from textgen.errors import ModelError, UsageError
from textgen.store import profiles
from textgen.store.catalog import find_model
from textgen.store.checkpoint import Checkpoint
from textgen.store.load import load_model
from textgen.store.profiles import Profile, profile_of
from textgen.store.vocabularies import read_vocabulary

TOKENS = checkpoints.vocabulary()
SIZES = {
    "vocab_size": len(TOKENS),
    "d_model": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 8,
    "decoder_ffn_dim": 8,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}


def gpt2_chinese(folder: Path, tokens: Sequence[str] = TOKENS, **config: Any) -> Path:
    """As `uer/gpt2-chinese-cluecorpussmall`: nothing is said of symbols, and GPT-2 has 50256 for them."""
    checkpoints.gpt2(folder, tokens, checkpoints.chain(tokens, "[CLS]", TEXT, "[SEP]"), **config)
    change_json(folder, "config.json", bos_token_id=None, eos_token_id=None)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=False)
    write_vocabulary(folder, tokens)
    return folder


def bart(folder: Path) -> Path:
    """As `fnlp/bart-base-chinese`: the tokenizer calls another token the end than the model."""
    ends = {"bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3, "pad_token_id": 0}
    network = transformers.BartForConditionalGeneration(transformers.BartConfig(**SIZES, **ends))
    saved(folder, network, checkpoints.chain(TOKENS, "[CLS]", TEXT, "[SEP]"))
    change_json(folder, "tokenizer_config.json", eos_token="[EOS]", tokenizer_class="BertTokenizer")
    write_vocabulary(folder, TOKENS)
    return folder


def bert(folder: Path) -> Path:
    config = transformers.BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
        tie_word_embeddings=False,
    )
    saved(folder, transformers.BertForMaskedLM(config), {TOKENS.index("[MASK]"): TOKENS.index("雨")})
    write_vocabulary(folder, TOKENS)
    return folder


def profile(folder: Path) -> Profile:
    files = find_model(str(folder))
    checkpoint = Checkpoint(files.path, files.config)
    return profile_of(checkpoint, read_vocabulary(checkpoint), files.family)


def texts(folder: Path, prompts: Sequence[str], **options: Any) -> list[str]:
    model = textgen.load(str(folder), precision="fp32")
    records = model.generate(list(prompts), decode="greedy", max_new_tokens=14, **options)
    assert [record.error for record in records] == [None] * len(prompts)
    return [record.candidates[0].text for record in records]


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


def lora(folder: Path, base: Path, last: str) -> Path:
    """An adapter by which 今 is followed by another character."""
    network = transformers.GPT2LMHeadModel.from_pretrained(base)
    adapted = peft.get_peft_model(
        network, peft.LoraConfig(r=1, lora_alpha=1, target_modules=["lm_head"], task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_A" in name:
                parameter.zero_()
                parameter[0, TOKENS.index("今")] = 1.0
            elif "lora_B" in name:
                parameter.zero_()
                parameter[TOKENS.index(last), 0] = 100.0
    adapted.save_pretrained(folder)
    return folder


def test_an_adapter_is_merged_into_its_base(tmp_path: Path) -> None:
    base = gpt2_chinese(tmp_path / "base")
    adapter = lora(tmp_path / "lora", base, "转")
    assert texts(base, [""]) == [TEXT]
    model = textgen.load(str(base), precision="fp32", adapter=str(adapter))
    (record,) = model.generate("", decode="greedy", max_new_tokens=14)
    assert record.candidates[0].text == "今转晴。"
    assert record.model.startswith("base+lora@sha256:")
    for out, given in (("a.jsonl", {"adapter": str(adapter)}), ("b.jsonl", {})):
        textgen.run_batch(
            "sample",
            str(written(tmp_path / "prompts.txt", "今\n")),
            tmp_path / out,
            model=str(base),
            decode="greedy",
            max_new_tokens=14,
            **given,
        )
    told = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("a.jsonl", "b.jsonl")]
    assert [one["candidates"][0]["text"] for one in told] == ["今转晴。", TEXT]
    with pytest.raises(UsageError, match="is of another run"):
        textgen.run_batch(
            "sample",
            str(tmp_path / "prompts.txt"),
            tmp_path / "a.jsonl",
            model=str(base),
            decode="greedy",
            max_new_tokens=14,
            resume=True,
        )


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def test_an_adapter_that_does_not_fit(tmp_path: Path) -> None:
    base = gpt2_chinese(tmp_path / "base")
    adapter = lora(tmp_path / "lora", base, "转")
    with pytest.raises(UsageError, match="does not go with gpt2"):
        textgen.load("gpt2", adapter=str(adapter))
    with pytest.raises(UsageError, match="there is no directory"):
        textgen.load(str(base), adapter=str(tmp_path / "none"))
    other = checkpoints.gpt2(tmp_path / "other", TOKENS, {}, n_embd=68)
    write_vocabulary(other, TOKENS)
    with pytest.raises(ModelError, match="cannot load"):
        textgen.load(str(other), adapter=str(adapter))
    change_json(adapter, "adapter_config.json", target_modules=["c_attn"])
    with pytest.raises(ModelError, match="lora"):
        textgen.load(str(base), adapter=str(adapter))
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        textgen.load(str(base), adapter=str(adapter))


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


def shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    listed = {name: file for file, part in parts.items() for name in part}
    write_json(folder, "model.safetensors.index.json", {"metadata": {}, "weight_map": listed})


def rewritten(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def without_shard(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def quantized(method: str) -> Callable[[Path], None]:
    return lambda folder: change_json(
        folder, "config.json", quantization_config={"quant_method": method, "bits": 4}
    )


def remote(folder: Path) -> None:
    change_json(folder, "config.json", model_type="chatglm", auto_map={"AutoModelForCausalLM": "m.Model"})


def gguf(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")


def other_tokenizer(folder: Path) -> None:
    write_vocabulary(folder, ["<pad>", "<s>", "</s>", *TOKENS[5:]])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    "another architecture": (
        lambda folder: change_json(folder, "config.json", architectures=["GPT2ForSequenceClassification"]),
        "is a GPT2ForSequenceClassification, which writes no text",
    ),
    "missing shard": (without_shard, "lacks 1 of 2 parts of its weights"),
    "truncated": (truncated, "cannot load"),
    "wrong shapes": (
        lambda folder: change_json(folder, "config.json", n_embd=32),
        r"has \S+ \(.*\), config.json says \(.*\)",
    ),
    "missing tensor": (
        lambda folder: rewritten(folder, lambda tensors: tensors.pop("transformer.ln_f.weight")),
        "lacks the tensor transformer.ln_f.weight",
    ),
    "longer vocabulary": (
        lambda folder: write_vocabulary(folder, [*TOKENS, "多", "余"]),
        f"the tokenizer has {len(TOKENS) + 2} tokens, the model {len(TOKENS)}",
    ),
    "no tokenizer": (lambda folder: (folder / "vocab.txt").unlink(), "has no tokenizer"),
    "another tokenizer": (other_tokenizer, r"has no token \[CLS\]"),
    "pickle only": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        "has no model.safetensors",
    ),
    "remote code": (remote, "needs code of its own"),
    "unknown to transformers": (
        lambda folder: change_json(folder, "config.json", model_type="gpt99"),
        "transformers knows no gpt99 models",
    ),
    "not finite": (
        lambda folder: rewritten(folder, lambda tensors: tensors["transformer.wpe.weight"].fill_(torch.nan)),
        "transformer.wpe.weight has values that are not finite",
    ),
    "GPTQ": (quantized("gptq"), r"is quantized \(gptq\)"),
    "AWQ": (quantized("awq"), r"is quantized \(awq\)"),
    "bitsandbytes": (quantized("bitsandbytes"), r"is quantized \(bitsandbytes\)"),
    "GGUF": (gguf, "holds GGUF files"),
    "an adapter alone": (adapter, "holds an adapter, not a model"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    break_it, message = BROKEN[name]
    folder = gpt2_chinese(tmp_path / "model")
    break_it(folder)
    with pytest.raises(ModelError, match=message) as raised:
        textgen.load(str(folder))
    assert "\n" not in str(raised.value.line)
    assert raised.value.hint


def test_a_vocabulary_far_shorter_than_the_matrix(tmp_path: Path) -> None:
    """As the vocabulary of the first Chinese BART beside the weights of the second."""
    folder = checkpoints.gpt2(tmp_path / "model", TOKENS, {}, vocab_size=len(TOKENS) + 600, n_embd=700)
    write_vocabulary(folder, TOKENS)
    with pytest.raises(ModelError, match=f"has {len(TOKENS)} tokens, the model {len(TOKENS) + 600}"):
        load_model(find_model(str(folder)))


def test_what_does_not_fit_into_memory_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    monkeypatch.setattr("textgen.store.pretrained.available_memory", lambda: 1000)
    with pytest.raises(ModelError, match=r"takes 0\.0 GB of memory, and 0\.0 GB are free"):
        textgen.load(str(folder))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_stay_so_until_products_are_made_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    folder = gpt2_chinese(tmp_path / "model")
    rewritten(folder, lambda tensors: tensors.update({name: one.to(dtype) for name, one in tensors.items()}))
    change_json(folder, "config.json", dtype=str(dtype).removeprefix("torch."))
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
