"""A text scored from one that begins like it has the score it has alone, for less work."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from math import inf, log

import pytest
import torch
from torch import Tensor

from textgen.models.families.gpt2 import Gpt2
from textgen.models.precision import PROBLEMS, set_precision
from textgen.models.scoring import IncrementalGpt2, sequence_logprobs
from textgen.models.views import Scored
from textgen.store.load import LoadedModel

VOCAB = 101
BEFORE, END = [7, 8], 3
TOLERANCE = 1e-4

Text = tuple[int, ...]


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def everything() -> Tensor:
    return torch.ones(VOCAB, dtype=torch.bool)


@pytest.fixture
def model(tiny_gpt2: Gpt2) -> IncrementalGpt2:
    return IncrementalGpt2(tiny_gpt2, BEFORE, [END], everything())


def some_text(length: int, seed: int = 0) -> Text:
    generator = random.Random(f"{seed} {length}")
    return tuple(generator.randrange(10, VOCAB) for _ in range(length))


def alone(model: IncrementalGpt2, text: Sequence[int], end: int = END) -> float:
    """The same by the model's own forward."""
    *source, given = model.before
    target = [given, *text, end]
    return float(sequence_logprobs(model.network, source, [target], model.allowed)[0])


def score(model: IncrementalGpt2, text: Sequence[int], parent: Scored | None = None) -> Scored:
    [found] = model.score([text], [parent])
    return found


def assert_same(found: Scored, wanted: Scored) -> None:
    assert found.logprob == pytest.approx(wanted.logprob, abs=TOLERANCE)
    assert found.memory.sequence == wanted.memory.sequence
    assert found.memory.logprobs == pytest.approx(wanted.memory.logprobs, abs=TOLERANCE)
    length = len(found.memory.sequence)
    for name, places in (("keys", (..., slice(length), slice(None))), ("hidden", slice(length))):
        torch.testing.assert_close(
            getattr(found.memory, name)[places], getattr(wanted.memory, name)[places], atol=1e-4, rtol=0.0
        )


@pytest.mark.parametrize("before", [[7], [7, 8], [7, 8, 9, 10, 11]])
@pytest.mark.parametrize("length", [0, 1, 13, 14, 15, 16, 40])
def test_a_text_has_the_score_that_the_model_gives_it(
    tiny_gpt2: Gpt2, before: list[int], length: int
) -> None:
    model = IncrementalGpt2(tiny_gpt2, before, [END], everything())
    found = score(model, some_text(length))
    assert found.logprob == pytest.approx(alone(model, some_text(length)), abs=TOLERANCE)
    assert found.logprob < -1
    assert len(found.memory.logprobs) == length + 1
    assert sum(found.memory.logprobs) == found.logprob
    assert found.memory.sequence == (*before, *some_text(length))


def test_several_ends_are_one(tiny_gpt2: Gpt2) -> None:
    model = IncrementalGpt2(tiny_gpt2, BEFORE, [50, END, 4], everything())
    parent = score(model, some_text(9))
    for text, known in ((some_text(9), None), ((), None), (some_text(9)[:4], parent)):
        each = torch.tensor([alone(model, text, end) for end in (END, 4, 50)], dtype=torch.float64)
        found = score(model, text, known).logprob
        assert found == pytest.approx(float(each.logsumexp(0)), abs=TOLERANCE)
        assert found > float(each.max()) + 1e-3


