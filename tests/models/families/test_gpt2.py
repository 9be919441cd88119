"""Our GPT-2 against transformers' GPT2LMHeadModel, and its cache against reading everything again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2LMHeadModel

from textgen.models.families.gpt2 import Gpt2
from textgen.models.layers.cache import SHORT
from textgen.store.load import LoadedModel

TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
SENTENCE = "今天下午，市气象台发布了大风蓝色预警，提醒市民注意安全。"


def random_ids(count: int, seed: int, vocab: int = 101) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, vocab, (count,), generator=generator).tolist()


def reread(theirs: nn.Module, ids: list[int]) -> Tensor:
    """Logits after every token, by their full forward without a cache."""
    logits: Tensor = theirs(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    return logits


def test_parameter_names_are_theirs_but_for_the_tied(tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel) -> None:
    assert set(their_gpt2.state_dict()) - set(tiny_gpt2.state_dict()) == {"lm_head.weight"}
    assert set(tiny_gpt2.state_dict()) <= set(their_gpt2.state_dict())
    for name, tensor in tiny_gpt2.state_dict().items():
        assert tensor.shape == their_gpt2.state_dict()[name].shape, name


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
def test_extend_from_nothing_equals_their_forward(
    tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel, length: int
) -> None:
    ids = random_ids(length, seed=length)
    expected = reread(their_gpt2, ids)
    found = tiny_gpt2.extend(tiny_gpt2.start([[]]), torch.tensor([ids]))
    assert found.shape == (1, length, 101)
    torch.testing.assert_close(found[0], expected, **TOLERANCE)
    assert expected.std() > 0.5


@pytest.mark.parametrize("prefix", [0, 1, 15, 16, 17, 32, 90])
def test_cached_steps_equal_their_full_forward(
    tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel, prefix: int
) -> None:
    ids = random_ids(prefix + 36, seed=prefix)
    expected = reread(their_gpt2, ids)
    state = tiny_gpt2.start([ids[:prefix]])
    for at in range(prefix, len(ids)):
        found = tiny_gpt2.step(state, torch.tensor([ids[at]]))
        assert found.shape == (1, 101)
        torch.testing.assert_close(found[0], expected[at], **TOLERANCE)
    assert state.steps == 36


def test_extending_in_parts_equals_their_full_forward(tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel) -> None:
    ids = random_ids(50, seed=7)
    expected = reread(their_gpt2, ids)
    state = tiny_gpt2.start([ids[:5]])
    cuts = [5, 6, 10, 30, 50]
    parts = [tiny_gpt2.extend(state, torch.tensor([ids[a:b]])) for a, b in pairwise(cuts)]
    torch.testing.assert_close(torch.cat(parts, 1)[0], expected[5:], **TOLERANCE)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("lengths", [(17, 25, 32, 18), (1, 16, 7), (0, 9, 3), (0, 0)])
def test_prefixes_of_one_padded_length_read_together(
    tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel, lengths: tuple[int, ...]
) -> None:
    rows = [random_ids(length + 20, seed=100 + length) for length in lengths]
    prefixes = [row[:length] for row, length in zip(rows, lengths, strict=True)]
    state = tiny_gpt2.start(prefixes)
    assert state.rows == len(rows)
    alone = [tiny_gpt2.start([prefix]) for prefix in prefixes]
    for step in range(20):
        tokens = torch.tensor([row[length + step] for row, length in zip(rows, lengths, strict=True)])
        found = tiny_gpt2.step(state, tokens)
        for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            expected = reread(their_gpt2, row)[length + step]
            torch.testing.assert_close(found[number], expected, **TOLERANCE)
            single = tiny_gpt2.step(alone[number], tokens[number : number + 1])[0]
            if length > 0 or not any(lengths):
                assert torch.equal(single, found[number]), (number, step)
            else:  # an empty prefix shares no padded length with others; it is close, not equal
                torch.testing.assert_close(single, found[number], **TOLERANCE)


def test_later_tokens_change_no_earlier_logits(tiny_gpt2: Gpt2) -> None:
    ids = random_ids(24, seed=9)
    for prefix in (0, 5):
        before = tiny_gpt2.extend(tiny_gpt2.start([ids[:prefix]]), torch.tensor([ids[prefix:]]))
        changed = [*ids[:15], (ids[15] + 1) % 101, *ids[16:]]
        after = tiny_gpt2.extend(tiny_gpt2.start([changed[:prefix]]), torch.tensor([changed[prefix:]]))
        at = 15 - prefix
        assert torch.equal(after[:, :at], before[:, :at])
        assert (after[:, at:] != before[:, at:]).any(-1).all()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("prefix", [0, 11])
def test_repeated_and_reordered_rows_equal_rows_of_their_own(tiny_gpt2: Gpt2, prefix: int) -> None:
    sources = [random_ids(prefix, seed=1), random_ids(prefix, seed=2)]
    state = tiny_gpt2.start(sources)
    tiny_gpt2.step(state, torch.tensor([50, 60]))
    state = state.repeat(3)
    assert state.rows == 6
    tiny_gpt2.step(state, torch.tensor([1, 2, 3, 4, 5, 6]))
    state = state.select(torch.tensor([2, 0, 0, 4, 5, 3]))
    written = [[50, 3], [50, 1], [50, 1], [60, 5], [60, 6], [60, 4]]
    last = [21, 22, 23, 24, 25, 26]
    found = tiny_gpt2.step(state, torch.tensor(last))
    for row, tokens in enumerate(written):
        alone = tiny_gpt2.start([sources[row // 3]])
        for token in tokens:
            tiny_gpt2.step(alone, torch.tensor([token]))
        assert torch.equal(tiny_gpt2.step(alone, torch.tensor([last[row]]))[0], found[row]), row


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("prefix", [0, 11])
@pytest.mark.parametrize("groups", [[1], [0, 2], [2, 0], [2, 0, 1], [1, 1, 0]])
def test_whole_groups_are_selected_with_their_prefixes(
    tiny_gpt2: Gpt2, prefix: int, groups: list[int]
) -> None:
    lengths = [prefix, max(prefix - 3, 0), max(prefix - 1, 0)]
    sources = [random_ids(length, seed=number) for number, length in enumerate(lengths)]
    state = tiny_gpt2.start(sources).repeat(2)
    tiny_gpt2.step(state, torch.tensor([1, 2, 3, 4, 5, 6]))
    rows = [row for group in groups for row in (2 * group, 2 * group + 1)]
    state = state.select(torch.tensor(rows))
    assert state.rows == len(rows)
    found = tiny_gpt2.step(state, torch.tensor([40 + row for row in rows]))
    for at, row in enumerate(rows):
        alone = tiny_gpt2.start([sources[row // 2]])
        tiny_gpt2.step(alone, torch.tensor([1 + row]))
        assert torch.equal(tiny_gpt2.step(alone, torch.tensor([40 + row]))[0], found[at]), row


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("prefix", [0, 11, SHORT + 6])
@pytest.mark.parametrize(
    ("rows", "size"), [([1, 2, 3, 5], 2), ([2, 4], 1), ([5], 1), ([4, 3], 2), ([0, 1, 2, 3, 4, 5], 3)]
)
def test_rows_of_narrowed_groups_equal_rows_of_their_own(
    tiny_gpt2: Gpt2, prefix: int, rows: list[int], size: int
) -> None:
    sources = [random_ids(prefix, seed=1), random_ids(prefix - 2 if prefix else 0, seed=2)]
    whole = tiny_gpt2.start(sources).repeat(3)
    tiny_gpt2.step(whole, torch.tensor([1, 2, 3, 4, 5, 6]))
    state = whole.narrowed(torch.tensor(rows), size)
    assert (state.rows, whole.rows) == (len(rows), 6)
    for step in range(2):
        found = tiny_gpt2.step(state, torch.tensor([20 + row + step for row in rows]))
    for at, row in enumerate(rows):
        alone = tiny_gpt2.start([sources[row // 3]])
        for token in (1 + row, 20 + row, 21 + row):
            expected = tiny_gpt2.step(alone, torch.tensor([token]))[0]
        assert torch.equal(expected, found[at]), row


def test_states_taken_from_one_do_not_touch_each_other(tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel) -> None:
    ids = random_ids(12, seed=13)
    state = tiny_gpt2.start([ids])
    tiny_gpt2.step(state, torch.tensor([5]))
    left, right = state.repeat(1), state.select(torch.tensor([0]))
    tiny_gpt2.step(left, torch.tensor([70]))
    tiny_gpt2.step(right, torch.tensor([80]))
    for taken, second in ((left, 70), (right, 80)):
        found = tiny_gpt2.step(taken, torch.tensor([9]))[0]
        torch.testing.assert_close(found, reread(their_gpt2, [*ids, 5, second, 9])[-1], **TOLERANCE)
    found = tiny_gpt2.step(state, torch.tensor([90]))[0]
    torch.testing.assert_close(found, reread(their_gpt2, [*ids, 5, 90])[-1], **TOLERANCE)


def test_shipped_model_equals_theirs_with_the_same_weights(
    gpt2_model: LoadedModel, shipped_reference: Callable[[str], nn.Module]
) -> None:
    network, tokenizer = gpt2_model.network, gpt2_model.tokenizer
    assert isinstance(network, Gpt2)
    ids = [tokenizer.specials.bos, *tokenizer.encode(SENTENCE)]
    expected = reread(shipped_reference("gpt2"), ids).log_softmax(-1)
    whole = network.extend(network.start([[]]), torch.tensor([ids]))[0].log_softmax(-1)
    torch.testing.assert_close(whole, expected, **TOLERANCE)
    state = network.start([ids[:10]])
    for at in range(10, len(ids)):
        found = network.step(state, torch.tensor([ids[at]]))[0].log_softmax(-1)
        torch.testing.assert_close(found, expected[at], **TOLERANCE)
    # the weights are trained ones: an untrained model has 13 bits a piece
    bits = -expected[:-1].gather(1, torch.tensor(ids[1:])[:, None]).mean() / torch.log(torch.tensor(2.0))
    assert 1.0 < float(bits) < 6.0


@pytest.mark.usefixtures("one_thread")
def test_a_batch_of_the_shipped_model_has_the_bits_of_its_rows_alone(gpt2_model: LoadedModel) -> None:
    network = gpt2_model.network
    assert isinstance(network, Gpt2)
    rows = [random_ids(length + 18, seed=length, vocab=8185) for length in (33, 40, 48)]
    prefixes = [row[:-18] for row in rows]
    together, alone = network.start(prefixes), [network.start([prefix]) for prefix in prefixes]
    for step in range(18):
        tokens = torch.tensor([row[step - 18] for row in rows])
        found = network.step(together, tokens)
        for number, state in enumerate(alone):
            single = network.step(state, tokens[number : number + 1])
            assert torch.equal(single[0], found[number]), (number, step)
