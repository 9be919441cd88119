"""UniLM with its cache against re-encoding everything under the mask, and the copy prior."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from transformers import BertForMaskedLM

from textgen.models.families.bert import Bert
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior
from textgen.store.load import LoadedModel

TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
L2R, R2L = 7, 8
VOCAB = 101


def unilm_mask(types: list[int]) -> Tensor:
    """i sees j iff u_j <= u_i, u the cumulative sum of the token types; `(length, length)` of 0 and 1."""
    level = torch.tensor(types).cumsum(0)
    return (level[None, :] <= level[:, None]).long()


def reencoded(theirs: nn.Module, prior: CopyPrior, source: list[int], target: list[int], kind: int) -> Tensor:
    """Logits after each token of the target, `(target, vocab)`, by one forward over everything."""
    types = [0] * len(source) + [kind] * len(target)
    additive = (1.0 - unilm_mask(types).float()) * torch.finfo(torch.float32).min
    logits = theirs(
        input_ids=torch.tensor([[*source, *target]]),
        token_type_ids=torch.tensor([types]),
        attention_mask=additive[None, None],
    ).logits[0, len(source) :]
    chi = torch.zeros(prior.a.shape)
    chi[[piece for piece in source if piece > 8]] = 1.0
    return (logits + prior.a.exp() * chi + prior.t) / 2


def make_source(length: int, seed: int) -> list[int]:
    """`<cls> … <sep>`, so many ids in all."""
    generator = torch.Generator().manual_seed(seed)
    return [6, *torch.randint(9, VOCAB, (length - 2,), generator=generator).tolist(), 5]


def make_target(length: int, seed: int, first: int = L2R) -> list[int]:
    generator = torch.Generator().manual_seed(1000 + seed)
    return [first, *torch.randint(9, VOCAB, (length - 1,), generator=generator).tolist()]


@pytest.fixture(scope="module")
def unilm(tiny_bert: Bert, prior: CopyPrior) -> UniLM:
    return UniLM(tiny_bert, prior, {L2R: 1, R2L: 1}).eval()


@pytest.fixture(scope="module")
def two_streams(tiny_bert: Bert, prior: CopyPrior) -> UniLM:
    return UniLM(tiny_bert, prior, {L2R: 1, R2L: 2}).eval()


def test_mask_of_two_source_and_two_target_places() -> None:
    rows = [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert unilm_mask([0, 0, 1, 1]).tolist() == rows
    assert unilm_mask([0, 0, 2, 2]).tolist() == rows


def test_who_sees_whom_in_the_cached_network(unilm: UniLM) -> None:
    """Change one id at a time; the mask's rows are what moves."""

    def outputs(ids: list[int]) -> list[Tensor]:
        state = unilm.start([ids[:2]])
        keys = state.prefix[-1][0][0]  # of the last layer, so they carry what the first layer saw
        logits = unilm.extend(state, torch.tensor([ids[2:]]))[0]
        return [keys[:, 0], keys[:, 1], logits[0], logits[1]]

    ids = [6, 20, L2R, 30]
    before = outputs(ids)
    moved = torch.zeros(4, 4, dtype=torch.long)
    for place, other in enumerate([60, 21, R2L, 31]):
        after = outputs([*ids[:place], other, *ids[place + 1 :]])
        for row in range(4):
            moved[row, place] = int(not torch.equal(after[row], before[row]))
    assert moved.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize("length", [2, 15, 16, 17, 40])
@pytest.mark.parametrize("first", [L2R, R2L])
def test_cached_steps_equal_reencoding(
    unilm: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior, first: int, length: int
) -> None:
    source, target = make_source(length, seed=length), make_target(20, seed=length, first=first)
    expected = reencoded(their_bert, prior, source, target, kind=1)
    state = unilm.start([source])
    for at, token in enumerate(target):
        found = unilm.step(state, torch.tensor([token]))
        assert found.shape == (1, VOCAB)
        torch.testing.assert_close(found[0], expected[at], **TOLERANCE)
    assert expected.std() > 0.5


@pytest.mark.parametrize(("first", "kind"), [(L2R, 1), (R2L, 2)])
def test_every_direction_has_its_own_token_type(
    two_streams: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior, first: int, kind: int
) -> None:
    source, target = make_source(23, seed=3), make_target(18, seed=3, first=first)
    expected = reencoded(their_bert, prior, source, target, kind)
    other = reencoded(their_bert, prior, source, target, 3 - kind)
    assert (expected - other).abs().max() > 0.01  # the types differ enough to be told apart
    state = two_streams.start([source])
    steps = torch.cat([two_streams.step(state, torch.tensor([token])) for token in target])
    torch.testing.assert_close(steps, expected, **TOLERANCE)
    whole = two_streams.extend(two_streams.start([source]), torch.tensor([target]))
    torch.testing.assert_close(whole[0], expected, **TOLERANCE)