def test_probabilities_are_over_the_allowed(tiny_gpt2: Gpt2) -> None:
    allowed = torch.zeros(VOCAB, dtype=torch.bool)
    allowed[[END, *range(20, 60)]] = True
    model = IncrementalGpt2(tiny_gpt2, BEFORE, [END], allowed)
    text = (20, 45, 31, 20, 59)
    found = score(model, text)
    assert found.logprob == pytest.approx(alone(model, text), abs=TOLERANCE)
    free = IncrementalGpt2(tiny_gpt2, BEFORE, [END], everything())
    assert found.logprob > score(free, text).logprob + 1
    edited = score(model, (20, 45, 22, 20), found)
    assert edited.logprob == pytest.approx(alone(model, (20, 45, 22, 20)), abs=TOLERANCE)
    # all texts of one piece, and what goes on behind them, share out all probability
    firsts = model.score([(n,) for n in range(20, 60)], [None] * 40)
    total = sum(torch.tensor(one.memory.logprobs[0]).exp() for one in firsts)
    total += torch.tensor(score(model, ()).memory.logprobs[0]).exp()
    assert float(total) == pytest.approx(1.0, abs=1e-5)
    # what is not allowed is impossible, and no longer so once it is gone
    never = score(model, (20, 99, 31))
    assert never.logprob == -inf
    assert_same(score(model, (20, 98, 31), never), score(model, (20, 98, 31)))
    assert_same(score(model, (20, 45, 31), never), score(model, (20, 45, 31)))
    assert score(model, (20, 45, 31), never).logprob > log(1e-30)


EDITS: list[tuple[Text, Text]] = [
    ((), ()),
    ((), (30,)),
    ((30,), ()),
    (some_text(9), some_text(9)),
    (some_text(9), (99, *some_text(9))),  # at the beginning
    (some_text(9), (*some_text(9), 99)),  # at the end
    (some_text(9), some_text(9)[1:]),
    (some_text(9), some_text(9)[:-1]),
    (some_text(9), (99, *some_text(9)[1:])),
    (some_text(9), (*some_text(9)[:-1], 99)),
    (some_text(9), (*some_text(9)[:4], 99, *some_text(9)[4:])),
    (some_text(14), (*some_text(14)[:5], 99, *some_text(14)[5:])),  # over 16, with what stands before
    (some_text(15), some_text(15)[:7] + some_text(15)[8:]),  # and back
    (some_text(14), (*some_text(14), 99)),
    (some_text(15), some_text(15)[:-1]),
    (some_text(60), some_text(60)[:3]),
    (some_text(3), some_text(3) + some_text(60)),
    (some_text(9), (99,) * 9),  # nothing in common
    (some_text(30), (99,) * 4),
    ((30,) * 6, (30,) * 7),
    ((30,) * 7, (30,) * 6),
]


@pytest.mark.parametrize(("old", "new"), EDITS)
def test_an_edited_text_has_the_score_it_has_alone(model: IncrementalGpt2, old: Text, new: Text) -> None:
    parent = score(model, old)
    found = score(model, new, parent)
    assert_same(found, score(model, new))
    assert found.logprob == pytest.approx(alone(model, new), abs=TOLERANCE)
    # the parent is as it was
    assert_same(parent, score(model, old))


def edited(text: Text, chance: random.Random) -> Text:
    """A piece replaced, inserted or left out, anywhere; or two parts that change places."""
    kind, at = chance.randrange(4), chance.randrange(len(text) + 1)
    piece = chance.randrange(10, VOCAB)
    if kind == 0:
        return (*text[:at], piece, *text[at:])
    if kind == 1:
        return (*text[:at], piece, *text[at + 1 :])
    return text[:at] + text[at + 1 :] if kind == 2 else text[at:] + text[:at]


