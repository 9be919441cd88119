"""Where searches of `compose` begin, and how what they find is judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from textgen.backends.editing.beginnings import ReadOnce
from textgen.backends.editing.compose import places_of
from textgen.backends.editing.judge import Judge
from textgen.backends.editing.plain_sentences import NoRepeats, OneSentence, plain_ids
from textgen.mcmc.cgmh.edits import FREE, State
from textgen.options import ComposeOptions
from textgen.schema import Row
from textgen.tokenizers.base import Tokenizer


def generate(editors: dict[str, Any], words: tuple[str, ...], **options: Any) -> str:
    [record] = editors["compose"].generate([Row("", "1", keywords=words)], steps=5, seed=1, **options)
    assert record.error is None
    return str(record.candidates[0].text)


@pytest.mark.parametrize("method", ["mh", "anneal"])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_word_that_is_given_twice_stands_twice(editors: dict[str, Any], method: str, ordered: bool) -> None:
    text = generate(editors, ("一边", "一边"), method=method, ordered=ordered)
    assert text.count("一边") == 2
    # a word of every row is the same one as that of the row
    assert "一边" in generate(editors, ("一边",), method=method, keyword=["一边"], length="2-2")


@pytest.mark.parametrize(
    ("words", "text", "ordered", "places"),
    [
        (["又", "又"], "又大又红", False, [0, 2]),
        (["又", "又"], "又大", False, None),
        (["花", "开花"], "开花的花", False, [3, 0]),
        (["花", "开花"], "花开花", True, [0, 1]),
        (["来", "去"], "去来", True, None),
        (["来", "去"], "去来", False, [1, 0]),
    ],
)
def test_words_have_places_of_their_own(
    words: list[str], text: str, ordered: bool, places: list[int] | None
) -> None:
    assert places_of(words, text, ordered=ordered) == places


@pytest.fixture(scope="module")
def tokenizer(editors: dict[str, Any]) -> Tokenizer:
    return editors["compose"].tokenizer


def ids_of(tokenizer: Tokenizer, text: str) -> Tensor:
    return torch.tensor([tokenizer.encode(text)])


def test_a_sentence_ends_once_inside_its_length(editors: dict[str, Any], tokenizer: Tokenizer) -> None:
    size, end = editors["compose"].network.vocab_size, tokenizer.vocabulary.newline
    filtered = OneSentence(tokenizer, size, (4, 6), end, 0)

    def kept(text: str) -> set[int]:
        return {
            *(filtered(ids_of(tokenizer, text), torch.zeros(1, size))[0] > -torch.inf)
            .nonzero()[:, 0]
            .tolist()
        }

    [one] = tokenizer.encode("大")
    assert one in kept("他来了")
    assert end not in kept("他来了")
    assert kept("他来了。") == {end}
    assert kept("来了。") == set()  # too short, and behind an end nothing comes
    assert one not in kept("他来了他来了")


def test_a_sentence_leaves_room_for_its_words(editors: dict[str, Any], tokenizer: Tokenizer) -> None:
    """No end before its words, and no text that they no longer fit in."""
    size, end = editors["compose"].network.vocab_size, tokenizer.vocabulary.newline
    filtered = OneSentence(tokenizer, size, (2, 6), end, 0, ["来", "来"])
    [stop], [come], [big] = (tokenizer.encode(one) for one in "。来大")

    def kept(text: str) -> list[bool]:
        found = filtered(ids_of(tokenizer, text), torch.zeros(1, size))[0] > -torch.inf
        return [bool(found[i]) for i in (stop, come, big)]

    assert kept("他来") == [False, True, True]
    assert kept("他天来天") == [False, True, False]  # the other 来, the mark, and no more
    assert kept("他来来") == [True, True, True]
    assert kept("他天天来来") == [True, False, False]


def test_what_is_read_is_read_once(editors: dict[str, Any], tokenizer: Tokenizer) -> None:
    network, given = editors["compose"].network, tokenizer.encode("他来了")
    once = ReadOnce(network)
    tokens = torch.tensor(tokenizer.encode("大天")[:2])
    assert torch.equal(
        once.step(once.start([given] * 2), tokens), network.step(network.start([given] * 2), tokens)
    )


def test_nothing_is_said_twice(editors: dict[str, Any], tokenizer: Tokenizer) -> None:
    size = editors["compose"].network.vocab_size
    [he], [comma], [came] = (tokenizer.encode(one) for one in "他，来")
    filtered = NoRepeats(frozenset([comma]), [(he, came)], 0)

    def banned(ids: list[int]) -> set[int]:
        return {
            *(filtered(torch.tensor([ids]), torch.zeros(1, size))[0] == -torch.inf).nonzero()[:, 0].tolist()
        }

    [day], [big] = (tokenizer.encode(one) for one in "天大")
    assert banned([day, big, day]) == {big, day}  # the pair, and what stands there twice
    assert banned([he, came, he]) == set()  # a word that must be there may come again
    assert banned([day, comma]) == {comma}


def test_plain_sentences_have_few_marks(editors: dict[str, Any], tokenizer: Tokenizer) -> None:
    plain = plain_ids(tokenizer, editors["compose"].network.vocab_size)
    assert plain[ids_of(tokenizer, "他来了，。？！、")[0]].all()
    assert not plain[ids_of(tokenizer, "1a“《：")[0]].any()


def test_a_judge_marks_what_an_editor_would(editors: dict[str, Any]) -> None:
    editor = editors["compose"]
    judge = Judge(editor.models(ComposeOptions()))

    def faults(before: str, word: str, behind: str) -> int:
        parts = [(before, FREE), (word, 1), (behind, FREE)]
        return judge.faults(
            State.of([(editor.tokenizer.encode(part), label) for part, label in parts if part])
        )

    assert faults("我在", "公园", "里散步。") == 0
    assert faults("我在", "公园", "里散步") == 1
    assert faults("我在", "公园", "里的公园。") == 1
    assert faults("“我在", "公园", "里散步。") == 1
    assert faults("我在", "公园", "里和。") == 1


def test_texts_whose_words_fit_are_better(editors: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two equally probable texts that better tells its word."""
    editor = editors["compose"]
    judge, encode = Judge(editor.models(ComposeOptions())), editor.tokenizer.encode
    states = [
        State.of([(encode(before), FREE), (encode("大"), 1), (encode("。"), FREE)]) for before in ("他", "天")
    ]
    values = iter([[-5.0, -5.0], [-4.0, -1.0]])
    monkeypatch.setattr(judge, "_sums", lambda *_: next(values))
    worse, better = judge.scores(states, [-9.0, -9.0])
    assert better - worse == pytest.approx(5.0 * 3.0)


@pytest.mark.parametrize(("gain", "first"), [(4.0, "他大。"), (6.0, "天大。")])
def test_edits_must_gain_enough(
    editors: dict[str, Any], monkeypatch: pytest.MonkeyPatch, gain: float, first: str
) -> None:
    editor = editors["compose"]
    encode = editor.tokenizer.encode

    def visit(before: str) -> Any:
        state = State.of([(encode(before), FREE), (encode("大"), 1), (encode("。"), FREE)])
        point = SimpleNamespace(ids=state.ids, state=state, scored=SimpleNamespace(logprob=0.0))
        return SimpleNamespace(point=point)

    written, edited = visit("他"), visit("天")
    chain: Any = SimpleNamespace(best=[edited, written], kept=[written])
    scores = {written.point.state: 0.0, edited.point.state: gain}
    monkeypatch.setattr(editor, "_judged", lambda *_: dict(scores))
    start: Any = SimpleNamespace(models=editor.models(ComposeOptions()))
    (_, best), *_ = editor.ranked(start, [chain], ComposeOptions())
    assert editor.tokenizer.decode(list(best.point.ids)) == first
