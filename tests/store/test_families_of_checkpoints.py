"""Every family of checkpoints by its conventions: start, end, and how its tokens become text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import foreign_vocabularies as vocabularies
import pytest
import transformers
from checkpoints import WORDS, chain, change_json, saved, vocabulary, write_vocabulary

import textgen
from textgen.check.run import check_model
from textgen.store.catalog import find_model
from textgen.store.pretrained import load_foreign_tokenizer, profile_of_files
from textgen.store.profiles import Profile
from textgen.text.common_characters import SIMPLIFIED, TRADITIONAL

ARTICLE = "今天天气很好，我们去公园。"
WIDTH = 448  # a direction for every token


def network(kind: str, rows: int) -> Any:
    """A network of a class of transformers, with as many rows of embeddings."""
    of_t5 = {
        "d_model": WIDTH,
        "d_kv": 4,
        "d_ff": 8,
        "num_layers": 1,
        "num_heads": 2,
        "decoder_start_token_id": 0,
    }
    sizes: dict[str, Any] = {
        "GPT2LMHeadModel": {"n_embd": WIDTH, "n_layer": 1, "n_head": 2, "n_positions": 64},
        "T5ForConditionalGeneration": of_t5,
        "MT5ForConditionalGeneration": of_t5,
        "LlamaForCausalLM": {
            "hidden_size": WIDTH,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 64,
        },
        "PegasusForConditionalGeneration": {
            "d_model": WIDTH,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 8,
            "decoder_ffn_dim": 8,
            "max_position_embeddings": 64,
            "scale_embedding": False,
        },
    }[kind]
    made = getattr(transformers, kind)
    return made(made.config_class(vocab_size=rows, tie_word_embeddings=False, **sizes))


def checkpoint(folder: Path, kind: str, rows: int, path: Sequence[int], **config: Any) -> Path:
    """A checkpoint that writes the tokens of a path one by one; its other files are there already."""
    saved(folder, network(kind, rows), dict(pairwise(path)))
    change_json(folder, "config.json", **config)
    return folder


def written(folder: Path, prompt: str) -> str:
    model = textgen.load(str(folder), precision="fp32")
    (record,) = model.generate(prompt, decode="greedy", max_new_tokens=20)
    assert record.error is None
    assert record.candidates[0].finish_reason == "stop"
    return record.candidates[0].text


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def ids_of(folder: Path, text: str, kind: str, **config: Any) -> list[int]:
    """The ids of a text by the tokenizer of a folder, whose weights are yet to come."""
    saved(folder, network(kind, 4), {})
    change_json(folder, "config.json", **config)
    return load_foreign_tokenizer(profile(folder)).encode(text)


def profile(folder: Path) -> Profile:
    return profile_of_files(find_model(str(folder)))


def test_a_t5_over_a_vocabulary_of_bert(tmp_path: Path) -> None:
    """As `uer/t5-*-chinese-cluecorpussmall`: config.json has the ends of the T5 of Google."""
    tokens = vocabulary("extra0", "extra1")
    folder, text = folder_of(tmp_path / "t5-small-chinese"), "今日小雨，明早转晴。"
    write_vocabulary(folder, tokens)
    path = [2, *(tokens.index(c) for c in text), 3]
    checkpoint(folder, "T5ForConditionalGeneration", len(tokens), path, eos_token_id=1, pad_token_id=0)
    assert written(folder, text) == text
    found = profile(folder)
    assert (found.specials.cls, found.specials.sep, found.starts, found.ends) == (2, 3, (2,), (3,))


def test_an_mt5(tmp_path: Path) -> None:
    """As `google/mt5-*`: SentencePiece, no start symbol, the decoder begins with padding."""
    folder, text, kind = folder_of(tmp_path / "mt5"), "今天,天气很好", "MT5ForConditionalGeneration"
    vocabularies.sentencepiece_model(folder / "spiece.model")
    config = {"eos_token_id": 1, "pad_token_id": 0}
    ids = ids_of(folder, text, kind, **config)
    checkpoint(folder, kind, 300, [0, *ids, 1], **config)
    assert written(folder, ARTICLE) == "今天，天气很好", "as the article has it"
    found = profile(folder)
    assert (found.specials.cls, found.specials.sep, found.starts, found.ends) == (-1, 1, (0,), (1,))


def test_a_t5_pegasus(tmp_path: Path) -> None:
    """As `imxly/t5-pegasus`: an mT5 over words of jieba and a vocabulary of BERT."""
    folder, text, kind = folder_of(tmp_path / "t5-pegasus"), "今天我们去公园", "MT5ForConditionalGeneration"
    vocabularies.bert_vocabulary(folder, vocabularies.word_tokens())
    config = {"eos_token_id": 1, "pad_token_id": 0}
    ids = ids_of(folder, text, kind, **config)
    assert len(ids) == 5, "今天 and 公园 are tokens"
    checkpoint(folder, kind, len(vocabularies.word_tokens()), [3, *ids, 4], **config)
    assert written(folder, ARTICLE) == text


def test_a_pegasus_over_a_vocabulary_of_bert(tmp_path: Path) -> None:
    """As `IDEA-CCNL/Randeng-Pegasus-*`: symbols of its own beside those of BERT."""
    folder, text = folder_of(tmp_path / "randeng"), "今日小雨"
    tokens = vocabulary(symbols=("<pad>", "</s>", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    write_vocabulary(folder, tokens)
    path = [0, *(tokens.index(c) for c in text), 1]
    checkpoint(folder, "PegasusForConditionalGeneration", len(tokens), path)
    assert written(folder, "今日小雨，明早转晴。") == text
    found = profile(folder)
    assert (found.specials.cls, found.starts, found.ends) == (-1, (0,), (1,))


def test_a_cpm(tmp_path: Path) -> None:
    """As `TsinghuaAI/CPM-Generate`: config.json has GPT-2's 50256; nothing stands before a prompt."""
    folder, kind = folder_of(tmp_path / "CPM-Generate"), "GPT2LMHeadModel"
    vocabularies.cpm_model(folder / "spiece.model")
    ids = ids_of(folder, "今天天气很好 我们", kind)
    checkpoint(folder, kind, 130, [*ids, 7], bos_token_id=50256, eos_token_id=50256)
    assert written(folder, "今天") == "今天天气很好 我们"
    found = profile(folder)
    assert (found.ends, found.specials.pad, found.reads_bos) == ((7,), 5, False)