def test_two_directions_from_one_state_keep_their_types(
    two_streams: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior
) -> None:
    source = make_source(12, seed=4)
    forth, back = make_target(6, seed=5, first=L2R), make_target(6, seed=6, first=R2L)
    read = two_streams.start([source])
    states = read.repeat(1), read.repeat(1)
    found = [
        [
            two_streams.step(state, torch.tensor([target[at]]))[0]
            for state, target in zip(states, (forth, back), strict=True)
        ]
        for at in range(6)
    ]
    for column, (target, kind) in enumerate([(forth, 1), (back, 2)]):
        expected = reencoded(their_bert, prior, source, target, kind)
        torch.testing.assert_close(torch.stack([row[column] for row in found]), expected, **TOLERANCE)


def test_two_directions_in_one_batch(
    two_streams: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior
) -> None:
    sources = [make_source(20, seed=1), make_source(29, seed=2)]
    targets = [make_target(9, seed=3, first=L2R), make_target(9, seed=4, first=R2L)]
    found = two_streams.extend(two_streams.start(sources), torch.tensor(targets))
    for row, kind in enumerate([1, 2]):
        expected = reencoded(their_bert, prior, sources[row], targets[row], kind)
        torch.testing.assert_close(found[row], expected, **TOLERANCE)


@pytest.mark.parametrize("changed", [1, 4, 8])
def test_a_later_piece_changes_no_earlier_logits(unilm: UniLM, changed: int) -> None:
    source, target = make_source(19, seed=6), make_target(10, seed=6)
    before = unilm.extend(unilm.start([source]), torch.tensor([target]))
    target[changed] = 9 + (target[changed] - 8) % 92
    after = unilm.extend(unilm.start([source]), torch.tensor([target]))
    assert torch.equal(after[:, :changed], before[:, :changed])
    assert (after[:, changed:] != before[:, changed:]).any(-1).all()


def test_any_piece_of_the_source_changes_all_logits(unilm: UniLM) -> None:
    source, target = make_source(9, seed=7), make_target(5, seed=7)
    before = unilm.extend(unilm.start([source]), torch.tensor([target]))
    for place in range(1, 8):
        other = [*source[:place], 9 + (source[place] - 8) % 92, *source[place + 1 :]]
        after = unilm.extend(unilm.start([other]), torch.tensor([target]))
        assert (after != before).any(-1).all(), place


@pytest.mark.usefixtures("one_thread")
def test_sources_of_different_length_have_the_bits_of_each_alone(unilm: UniLM) -> None:
    sources = [make_source(length, seed=length) for length in (17, 32, 25, 18, 31)]
    targets = [make_target(20, seed=row) for row in range(5)]
    together = unilm.start(sources)
    alone = [unilm.start([source]) for source in sources]
    for at in range(20):
        found = unilm.step(together, torch.tensor([target[at] for target in targets]))
        for row in range(5):
            single = unilm.step(alone[row], torch.tensor([targets[row][at]]))
            assert torch.equal(single[0], found[row]), (row, at)