@pytest.mark.parametrize("start", [0, 12, 30])
def test_long_walks_do_not_drift(model: IncrementalGpt2, start: int) -> None:
    chance = random.Random(start)
    text = some_text(start)
    found = score(model, text)
    lengths = set()
    for _ in range(120):
        text = edited(text, chance)
        found = score(model, text, found)
        lengths.add((len(text) + len(BEFORE)) // 16)
        assert found.logprob == pytest.approx(alone(model, text), abs=TOLERANCE)
    assert len(lengths) > 1 or start == 0
    assert_same(found, score(model, text))


@pytest.mark.usefixtures("one_thread")
def test_texts_together_have_the_very_scores_they_have_alone(model: IncrementalGpt2) -> None:
    chance = random.Random(5)
    parents: list[Scored | None] = [score(model, some_text(n, n)) for n in (0, 3, 9, 13, 14, 15, 20, 40, 70)]
    parents += [None, None, Scored(-inf)]
    texts = [edited(parent.memory.sequence[2:], chance) for parent in parents[:9] if parent] + [
        some_text(11),
        some_text(5),
        some_text(16),
    ]
    texts += texts[:4]  # twice in a batch, with another parent
    parents += [parents[2], None, parents[3], parents[1]]
    together = model.score(texts, parents)
    for n, (text, parent) in enumerate(zip(texts, parents, strict=True)):
        by_itself = score(model, text, parent)
        assert together[n].logprob == by_itself.logprob
        assert together[n].memory.logprobs == by_itself.memory.logprobs
        assert torch.equal(together[n].memory.keys, by_itself.memory.keys)
        assert torch.equal(together[n].memory.hidden, by_itself.memory.hidden)
    backwards = model.score(texts[::-1], parents[::-1])
    assert [one.logprob for one in backwards[::-1]] == [one.logprob for one in together]
    assert len({one.logprob for one in together}) > 11


def test_no_texts_are_no_scores(model: IncrementalGpt2) -> None:
    assert model.score([], []) == []


def test_a_parent_that_was_never_read_is_none(model: IncrementalGpt2) -> None:
    """Such is the point of a state that the law does not hold."""
    assert score(model, some_text(5), Scored(-inf)).logprob == score(model, some_text(5)).logprob


def test_memories_hold_nothing_of_the_other_texts(model: IncrementalGpt2) -> None:
    for one in model.score([some_text(5, n) for n in range(6)], [None] * 6):
        for tensor in (one.memory.keys, one.memory.hidden):
            assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


def test_the_longest_text(model: IncrementalGpt2) -> None:
    assert model.longest == 126
    text = some_text(126)
    found = score(model, text)
    assert found.logprob == pytest.approx(alone(model, text), abs=TOLERANCE)
    assert_same(score(model, (*text[:125], 99), found), score(model, (*text[:125], 99)))


@pytest.fixture
def work(model: IncrementalGpt2, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[int]]]:
    """Tokens that went through the first block and the last, and through the head, since it was asked."""
    network = model.network
    done = [0, 0, 0]

    def count(number: int) -> Callable[..., None]:
        def add(block: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
            done[number] += given[0].shape[:-1].numel()

        return add

    blocks = network.transformer.h
    hooks = [blocks[0].register_forward_pre_hook(count(0)), blocks[-1].register_forward_pre_hook(count(1))]
    head = network.head

    def counted(state: None, hidden: Tensor) -> Tensor:
        done[2] += hidden.shape[:-1].numel()
        return head(state, hidden)  # type: ignore[arg-type]

    monkeypatch.setattr(network, "head", counted)

    def since() -> list[int]:
        found = list(done)
        done[:] = [0, 0, 0]
        return found

    yield since
    for hook in hooks:
        hook.remove()


def test_only_what_follows_an_edit_is_computed(model: IncrementalGpt2, work: Callable[[], list[int]]) -> None:
    text = some_text(12)
    parent = score(model, text)
    assert work() == [14, 14, 13]  # what stands before goes through the blocks, too; the end only the head
    cases = [
        (text, 0),
        ((*text[:8], 99, *text[9:]), 4),
        ((*text[:8], 99, *text[8:]), 5),
        (text[:8] + text[9:], 3),
        ((*text, 99), 1),
        (text[:-1], 0),
        ((99, *text), 13),
        ((), 0),
        ((99,) * 12, 12),
    ]
    for new, tokens in cases:
        score(model, new, parent)
        assert work() == [tokens, tokens, tokens + 1]
    # together they take as many as alone: nothing is padded
    model.score([new for new, _ in cases], [parent] * len(cases))
    total = sum(tokens for _, tokens in cases)
    assert work() == [total, total, total + len(cases)]
    # a text read without a parent is read whole
    score(model, text)
    assert work() == [14, 14, 13]


@pytest.mark.usefixtures("one_thread")
def test_the_shipped_model(gpt2_model: LoadedModel) -> None:
    tokenizer, specials = gpt2_model.tokenizer, gpt2_model.tokenizer.specials
    newline = tokenizer.vocabulary.newline
    allowed = torch.ones(gpt2_model.network.vocab_size, dtype=torch.bool)
    allowed[[specials.mask, specials.sep]] = False
    model = IncrementalGpt2(gpt2_model.network, [specials.bos, newline], [specials.eos, newline], allowed)
    good, bad, longer = [
        tuple(tokenizer.encode(text))
        for text in ("今天的天气很好。", "今天的天汽很好。", "今天的天气很好，我们去公园散步吧。")
    ]
    first = score(model, good)
    found = [first, *model.score([bad, longer], [first, first])]
    for text, one in zip((good, bad, longer), found, strict=True):
        each = [alone(model, text, end) for end in (specials.eos, newline)]
        assert one.logprob == pytest.approx(float(torch.tensor(each).logsumexp(0)), abs=TOLERANCE)
    assert found[0].logprob > found[1].logprob + 2
    chance = random.Random(1)
    pieces = sorted({*good, *bad, *longer})
    text, one = longer, found[2]
    texts = []
    for _ in range(12):
        at = chance.randrange(len(text))
        text = (*text[:at], chance.choice(pieces), *text[at + chance.randrange(2) :])
        texts.append((text, one))
        one = score(model, text, one)
    assert len(text) > len(longer)
    together = model.score([text for text, _ in texts] * 2, [one for _, one in texts] + [None] * 12)
    alone_again = [score(model, text, one) for text, one in texts] + [score(model, text) for text, _ in texts]
    assert [said.logprob for said in together] == [said.logprob for said in alone_again]
    assert one.logprob == pytest.approx(score(model, text).logprob, abs=TOLERANCE)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_score_does_not_depend_on_the_edits_before(
    tiny_gpt2: Gpt2, threads: Callable[[int], None], precision: str, count: int
) -> None:
    threads(count)
    if precision in PROBLEMS and (problem := PROBLEMS[precision]()):
        pytest.skip(problem)
    network = deepcopy(tiny_gpt2)
    set_precision(network, precision)
    model = IncrementalGpt2(network, BEFORE, [END], everything())
    draw = random.Random(count)
    texts = [some_text(length) for length in (3, 13, 30)]
    scored = model.score(texts, [None] * 3)
    for _ in range(25):
        places = [draw.randrange(len(text)) for text in texts]
        edits = [draw.choice([(), (draw.randrange(10, VOCAB),), (12, 13)]) for _ in texts]
        texts = [
            (*text[:at], *edit, *text[at + 1 :]) or text
            for text, at, edit in zip(texts, places, edits, strict=True)
        ]
        scored = model.score(texts, scored)
        # to the bit: int8 would round the smallest difference to one of a thousandth
        assert [one.logprob for one in scored] == [score(model, text).logprob for text in texts]


def test_scores_that_nobody_remembers_are_the_same(model: IncrementalGpt2) -> None:
    parents = model.score([some_text(9), some_text(20), some_text(5)], [None] * 3)
    texts = [(*some_text(9)[:5], 11, *some_text(9)[5:]), some_text(20), some_text(6, seed=2)]
    remembered = model.score(texts, parents)
    forgotten = model.score(texts, parents, remember=False)
    assert [one.logprob for one in forgotten] == [one.logprob for one in remembered]
    assert {one.memory for one in forgotten} == {None}
