"""The network of two reading and two writing LSTM layers: its parts by hand, its cache, its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from rnn import (
    CLS,
    EOS,
    L2R,
    LENGTHS,
    R2L,
    SEP,
    SIZES,
    TOLERANCE,
    VOCAB,
    batch_of,
    greedily,
    make_ids,
    make_network,
    make_source,
    make_targets,
)
from torch import Tensor
from torch.nn import functional

from textgen.models.families import RNN_TITLE
from textgen.models.families.rnn_title import BothWays, RnnTitle, RnnTitleConfig, reversed_places
from textgen.models.initialization import initialized
from textgen.models.shared_prefix import SharedPrefix


@pytest.fixture(scope="module")
def network() -> RnnTitle:
    return make_network()


def single(network: RnnTitle, source: Sequence[int], target: Tensor) -> Tensor:
    """Logits after each token of a target, `(steps, vocab)`, one token a step and nothing else beside it."""
    state = network.start([source])
    return torch.cat([network.step(state, token[None]) for token in target])


def lstm_by_hand(lstm: Any, x: Tensor) -> Tensor:
    """Hochreiter & Schmidhuber 1997, with forget gates, one place after the other: `(length, width)`."""
    h = c = torch.zeros(lstm.hidden_size)
    found = []
    for at in x:
        gates = lstm.weight_ih_l0 @ at + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        found.append(h)
    return torch.stack(found)


def by_hand(network: RnnTitle, source: Sequence[int], target: Tensor) -> Tensor:
    """Logits after each token of a target, `(steps, vocab)`: the article's formulas for one pair."""
    parts: Any = network
    x = parts.embedding.weight[list(source)]
    for norm, reader in zip(parts.norms, parts.readers, strict=True):
        x = functional.layer_norm(x, (32,), norm.weight, norm.bias)
        back = lstm_by_hand(reader.back, x.flip(0)).flip(0)
        x = torch.cat([lstm_by_hand(reader.forth, x), back], -1)
    summary = x.amax(0)

    def modulated(number: int, y: Tensor) -> Tensor:
        two = parts.modulations[number]
        return functional.layer_norm(y, (32,)) * (1 + two.gamma(summary)) + two.beta(summary)

    y = parts.embedding.weight[target]
    for number, writer in enumerate(parts.writers):
        y = lstm_by_hand(writer, modulated(number, y))
    y = modulated(2, y)
    contexts = []
    heads = (one.weight.chunk(4) for one in (parts.query, parts.key, parts.value))
    for query, key, value in zip(*heads, strict=True):
        weights = ((y @ query.T) @ (x @ key.T).T / 8**0.5).softmax(-1)
        contexts.append(weights @ (x @ value.T))
    dense = functional.leaky_relu(parts.dense(torch.cat([y, *contexts], -1)), 0.2)
    chi = torch.zeros(VOCAB)
    chi[[i for i in source if i > 8]] = 1.0
    return (parts.output(dense) + parts.prior.a.exp() * chi + parts.prior.t) / 2


@pytest.mark.parametrize("length", [2, 16, 17, 40])
def test_the_network_is_the_articles(network: RnnTitle, length: int) -> None:
    source, target = make_source(length), make_targets(1, 7)[0]
    expected = by_hand(network, source, target)
    torch.testing.assert_close(single(network, source, target), expected, **TOLERANCE)
    torch.testing.assert_close(network([source], target[None])[0], expected, **TOLERANCE)
    assert expected.std() > 0.5


def test_reversal_leaves_padding_where_it_is() -> None:
    places = reversed_places(torch.tensor([3, 5, 1]), 5)
    assert places.view(3, 5).tolist() == [[2, 1, 0, 3, 4], [9, 8, 7, 6, 5], [10, 11, 12, 13, 14]]
    assert places[places].tolist() == list(range(15))


def test_a_padded_batch_is_read_both_ways_like_each_row_alone() -> None:
    reader = make_network().readers[0]
    assert isinstance(reader, BothWays)
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([3, 9, 1, 6])
    x = torch.randn(4, 9, 32, generator=generator)  # padding is anything
    found = reader(x, reversed_places(lengths, 9))
    for row, length in enumerate(lengths.tolist()):
        alone = reader(x[row : row + 1, :length], reversed_places(lengths[row : row + 1], length))
        torch.testing.assert_close(found[row, :length], alone[0], atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("prior", [True, False])
def test_padding_changes_nothing(prior: bool) -> None:
    """Neither how much there is of it nor what stands there."""
    network = make_network(prior=prior)
    source, targets = make_source(17), make_targets(1, 6)
    expected = network.extend(network._start([source], 17), targets)
    for width in (18, 32, 64):
        found = network.extend(network._start([source], width), targets)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0.0)
    before = network.extend(network.start([source]), targets)
    network.embedding.weight[0] += 5.0  # what padding is embedded as
    assert torch.equal(network.extend(network.start([source]), targets), before)