@pytest.mark.usefixtures("one_thread")
def test_beams_in_groups_equal_rows_of_their_own(
    unilm: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior
) -> None:
    sources = [make_source(20, seed=8), make_source(30, seed=9)]
    state = unilm.start(sources)
    unilm.step(state, torch.tensor([L2R, L2R]))
    state = state.repeat(4)
    written = [[L2R] for _ in range(8)]
    orders = [[2, 0, 3, 1, 5, 4, 7, 6], [0, 0, 1, 0, 7, 7, 4, 5], [3, 2, 1, 0, 4, 5, 6, 7]]
    for step, order in enumerate(orders):
        tokens = [10 + 9 * step + row for row in range(8)]
        unilm.step(state, torch.tensor(tokens))
        written = [[*target, token] for target, token in zip(written, tokens, strict=True)]
        state = state.select(torch.tensor(order))
        written = [written[row] for row in order]
    found = unilm.step(state, torch.arange(90, 98))
    for row, target in enumerate(written):
        source = sources[row // 4]
        own = unilm.start([source])
        for token in target:
            unilm.step(own, torch.tensor([token]))
        assert torch.equal(unilm.step(own, torch.tensor([90 + row]))[0], found[row]), row
        expected = reencoded(their_bert, prior, source, [*target, 90 + row], kind=1)[-1]
        torch.testing.assert_close(found[row], expected, **TOLERANCE)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("groups", [[1], [2, 0], [1, 2, 0]])
def test_finished_groups_are_dropped_with_their_source(
    two_streams: UniLM, their_bert: BertForMaskedLM, prior: CopyPrior, groups: list[int]
) -> None:
    sources = [make_source(length, seed=length) for length in (20, 30, 25)]
    first = [L2R, R2L, L2R]
    state = two_streams.start(sources)
    two_streams.step(state, torch.tensor(first))
    state = state.repeat(2).select(
        torch.tensor([row for group in groups for row in (2 * group, 2 * group + 1)])
    )
    found = two_streams.step(state, torch.arange(50, 50 + 2 * len(groups)))
    for row in range(2 * len(groups)):
        group = groups[row // 2]
        target = [first[group], 50 + row]
        expected = reencoded(their_bert, prior, sources[group], target, kind=2 if group == 1 else 1)
        torch.testing.assert_close(found[row], expected[-1], **TOLERANCE)


def test_an_untrained_prior_lifts_the_pieces_of_the_article_by_a_half() -> None:
    prior = CopyPrior(12).requires_grad_(False)
    logits = CopyPrior.apply_vote(torch.zeros(1, 12), prior.vote([[6, 9, 5]]))
    assert logits[0, 9:].tolist() == [0.5, 0.0, 0.0]
    found = logits[:, 9:].softmax(-1)
    torch.testing.assert_close(found, torch.tensor([[0.4519, 0.2741, 0.2741]]), atol=5e-5, rtol=0.0)


def test_a_trained_prior_is_averaged_with_the_logits() -> None:
    prior = CopyPrior(12).requires_grad_(False)
    prior.a[10], prior.t[10], prior.t[11] = torch.log(torch.tensor(3.0)), 0.5, -2.0
    vote = prior.vote([[10, 10, 10], [11]])
    torch.testing.assert_close(vote[:, 9:], torch.tensor([[0.0, 3.5, -2.0], [0.0, 0.5, -1.0]]))
    logits = torch.full((2, 12), 4.0)
    torch.testing.assert_close(
        CopyPrior.apply_vote(logits, vote)[:, 9:], torch.tensor([[2.0, 3.75, 1.0], [2.0, 2.25, 1.5]])
    )


def test_specials_of_the_source_are_never_counted_as_copied(prior: CopyPrior) -> None:
    assert torch.equal(prior.vote([list(range(9))])[0], prior.t)
    assert not torch.equal(prior.vote([[8, 9]])[0], prior.t)


def test_order_and_number_of_the_pieces_do_not_matter_to_the_prior(prior: CopyPrior) -> None:
    source = make_source(40, seed=10)
    vote = prior.vote([source])
    assert torch.equal(prior.vote([source[::-1]]), vote)
    assert torch.equal(prior.vote([[*source, *source]]), vote)
    assert torch.equal(prior.vote([make_source(40, seed=11), source])[1:], vote)
    absent = next(piece for piece in range(9, VOCAB) if piece not in source)
    assert not torch.equal(prior.vote([[*source, absent]]), vote)


@pytest.mark.parametrize("direction", ["l2r", "r2l"])
def test_shipped_model_equals_reencoding_with_the_same_weights(
    title_model: LoadedModel,
    shipped_reference: Callable[[str], nn.Module],
    dequantised: Callable[[str], dict[str, Tensor]],
    direction: str,
) -> None:
    network, tokenizer = title_model.network, title_model.tokenizer
    assert isinstance(network, UniLM)
    first = {"l2r": tokenizer.specials.l2r, "r2l": tokenizer.specials.r2l}[direction]
    source = [6, *tokenizer.encode("11月20日，市图书馆新馆正式向市民开放，全年免费，每晚开放到九点。"), 5]
    title = tokenizer.encode("市图书馆新馆开放")
    target = [first, *(title if direction == "l2r" else title[::-1])]
    weights = dequantised("title")
    prior = CopyPrior(network.vocab_size).requires_grad_(False)
    prior.a.copy_(weights["prior.a"])
    prior.t.copy_(weights["prior.t"])
    expected = reencoded(shipped_reference("title"), prior, source, target, kind=1).log_softmax(-1)
    state = network.start([source])
    found = torch.cat([network.step(state, torch.tensor([token])) for token in target]).log_softmax(-1)
    torch.testing.assert_close(found, expected, **TOLERANCE)
    after = [*target[1:], tokenizer.specials.eos]
    bits = -expected.gather(1, torch.tensor(after)[:, None]).mean() / torch.log(torch.tensor(2.0))
    assert float(bits) < 4.0  # trained: chance is 13


@pytest.mark.usefixtures("one_thread")
def test_a_batch_of_the_shipped_model_has_the_bits_of_its_rows_alone(title_model: LoadedModel) -> None:
    network = title_model.network
    assert isinstance(network, UniLM)
    generator = torch.Generator().manual_seed(31)
    sources = [
        [6, *torch.randint(273, 8185, (length,), generator=generator).tolist(), 5]
        for length in (130, 170, 190)
    ]
    tokens = torch.randint(273, 8185, (6, 3), generator=generator)
    tokens[0] = L2R
    together, alone = network.start(sources), [network.start([source]) for source in sources]
    for step in range(6):
        found = network.step(together, tokens[step])
        for row, state in enumerate(alone):
            assert torch.equal(network.step(state, tokens[step, row : row + 1])[0], found[row]), (row, step)
