"""Editors with a language model whose vocabulary has no line break."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

from textgen.backends.registry import editor_class
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.tokenizers.base import ABSENT


def test_texts_stand_between_the_symbols_alone(small_models: Path) -> None:
    loaded = load_model(find_model(str(small_models / "gpt2")))
    specials = loaded.tokenizer.specials
    assert editor_class("rewrite")(loaded).language_model.before == (specials.bos, 16)
    tokenizer = copy(loaded.tokenizer)
    tokenizer.vocabulary = replace(tokenizer.vocabulary, newline=ABSENT)
    editor = editor_class("rewrite")(replace(loaded, tokenizer=tokenizer))
    assert editor.language_model.before == (specials.bos,)
    assert editor.language_model.ends.tolist() == [specials.eos]
