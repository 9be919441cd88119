"""Texts of a wanted length, against all texts of a small vocabulary."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from fakes import HiddenTabularModel, Table, TabularModel, batch_of, everything, random_table
from torch import Tensor
from two_way import TwoWayTable, alone, random_logits

from textgen.choice.lengths import LEAST_END, Within, token_lengths
from textgen.choice.scoring import LaneScoring, Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis, Length
from textgen.decoding.plan import Plan, search
from textgen.decoding.search.beam import beam_search
from textgen.decoding.stop import Stop
from textgen.options import ContinueOptions, TitleOptions
from textgen.options.decoding import strategies
from textgen.resources import models_dir
from textgen.rng import row_key
from textgen.text.length import characters
from textgen.tokenizers.base import Vocabulary
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

END = 0
PIECES = (b"", "中".encode(), b"ab", b" ", " c文".encode())
VOCAB = len(PIECES)
VOCABULARY = Vocabulary(PIECES, frozenset(), 0, frozenset())
LENGTHS = token_lengths(VOCABULARY, VOCAB)
LIMIT = 5
RANGES = [(1, 1), (2, 3), (3, 3), (4, 9), (1, 99)]


def text_of(ids: list[int] | tuple[int, ...]) -> str:
    return b"".join(PIECES[i] for i in ids).decode()


def within(least: int, most: int) -> Scoring:
    return Scoring(everything(VOCAB), hard=[Within(LENGTHS, least, most, END, 0)])


def fitting(table: Table, least: int, most: int) -> dict[tuple[int, ...], float]:
    """Every text that has the length and that the model may end there, with its mean log-probability."""
    found = {}
    for count in range(LIMIT):
        for ids in itertools.product(range(1, VOCAB), repeat=count):
            rows: list[Tensor] = [table((0, *ids[:n])).log_softmax(-1) for n in range(count + 1)]
            ends = float(rows[-1][END]) >= math.log(LEAST_END)
            # a space behind a text that is full would have no end
            full = any(characters(text_of(ids[:n])) >= most for n in range(count))
            if least <= characters(text_of(ids)) <= most and ends and not full:
                score = sum(float(row[i]) for row, i in zip(rows, (*ids, END), strict=True))
                found[*ids, END] = score / (count + 1)
    return found


@pytest.mark.parametrize(("least", "most"), RANGES)
def test_a_wide_beam_finds_just_the_texts_of_that_length(least: int, most: int) -> None:
    some = 0
    for seed in range(3):
        table = random_table(VOCAB, seed, scale=2.5)
        search = BeamSearch(VOCAB**LIMIT, END, Length(LIMIT))
        (found,) = beam_search(TabularModel(VOCAB, table), batch_of([[]]), within(least, most), search)
        ended = {tuple(one.ids): one.score for one in found if one.reason == "stop"}
        assert ended == pytest.approx(fitting(table, least, most), abs=1e-5)
        some += len(ended)
    assert some


def found(name: str, seed: int, least: int, most: int) -> list[Hypothesis]:
    kind = TitleOptions if name == "bidirectional" else ContinueOptions
    wide = {"beams": 6} if "beams" in strategies()[name].options else {}
    stop = Stop(END, LIMIT)
    options = kind(decode=name, max_new_tokens=LIMIT, **wide)
    plan = Plan(options, END, 1, lambda _, ids: stop.reason(ids), copies=20)
    logits = random_logits(VOCAB, seed, scale=2.5)
    table = alone(logits)
    model = {
        "bidirectional": TwoWayTable(VOCAB, logits, interaction=False),
        "contrastive": HiddenTabularModel(VOCAB, table),
    }.get(name) or TabularModel(VOCAB, table)
    scoring = within(least, most)
    batch = batch_of([[]], 0, [row_key(seed, "")])
    both = LaneScoring([scoring, scoring], 3) if name == "bidirectional" else scoring
    (pool,) = search(model, batch, both, plan)
    return pool


@pytest.mark.parametrize("name", strategies())
def test_no_strategy_ends_outside(name: str) -> None:
    count = 0
    for seed, (least, most) in itertools.product(range(6), RANGES):
        for one in found(name, seed, least, most):
            length = characters(text_of(one.ids))
            assert length <= most
            assert one.reason != "stop" or least <= length
            count += one.reason == "stop"
    assert count > 5


def test_an_end_that_the_model_would_not_write_is_none() -> None:
    """The likely text is too long; a cut of it would be the best by score, and is not found."""
    chances = {(): [0.0, 1.0, 0, 0, 0], (1,): [0.009, 0.5, 0.491, 0, 0], (1, 1): [0.009, 0.991, 0, 0, 0]}
    otherwise = [0.6, 0.4, 0, 0, 0]
    table = lambda prefix: torch.tensor(chances.get(prefix[1:], otherwise), dtype=torch.float64).log()  # noqa: E731
    search = BeamSearch(4, END, Length(LIMIT))
    (found_,) = beam_search(TabularModel(VOCAB, table), batch_of([[]]), within(1, 3), search)
    assert {text_of(one.ids) for one in found_} == {"中ab", "中中中"}


def test_lengths_of_the_real_pieces() -> None:
    tokenizer = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")
    lengths = token_lengths(tokenizer.vocabulary, 8192)
    for text in ("图书馆 Linux 6.0 内核", "龘😀é", "\n \t"):
        assert int(lengths[tokenizer.encode(text)].sum()) == characters(text)
    assert int(lengths[tokenizer.specials.eos]) == 0
