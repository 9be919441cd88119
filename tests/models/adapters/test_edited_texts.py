"""A causal checkpoint of another make scores the texts that are written by editing."""

from __future__ import annotations

from pathlib import Path

import torch
from checkpoints import change_json, vocabulary, write_vocabulary
from foreign_networks import randomised
from transformers import GPT2Config, GPT2LMHeadModel

from textgen.backends.registry import editor_class
from textgen.choice.allowed import text_ids
from textgen.models.whole_texts import WholeTexts
from textgen.schema import Row
from textgen.store.catalog import find_model

TOKENS = vocabulary()


def checkpoint(folder: Path) -> Path:
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
    network = GPT2LMHeadModel(GPT2Config(vocab_size=len(TOKENS), **sizes)).requires_grad_(False)
    randomised(network, 4)
    network.save_pretrained(folder)
    write_vocabulary(folder, TOKENS)
    change_json(folder, "config.json", bos_token_id=None, eos_token_id=None)
    change_json(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=False)
    return folder


def test_texts_are_composed_by_its_probabilities(tmp_path: Path) -> None:
    folder = str(checkpoint(tmp_path / "gpt2"))
    editor = editor_class("compose").open(find_model(folder))
    assert isinstance(editor.language_model, WholeTexts)
    options = {"steps": 20, "seed": 1, "proposals": folder, "num_candidates": 2}
    rows = [Row("", name=str(n), keywords=("小雨",)) for n in range(2)]
    records = editor.generate(rows, **options)
    for record in records:
        assert record.error is None
        assert all("小雨" in candidate.text for candidate in record.candidates)
    [alone] = editor.generate(rows[1:], **options)
    assert [one.text for one in alone.candidates] == [one.text for one in records[1].candidates]
    # its length and repetition apart, a chain's target is what the network says of the text
    ids = editor.tokenizer.encode(records[0].candidates[0].text)
    with torch.inference_mode():
        [scored] = editor.language_model.score([tuple(ids)], [None])
        logits = editor.network.network(input_ids=torch.tensor([[2, *ids]])).logits[0]
    allowed = text_ids(editor.tokenizer, editor.network.vocab_size)
    allowed = logits.masked_fill(~allowed, -torch.inf).log_softmax(-1)
    wanted = float(allowed[:-1].gather(1, torch.tensor(ids)[:, None]).sum() + allowed[-1, 3])
    assert abs(scored.logprob - wanted) < 1e-4