@pytest.mark.parametrize("traditional", [False, True])
def test_a_traditional_prompt_is_read_in_the_characters_that_the_vocabulary_has(
    tmp_path: Path, traditional: bool
) -> None:
    folder, kind = folder_of(tmp_path / "gpt2"), "GPT2LMHeadModel"
    characters = SIMPLIFIED + (TRADITIONAL if traditional else "")
    tokens = vocabulary(words=[*dict.fromkeys([*WORDS, *characters])])
    write_vocabulary(folder, tokens)
    text = "今日小雨，明早转晴。"
    follows = chain(tokens, "[CLS]", f"说{text}", "[SEP]")
    follows |= chain(tokens, "說", "國", "[SEP]") if traditional else {}
    saved(folder, network(kind, len(tokens)), follows)
    assert written(folder, "这样说") == f"这样说{text}"
    assert written(folder, "這樣說") == ("這樣說國" if traditional else "這樣說今日小雨，明早轉晴。")
    [found] = [one for one in check_model(str(folder)) if "scripts" in one.facts]
    assert found.facts["scripts"] == ["simplified", "traditional"][: 1 + traditional]
    assert ("texts in these are read in simplified ones" in str(found.text)) is not traditional


def test_ckip_writes_traditional_texts_with_the_vocabulary_of_bert(tmp_path: Path) -> None:
    """As `ckiplab/gpt2-base-chinese`."""
    tokens = vocabulary(words=[*dict.fromkeys([*WORDS, *SIMPLIFIED, *TRADITIONAL])])
    folder = folder_of(tmp_path / "gpt2-base-chinese")
    write_vocabulary(folder, tokens)
    saved(folder, network("GPT2LMHeadModel", len(tokens)), chain(tokens, "[CLS]", "们", "[SEP]"))
    assert profile(folder).scripts is None
    change_json(folder, "config.json", _name_or_path="ckiplab/gpt2-base-chinese")
    assert profile(folder).scripts == {"traditional"}