def test_the_maximum_is_over_the_text_alone(network: RnnTitle) -> None:
    """Beside a longer source the global vector, and with it every scale and shift, stays what it was."""
    short, long = make_source(17), make_source(32)
    alone, beside = network._start([short], 17), network.start([long, short])
    for one, two in zip(alone.modulation, beside.modulation, strict=True):
        torch.testing.assert_close(two[1], one[0], atol=1e-6, rtol=0.0)
        assert (two[0] - two[1]).abs().max() > 0.01


def test_the_copy_prior_is_averaged_and_forgets_the_order() -> None:
    network = make_network()
    assert network.prior is not None
    for parameter in (*network.output.parameters(), network.prior.a, network.prior.t):
        parameter.zero_()
    source = make_source(20)
    logits = network([source], make_targets(1, 4))[0]
    inside = torch.zeros(VOCAB, dtype=torch.bool)
    inside[source[1:-1]] = True
    assert torch.equal(logits, (inside.float() / 2).expand(4, -1))  # specials are never counted
    three = torch.tensor([source[1], CLS, EOS])
    law = logits[0, three].softmax(-1)
    torch.testing.assert_close(law, torch.tensor([0.4519, 0.2741, 0.2741]), atol=5e-5, rtol=0.0)
    permuted = [CLS, *reversed(source[1:-1]), SEP]
    assert torch.equal(network([permuted], make_targets(1, 4))[0], logits)


def test_without_a_prior_the_logits_are_plain() -> None:
    plain, prior = make_network(prior=False), make_network()
    prior.load_state_dict(plain.state_dict() | {n: prior.state_dict()[n] for n in ("prior.a", "prior.t")})
    assert prior.prior is not None
    source, targets = make_source(20), make_targets(1, 5)
    voted = (plain([source], targets) + prior.prior.vote([source])[:, None]) / 2
    assert torch.equal(prior([source], targets), voted)


def test_steps_equal_the_whole(network: RnnTitle) -> None:
    """In one go, in two and one by one; behind `start` and as in training."""
    sources, targets = [make_source(length) for length in LENGTHS], make_targets(4, 9)
    whole = network.extend(network.start(sources), targets)
    state = network.start(sources)
    halves = torch.cat([network.extend(state, targets[:, :4]), network.extend(state, targets[:, 4:])], 1)
    state = network.start(sources)
    steps = torch.stack([network.step(state, column) for column in targets.T], 1)
    for found in (halves, steps, network(sources, targets)):
        torch.testing.assert_close(found, whole, atol=1e-5, rtol=0.0)


def test_a_batch_equals_its_rows_alone(network: RnnTitle) -> None:
    sources, targets = [make_source(length) for length in LENGTHS], make_targets(4, 9)
    state = network.start(sources)
    steps = torch.stack([network.step(state, column) for column in targets.T], 1)
    for row, source in enumerate(sources):
        torch.testing.assert_close(steps[row], single(network, source, targets[row]), **TOLERANCE)


def test_later_tokens_and_other_rows_change_nothing(network: RnnTitle) -> None:
    sources, targets = [make_source(17), make_source(25)], make_targets(2, 8)
    before = network(sources, targets)
    changed = targets.clone()
    changed[1, 5] = 9
    after = network(sources, changed)
    assert torch.equal(after[0], before[0])
    assert torch.equal(after[1, :5], before[1, :5])
    assert (after[1, 5:] != before[1, 5:]).any(-1).all()


