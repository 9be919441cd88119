"""Conditional layer normalisation: the pretrained network at first, then one for each style."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import torch
from styled import (
    IDS,
    LENGTHS,
    PLACES,
    SIZE,
    STYLES,
    Forward,
    cached_gpt2,
    conditional,
    masked_bert,
    shown_gpt2,
    whole_bert,
    whole_gpt2,
)
from torch import Tensor, nn
from torch.func import functional_call

from textgen.errors import UsageError
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.layers.conditional_norm import (
    Condition,
    ConditionalLayerNorm,
    add_condition,
    condition_of,
    in_style,
)


def trained_gpt2(network: Gpt2) -> Tensor:
    logits: Tensor = network(IDS)
    return logits


FORWARDS = [
    ("gpt2", trained_gpt2),
    ("gpt2", whole_gpt2),
    ("gpt2", cached_gpt2),
    ("gpt2", shown_gpt2),
    ("bert", whole_bert),
    ("bert", masked_bert),
]


def named(pair: tuple[str, Forward]) -> str:
    return pair[1].__name__


@pytest.fixture(params=FORWARDS, ids=named)
def case(request: pytest.FixtureRequest, tiny_gpt2: Gpt2, tiny_bert: Bert) -> tuple[Any, Forward]:
    kind, forward = request.param
    return (tiny_gpt2 if kind == "gpt2" else tiny_bert), forward


def test_at_first_every_style_is_the_pretrained_network(case: tuple[Any, Forward]) -> None:
    base, forward = case
    network, condition = conditional(base, learnt=False)
    plain = forward(base)
    assert torch.equal(forward(network), plain)
    for style in range(len(STYLES) + 1):
        assert torch.equal(forward(in_style(network, style)), plain)
    assert torch.equal(forward(in_style(network, torch.tensor([2, 0, condition.null]))), plain)


def test_a_learnt_style_makes_a_difference(case: tuple[Any, Forward]) -> None:
    network, condition = conditional(case[0])
    forward = case[1]
    found = [forward(network)]
    for style in range(len(STYLES)):
        found.append(forward(in_style(network, style)))
    for n, one in enumerate(found):
        for other in found[:n]:
            assert float((one - other).abs().max()) > 0.1
    assert torch.equal(forward(in_style(network, condition.null)), found[0])
    assert torch.equal(forward(network), found[0])


def test_rows_of_several_styles_are_computed_as_alone(tiny_gpt2: Gpt2, tiny_bert: Bert) -> None:
    styles = torch.tensor([1, 3, 0])
    writers, bert = conditional(tiny_gpt2)[0], conditional(tiny_bert)[0]
    masked = in_style(bert, styles)
    written, read = whole_gpt2(in_style(writers, styles)), masked.encode(IDS, LENGTHS)
    head, filled = masked.logits(read), masked_bert(masked)
    for row, style in enumerate(styles.tolist()):
        one = slice(row, row + 1)
        writer, masked = in_style(writers, style), in_style(bert, style)
        alone = writer.extend(writer.start([[]]), IDS[one])
        assert torch.equal(alone[0], written[row])
        alone = masked.encode(IDS[one], LENGTHS[one])
        torch.testing.assert_close(alone[0], read[row], atol=1e-6, rtol=0)
        torch.testing.assert_close(masked.logits(alone)[0], head[row], atol=1e-5, rtol=0)
        alone = masked.masked_logits(IDS[one], LENGTHS[one], PLACES[one])
        torch.testing.assert_close(alone[0], filled[row], atol=1e-5, rtol=0)


def test_the_head_takes_places_with_their_styles(tiny_bert: Bert) -> None:
    network, _ = conditional(tiny_bert)
    styles = torch.tensor([1, 3, 0])
    rows, places = torch.tensor([0, 0, 2, 1]), torch.tensor([3, 4, 1, 7])
    hidden = in_style(network, styles).encode(IDS, LENGTHS)
    whole = in_style(network, styles).logits(hidden)
    some = in_style(network, styles[rows]).logits(hidden[rows, places])
    torch.testing.assert_close(some, whole[rows, places], atol=1e-5, rtol=0)


def test_a_row_does_not_depend_on_how_many_there_are(one_thread: None, tiny_gpt2: Gpt2) -> None:
    network = in_style(conditional(tiny_gpt2)[0], 2)
    ids = IDS[:1].repeat(40, 1)
    many = network.extend(network.start([[]] * 40), ids)
    alone = network.extend(network.start([[]]), ids[:1])
    assert torch.equal(many, alone.expand_as(many))


def test_the_norm_is_the_formula() -> None:
    generator = torch.Generator().manual_seed(7)
    network = nn.Sequential(nn.LayerNorm(6, eps=1e-3))
    condition = add_condition(network, STYLES, SIZE)
    ours: Any = network[0]
    for parameter in ours.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(3, 4, 6, generator=generator)
    styles = torch.tensor([2, 0, 3])
    found = in_style(network, styles)[0](x)
    for row, style in enumerate(styles):
        c = condition.embedding.weight[style]
        normed = (x[row] - x[row].mean(-1, keepdim=True)) / (
            x[row].var(-1, unbiased=False, keepdim=True) + 1e-3
        ).sqrt()
        wanted = (ours.weight + ours.gain @ c) * normed + ours.bias + ours.shift @ c
        torch.testing.assert_close(found[row], wanted, atol=1e-5, rtol=1e-5)


class OneNorm(nn.Module):
    """A network that only normalises."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(5)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed


def test_gradients_of_a_norm_are_those_of_finite_differences() -> None:
    """By the input, the styles' vectors, and all that they are multiplied with or added to."""
    network = OneNorm().double()
    add_condition(network, STYLES, 3)
    names = [name for name, _ in network.named_parameters()]
    assert len(names) == 5
    generator = torch.Generator().manual_seed(8)
    given = [
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in [(2, 4, 5), *(parameter.shape for parameter in network.parameters())]
    ]

    def norm(x: Tensor, *parameters: Tensor) -> Tensor:
        styled = in_style(network, torch.tensor([2, 0]))
        found: Tensor = functional_call(styled, dict(zip(names, parameters, strict=True)), (x,))
        return found

    assert torch.autograd.gradcheck(norm, given)


@pytest.fixture
def float64() -> Iterator[None]:
    """Masks that a network makes are float64, too."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# but for the cache, which is written in place
@pytest.mark.parametrize("case", [f for f in FORWARDS if f[1] is not cached_gpt2], indirect=True, ids=named)
@pytest.mark.parametrize("part", ["embedding.weight", "gain", "shift"])
def test_gradients_of_a_network_are_those_of_finite_differences(
    float64: None, case: tuple[Any, Forward], part: str
) -> None:
    network, _ = conditional(case[0])
    network.double().requires_grad_(True)
    weighing = torch.randn(case[1](network).shape, generator=torch.Generator().manual_seed(9)).double()

    def loss() -> Tensor:
        return (case[1](in_style(network, torch.tensor([2, 0, 3]))) * weighing).mean()

    found = {name: p for name, p in network.named_parameters() if name.endswith(part)}
    slopes = torch.autograd.grad(loss(), list(found.values()))
    generator = torch.Generator().manual_seed(10)
    for parameter, slope in zip(found.values(), slopes, strict=True):
        along = torch.randn(parameter.shape, generator=generator).double()
        values = []
        for step in (1e-5, -1e-5):
            parameter.data += step * along
            values.append(loss().item())
            parameter.data -= step * along
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(
            float((slope * along).sum()), rel=1e-4, abs=1e-8
        )


def test_one_step_teaches_the_styles_apart(tiny_gpt2: Gpt2, tiny_bert: Bert) -> None:
    for base, forward in ((tiny_gpt2, whole_gpt2), (tiny_bert, masked_bert)):
        network, condition = conditional(base, learnt=False)
        network.requires_grad_(True)
        logits = forward(in_style(network, torch.tensor([0, 1, 1])))
        logits.log_softmax(-1)[..., 7].mean().neg().backward()
        # the vectors cannot learn before what they are multiplied with
        assert not bool(condition.embedding.weight.grad.any())
        torch.optim.SGD(network.parameters(), lr=1.0).step()
        norms = [module for module in network.modules() if isinstance(module, ConditionalLayerNorm)]
        for norm in norms:
            assert bool(norm.gain.any())
            assert bool(norm.shift.any())
        network.requires_grad_(False)
        found = [forward(in_style(network, style)) for style in range(3)]
        assert float((found[0] - found[1]).abs().max()) > 1e-3
        assert float((found[0] - found[2]).abs().max()) > 1e-3


def test_every_norm_is_replaced_and_the_condition_kept_once(tiny_gpt2: Gpt2, tiny_bert: Bert) -> None:
    writer, of_writer = conditional(tiny_gpt2, learnt=False)
    masked, _ = conditional(tiny_bert, learnt=False)
    norms = {name for name, module in writer.named_modules() if isinstance(module, ConditionalLayerNorm)}
    assert norms == {
        f"transformer.{name}" for name in ["h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2", "ln_f"]
    }
    for network, base in ((writer, tiny_gpt2), (masked, tiny_bert)):
        assert not any(isinstance(module, nn.LayerNorm) for module in network.modules())
        replaced = [name for name, module in base.named_modules() if isinstance(module, nn.LayerNorm)]
        added = {f"{name}.{part}" for name in replaced for part in ("gain", "shift")}
        assert network.state_dict().keys() == base.state_dict().keys() | added | {
            "condition.embedding.weight"
        }
        assert all(
            torch.equal(network.state_dict()[name], tensor) for name, tensor in base.state_dict().items()
        )
    assert condition_of(writer) is of_writer is writer.condition
    assert condition_of(tiny_gpt2) is None
    assert of_writer.embedding.weight.shape == (4, SIZE)


def test_a_copy_has_a_condition_of_its_own(tiny_gpt2: Gpt2) -> None:
    network, condition = conditional(tiny_gpt2)
    twin = copy.deepcopy(network)
    styled = whole_gpt2(in_style(network, 1))
    condition.embedding.weight.zero_()
    assert torch.equal(whole_gpt2(in_style(twin, 1)), styled)
    assert not torch.equal(whole_gpt2(in_style(network, 1)), styled)


def test_a_style_shares_the_parameters_and_changes_nothing(tiny_gpt2: Gpt2) -> None:
    network, condition = conditional(tiny_gpt2)
    plain, names = whole_gpt2(network), [name for name, _ in network.named_modules()]
    styled = in_style(network, 0)
    assert type(styled) is type(network)
    assert [name for name, _ in styled.named_modules()] == names
    assert all(styled.get_parameter(name) is p for name, p in network.named_parameters())
    assert not torch.equal(whole_gpt2(styled), plain)
    assert torch.equal(whole_gpt2(network), plain)
    assert torch.equal(whole_gpt2(in_style(styled, condition.null)), plain)
    for number in (-1, 4):
        with pytest.raises(IndexError):
            in_style(network, number)
    with pytest.raises(IndexError):
        in_style(tiny_gpt2, 0)


def test_vectors_of_styles() -> None:
    condition = Condition(STYLES, SIZE)
    table = condition.embedding.weight
    assert torch.equal(condition.vector(0), table[None, None, 0])
    assert torch.equal(condition.vector(torch.tensor([2, 1])), table[[2, 1]][:, None])


def meet(barrier: Barrier, *_: Any) -> None:
    barrier.wait()


def test_threads_in_different_styles_do_not_see_each_other(tiny_gpt2: Gpt2, tiny_bert: Bert) -> None:
    """Every forward of one thread begins while the other is inside one."""
    for base, forward in ((tiny_gpt2, whole_gpt2), (tiny_bert, masked_bert)):
        network, _ = conditional(base)
        alone = [forward(in_style(network, style)) for style in (0, 1)]
        hook = network.embedding.register_forward_pre_hook(partial(meet, Barrier(2, timeout=20)))
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda style: forward(in_style(network, style)), (0, 1)))  # noqa: B023
        hook.remove()
        assert all(map(torch.equal, found, alone))


def test_numbers_of_styles() -> None:
    condition = Condition(STYLES, SIZE)
    assert [condition.number(style) for style in (*STYLES, None)] == [0, 1, 2, 3]
    with pytest.raises(UsageError, match=r"there is no style 诗") as caught:
        condition.number("诗")
    assert caught.value.hint == "did you mean 诗歌? the model knows 诗歌, 新闻, 评论"
    with pytest.raises(UsageError) as caught:
        condition.number("xyz")
    assert caught.value.hint == "the model knows 诗歌, 新闻, 评论"


def test_vectors_come_from_the_seed_alone() -> None:
    network = OneNorm()
    state = torch.get_rng_state()
    first, again, other = (Condition(STYLES, 256, seed).embedding.weight for seed in (4, 4, 5))
    of_network = add_condition(network, STYLES, 256, seed=4).embedding.weight
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert torch.equal(first, of_network)
    assert not torch.equal(first, other)
    assert first.requires_grad
    torch.testing.assert_close(first.norm(dim=1), torch.ones(4), atol=0.2, rtol=0)


@pytest.mark.parametrize("inside", [True, False])
def test_on_the_meta_device_nothing_is_drawn(tiny_gpt2: Gpt2, inside: bool) -> None:
    with torch.device("meta"):
        network = Gpt2(tiny_gpt2.config)
        if inside:
            add_condition(network, STYLES, SIZE)
    if not inside:
        add_condition(network, STYLES, SIZE)
    assert all(tensor.is_meta for tensor in network.state_dict().values())
