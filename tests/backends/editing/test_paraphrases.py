"""Paraphrases of states: texts of a tokenizer with locked spans, and the chain over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from sequences import proposals, random_bigrams, space_of, transitions

from textgen.backends.editing.locks import held, locked_state
from textgen.backends.editing.paraphrases import Paraphrases
from textgen.events import ignore
from textgen.mcmc.cgmh.edits import FREE, Operations, State, Subject
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.target import Target
from textgen.options import RewriteOptions
from textgen.schema import Row
from textgen.store.catalog import find_model
from textgen.store.load import load_tokenizer
from textgen.text.diff import marked
from textgen.text.model_input import as_read
from textgen.text.paraphrase.lexicon import Lexicon
from textgen.tokenizers.base import Tokenizer

LEXICON = Lexicon.of("马上 立即 立刻\n立即 即刻\n购买 买", "^{t:t}，{s:n}{V:vp}$ = ^{s:n}{t:t}{V:vp}$")
TEXT = "今天，我们马上购买门票。"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(find_model("gpt2"))


def state_of(text: str, words: list[str], tokenizer: Tokenizer) -> State:
    reading = as_read(text, emoji=True, traditional=True)
    parts = held(reading, RewriteOptions(free=("all",), keep=tuple(words)))
    return locked_state(reading, parts, tokenizer, Subject((7,)))


def reached(start: State, neighbours: Paraphrases) -> list[State]:
    """All states on the way from one."""
    found, new = {start: None}, [start]
    while new:
        new = [way for state in new for way in neighbours(state) if way not in found]
        found |= dict.fromkeys(new)
        new = list(dict.fromkeys(new))
    return list(found)


def test_neighbours_are_written_as_the_tokenizer_does_and_keep_their_locks(tokenizer: Tokenizer) -> None:
    neighbours = Paraphrases(tokenizer, LEXICON)
    start = state_of(TEXT, ["我们", "今天"], tokenizer)
    states = reached(start, neighbours)
    texts = [tokenizer.decode(list(state.ids)) for state in states]
    assert len(set(texts)) == len(states) == 2 * 4 * 2
    assert "我们今天立刻买门票。" in texts
    kept = {1: "今天", 2: "我们"}
    for state in states:
        assert list(state.ids) == tokenizer.encode(tokenizer.decode(list(state.ids)))
        spans = {state.labels[span.start]: state.ids[span.start : span.stop] for span in state.spans}
        assert {label: tokenizer.decode(list(ids)) for label, ids in spans.items()} == kept
        assert (state.subject, len(state.ids)) == (Subject((7,)), len(state.labels))
        assert all(state in neighbours(way) for way in neighbours(state))


@pytest.mark.parametrize("rare", ["龘", "３０", "🙂"])
def test_characters_of_several_tokens_are_locked_and_stand_in_neighbours(
    tokenizer: Tokenizer, rare: str
) -> None:
    start = state_of(f"我们马上购买{rare}元门票。", [f"{rare}元"], tokenizer)
    [span] = start.spans
    assert len(span) > len(rare) + 1
    states = reached(start, Paraphrases(tokenizer, LEXICON))
    assert len(states) == 4 * 2
    for state in states:
        [own] = state.spans
        assert state.ids[own.start : own.stop] == start.ids[span.start : span.stop]


def test_a_state_with_other_ids_of_its_text_has_none_and_is_none(tokenizer: Tokenizer) -> None:
    neighbours = Paraphrases(tokenizer, LEXICON)
    whole = state_of("我们马上用the", [], tokenizer)
    assert len(neighbours(whole)) == 2
    ids = [*whole.ids[:-1], *tokenizer.encode("t"), *tokenizer.encode("he")]
    odd = State(tuple(ids), (FREE,) * len(ids), subject=whole.subject)
    assert tokenizer.decode(ids) == "我们马上用the"
    assert odd.ids != whole.ids
    assert neighbours(odd) == ()
    assert all(odd not in neighbours(way) for way in neighbours(whole))


def test_nothing_comes_before_or_behind_a_closed_end(tokenizer: Tokenizer) -> None:
    neighbours = Paraphrases(tokenizer, LEXICON)
    start = state_of("今天，我们购买门票。", ["今天", "。"], tokenizer)
    assert len(neighbours(start)) == 2
    closed = replace(start, open_left=False)
    assert [tokenizer.decode(list(way.ids)) for way in neighbours(closed)] == ["今天，我们买门票。"]
    assert neighbours(replace(start, open_right=False)) != ()


def test_the_chain_over_them_leaves_its_distribution_invariant(tokenizer: Tokenizer) -> None:
    """A word in two groups, locks that change places: all that is reached, by a random language model."""
    neighbours = Paraphrases(tokenizer, LEXICON)
    states = reached(state_of(TEXT, ["我们", "今天"], tokenizer), neighbours)
    known = sorted({i for state in states for i in state.ids})
    small: dict[State, State] = {
        state: replace(state, ids=tuple(known.index(i) for i in state.ids)) for state in states
    }
    large = {other: state for state, other in small.items()}

    def ways(state: State) -> list[State]:
        return [small[way] for way in neighbours(large[state])]

    model = random_bigrams(len(known), 3)
    chain = Cgmh(Target(model), proposals(len(known)), Operations(0, 0, 0, 0, 0.9), neighbours=ways)
    space = space_of(chain, list(large))
    matrix = transitions(chain, space)
    distribution = space.distribution()
    assert (distribution @ matrix - distribution).abs().max() < 1e-12
    assert {len(ways(point.state)) for point in space.points} == {3, 4, 5}
    assert bool(((torch.linalg.matrix_power(matrix, 12)) > 0).all())  # every text from every other


def test_a_text_whose_locked_parts_changed_places_has_each_where_it_went(editors: dict[str, Any]) -> None:
    rewrite = editors["rewrite"]
    options = RewriteOptions(paraphrase=1.0, keep=("今天", "我们", "门票"))
    start = rewrite.prepare(Row("  今天，我们马上去买门票😀。"), options, ignore)
    texts = {}
    for state in reached(start.state, Paraphrases(start.models.tokenizer, LEXICON)):
        text, changes = rewrite.written(start, state)
        texts[text] = marked(start.row.text, text, changes)
    assert texts["  我们今天立即去买门票😀。"] == "  [-今天，-]我们[-马上-]{+今天立即+}去买门票😀。"
    assert texts["  今天，我们马上去购买门票😀。"] == "  今天，我们马上去{+购+}买门票😀。"
    assert len(texts) == 2 * 4 * 2
    assert all(word in text for text in texts for word in options.keep)