def test_beams_keep_their_states_where_they_move(network: RnnTitle) -> None:
    """repeat, reorder, drop a whole group: every row is still what its own tokens made of it."""
    sources = [make_source(17), make_source(32)]
    state = network.start(sources)
    network.step(state, torch.tensor([L2R, R2L]))
    state = state.repeat(3)
    assert state.rows == 6
    written = [[L2R]] * 3 + [[R2L]] * 3
    moves = [[0, 0, 2, 5, 4, 4], [2, 1, 0, 3, 4, 5], [3, 5, 5], [2, 0, 1]]
    for number, rows in enumerate(moves):
        tokens = make_ids(len(written), seed=number)
        logits = network.step(state, torch.tensor(tokens))
        written = [[*row, token] for row, token in zip(written, tokens, strict=True)]
        for row, ids in enumerate(written):
            source = sources[row // 3] if len(written) == 6 else sources[1]
            expected = single(network, source, torch.tensor(ids))[-1]
            torch.testing.assert_close(logits[row], expected, **TOLERANCE)
        state = state.select(torch.tensor(rows))
        written = [written[row] for row in rows]
    assert state.rows == 3


def test_a_copy_of_a_state_goes_its_own_way(network: RnnTitle) -> None:
    model = SharedPrefix(network, [make_source(17), make_source(32)])
    for first in (L2R, R2L):
        target = torch.tensor([first, 20, 30])
        state = model.start([make_source(32)])
        found = torch.cat([network.step(state, token[None]) for token in target])
        torch.testing.assert_close(found, single(network, make_source(32), target), **TOLERANCE)


def test_head_of_hidden_is_extend_for_some_rows_of_every_group(network: RnnTitle) -> None:
    sources = [make_source(17), make_source(32)]
    state, read = network.read(sources)
    assert [tuple(one.shape) for one in read] == [(0, 32)] * 2
    plain, asked = state.repeat(3), state.repeat(3)
    tokens = make_targets(6, 2)
    expected = network.extend(plain, tokens)
    hidden = network.hidden(asked, tokens)
    assert torch.equal(network.head(asked, hidden), expected)
    for rows in ([1, 4], [0, 2, 5, 3]):
        torch.testing.assert_close(network.head(asked, hidden[rows]), expected[rows], **TOLERANCE)


def test_initialisation_is_of_its_seed_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (initialized(RNN_TITLE, SIZES, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert one.training
    assert all(parameter.requires_grad for parameter in one.parameters())
    tensors = one.state_dict()
    for name, tensor in same.state_dict().items():
        assert torch.equal(tensor, tensors[name]), name
    drawn = {name for name, tensor in other.state_dict().items() if not torch.equal(tensor, tensors[name])}
    constant = {name for name, tensor in tensors.items() if tensor.ndim == 1}
    assert drawn == tensors.keys() - constant


def test_what_the_initial_tensors_are() -> None:
    tensors = initialized(RNN_TITLE, SIZES, 1).state_dict()
    for name, tensor in tensors.items():
        if "weight_hh" in name:
            torch.testing.assert_close(tensor.T @ tensor, torch.eye(tensor.shape[1]), atol=1e-5, rtol=0.0)
        elif "bias_ih" in name:
            assert [part.unique().tolist() for part in tensor.chunk(4)] == [[0.0], [1.0], [0.0], [0.0]]
        elif name.startswith("norms") and name.endswith("weight"):
            assert tensor.unique().tolist() == [1.0]
        elif tensor.ndim == 1:
            assert not tensor.any(), name
        else:
            bound = 0.05 if "embedding" in name else (6 / sum(tensor.shape)) ** 0.5
            assert 0.9 * bound < tensor.abs().max() <= bound, name


def test_default_sizes_are_the_articles() -> None:
    config = RnnTitleConfig(vocab_size=8192)
    assert (config.hidden_size, config.num_heads, config.modulation_size) == (128, 8, 32)
    assert (config.source_length, config.prior) == (400, True)
    assert RnnTitleConfig.from_dict(SIZES | {"model_type": "rnn-title"}) == RnnTitleConfig(**SIZES)
    with pytest.raises(KeyError, match="num_heads"):
        RnnTitleConfig.from_dict({"vocab_size": 5, "hidden_size": 4})


def test_gradients_are_those_of_double_precision() -> None:
    """The fused kernels' against the plain ones', which float64 runs through; every tensor has one."""
    network = make_network().requires_grad_()
    double = make_network().double().requires_grad_()
    sources, targets = [make_source(length) for length in LENGTHS], make_targets(4, 7)
    for one in (network, double):
        logits = one(sources, targets[:, :-1])
        functional.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten()).backward()
    wanted = dict(double.named_parameters())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        expected = wanted[name].grad
        assert expected is not None
        assert expected.any(), name
        torch.testing.assert_close(parameter.grad.double(), expected, atol=2e-5, rtol=1e-3)


def test_eight_pairs_are_learnt_by_heart() -> None:
    """Titles of words of their sources, in both directions from one network, reproduced exactly."""
    sources = [make_source(8 + row, seed=50 + row) for row in range(8)]
    titles = [source[2 : 5 + row % 3] for row, source in enumerate(sources)]
    network = initialized(RNN_TITLE, SIZES, 1)
    pairs = [[L2R, *title, EOS] for title in titles] + [[R2L, *title[::-1], EOS] for title in titles]
    width = max(map(len, pairs))
    ids = torch.tensor([[*pair, *[-1] * (width - len(pair))] for pair in pairs])
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(120):
        logits = network(sources * 2, ids[:, :-1].clamp(min=0))
        loss = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=-1)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 < 1 < losses[0]
    with torch.inference_mode():
        for first, order in ((L2R, 1), (R2L, -1)):
            found = greedily(network, batch_of(sources, first), 8)
            assert found == [[*title[::order], EOS] for title in titles]