INTERNLM3 = {  # code comes with it, which transformers does not need
    "model_type": "internlm3",
    "architectures": ["InternLM3ForCausalLM"],
    "auto_map": {"AutoModelForCausalLM": "modeling_internlm3.InternLM3ForCausalLM"},
}


@pytest.mark.parametrize("more", [{}, INTERNLM3], ids=["llama", "internlm3"])
def test_a_llama(tmp_path: Path, more: dict[str, Any]) -> None:
    """SentencePiece with a start symbol that its tokenizer puts before every text."""
    folder, kind = folder_of(tmp_path / "llama"), "LlamaForCausalLM"
    vocabularies.llama_model(folder / "tokenizer.model")
    config = {"bos_token_id": 1, "eos_token_id": 2} | more
    text = "今天天气很好"
    ids = ids_of(folder, text, kind, **config)
    assert len(set(ids)) == len(ids)
    checkpoint(folder, kind, 440, [1, *ids, 2], **config)
    assert written(folder, "") == text
    found = profile(folder)
    assert (found.specials.bos, found.reads_bos, found.ends) == (1, True, (2,))


def test_a_start_symbol_that_tokenizer_json_puts_before_texts(tmp_path: Path) -> None:
    """As Llama 3's, whose tokenizer_config.json does not say so."""
    folder, kind = folder_of(tmp_path / "llama3"), "LlamaForCausalLM"
    model = vocabularies.llama_model(tmp_path / "tokenizer.model")
    vocabularies.llama_json(model, folder)
    ids_of(folder, "今天", kind, bos_token_id=1, eos_token_id=2)
    assert profile(folder).reads_bos
    change_json(folder, "tokenizer.json", post_processor=None)
    assert not profile(folder).reads_bos


def test_a_gpt2_of_byte_level_bpe(tmp_path: Path) -> None:
    """As `IDEA-CCNL/Wenzhong-GPT2-110M`: the end of a text is the beginning of the next."""
    folder, kind, text = folder_of(tmp_path / "Wenzhong"), "GPT2LMHeadModel", "今天天气很好"
    vocabularies.gpt2_files(folder)
    config = {"bos_token_id": 400, "eos_token_id": 400}
    ids = ids_of(folder, text, kind, **config)
    checkpoint(folder, kind, 401, [400, *ids], **config)
    found = profile(folder)
    assert (found.specials.bos, found.reads_bos, found.ends) == (400, False, (400,))
    model = textgen.load(str(folder), precision="fp32")
    for length in (3, 5, 8):  # wherever it ends, no character is cut
        (record,) = model.generate("今", decode="greedy", max_new_tokens=length, end_at="any")
        assert "\ufffd" not in record.candidates[0].text
    assert "".join(model.stream("", decode="greedy", max_new_tokens=len(ids))).startswith(text)


@pytest.mark.parametrize("kind", ["spiece.model", "tokenizer.json"])
def test_the_two_files_of_a_sentencepiece_vocabulary_are_read_alike(tmp_path: Path, kind: str) -> None:
    folder, network_kind = folder_of(tmp_path / "t5"), "T5ForConditionalGeneration"
    model = vocabularies.sentencepiece_model(folder / "spiece.model")
    if kind == "tokenizer.json":
        vocabularies.t5_json(model, folder)
        model.unlink()
    ids = ids_of(folder, "今天天气很好", network_kind, eos_token_id=1, pad_token_id=0)
    assert load_foreign_tokenizer(profile(folder)).decode(ids) == "今天天气很好"
    assert profile(folder).ends == (1,)
