"""A row's numbers do not depend on how many rows there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from textgen.models.layers.attention import (
    attention,
    both_sides,
    join_heads,
    linear,
    padded_length,
    padding_bias,
    row_stable,
    split_heads,
)
from textgen.models.layers.gelu import gelu

MOST = 70  # past FEW_ROWS, where nothing is padded
SOME = [*range(1, 18), *range(21, 60, 6), *range(61, MOST + 1, 2), 64]  # numbers of rows
# (in, out) of the matmuls in the shipped models, but for the vocabulary, which is cut
SHAPES = [(512, 512), (512, 2048), (2048, 512), (512, 1536), (512, 1024), (32, 101)]


@pytest.mark.parametrize(
    ("length", "padded"),
    [
        (0, 0),
        (1, 16),
        (16, 16),
        (17, 32),
        (127, 128),
        (128, 128),
        (129, 192),
        (192, 192),
        (193, 256),
        (462, 512),
        (512, 512),
        (513, 576),
        (1024, 1024),
    ],
)
def test_padded_length(length: int, padded: int) -> None:
    assert padded_length(length) == padded


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_linear_gives_every_row_the_same_bits_in_any_company(
    threads: Callable[[int], None], count: int, inputs: int, outputs: int
) -> None:
    threads(count)
    generator = torch.Generator().manual_seed(inputs + outputs)
    x = torch.randn(MOST, inputs, generator=generator)
    weight = torch.randn(outputs, inputs, generator=generator)
    bias = torch.randn(outputs, generator=generator)
    whole = linear(x, weight, bias)
    torch.testing.assert_close(whole.double(), x.double() @ weight.double().T + bias, atol=1e-3, rtol=1e-4)
    for rows in SOME:
        assert torch.equal(linear(x[:rows], weight, bias), whole[:rows]), rows
    for row in range(0, MOST, 7):
        assert torch.equal(linear(x[row : row + 1], weight, bias), whole[row : row + 1]), row


@pytest.mark.parametrize("count", [1, 2])
def test_row_stable_holds_for_matrices_stored_in_out(threads: Callable[[int], None], count: int) -> None:
    threads(count)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(MOST, 512, generator=generator)
    weight = torch.randn(512, 1536, generator=generator)
    bias = torch.randn(1536, generator=generator)

    def multiply(rows: torch.Tensor) -> torch.Tensor:
        return torch.addmm(bias, rows, weight)

    whole = row_stable(multiply, x)
    for rows in SOME:
        assert torch.equal(row_stable(multiply, x[:rows]), whole[:rows]), rows


@pytest.mark.parametrize(
    ("count", "few", "fed"),
    [
        (1, 1, 4),
        (1, 3, 4),
        (1, 4, 4),
        (1, 5, 8),
        (1, 63, 64),
        (1, 64, 64),
        (1, 65, 65),
        (2, 1, 8),
        (2, 8, 8),
        (2, 9, 16),
        (2, 65, 65),
    ],
)
def test_row_stable_pads_few_rows_to_four_a_thread(
    threads: Callable[[int], None], count: int, few: int, fed: int
) -> None:
    threads(count)
    seen = []

    def multiply(rows: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(rows.shape))
        return rows * 2

    x = torch.arange(few * 3.0).view(few, 3)
    assert torch.equal(row_stable(multiply, x), x * 2)
    assert seen == [(fed, 3)]


def test_row_stable_keeps_the_leading_axes() -> None:
    x = torch.arange(24.0).view(2, 3, 4)
    weight = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 10.0]])
    assert linear(x, weight).tolist() == [
        [[0.0, 30.0], [4.0, 70.0], [8.0, 110.0]],
        [[12.0, 150.0], [16.0, 190.0], [20.0, 230.0]],
    ]


def test_heads_are_split_by_width_and_joined_again() -> None:
    x = torch.arange(12.0).view(1, 2, 6)
    split = split_heads(x, 3)
    assert split.tolist() == [[[[0, 1], [6, 7]], [[2, 3], [8, 9]], [[4, 5], [10, 11]]]]
    assert torch.equal(join_heads(split), x)


def test_padding_bias_is_minus_infinity_behind_each_row() -> None:
    inf = float("inf")
    bias = padding_bias(torch.tensor([1, 3]), 3)
    assert bias.shape == (2, 1, 1, 3)
    assert bias[:, 0, 0].tolist() == [[0, -inf, -inf], [0, 0, 0]]


def test_attention_is_the_softmax_over_the_unmasked() -> None:
    generator = torch.Generator().manual_seed(6)
    query, key, value = (torch.randn(2, 4, 5, 8, generator=generator) for _ in range(3))
    lengths = torch.tensor([5, 3])
    found = both_sides(padding_bias(lengths, 5))(query, key, value)
    for row, length in enumerate(lengths.tolist()):
        scores = query[row] @ key[row, :, :length].transpose(1, 2) / 8**0.5
        expected = scores.softmax(-1) @ value[row, :, :length]
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("queries", [1, 2, 3, 4, 7])
def test_attention_gives_every_row_the_same_bits_in_any_company(
    threads: Callable[[int], None], count: int, queries: int
) -> None:
    threads(count)
    generator = torch.Generator().manual_seed(queries)
    query = torch.randn(9, 4, queries, 64, generator=generator)
    for length in (17, 30, 40, 62, 97, 526):  # 30 and 62 are aligned, 526 is but too long
        key, value = (torch.randn(9, 4, length, 64, generator=generator) for _ in range(2))
        bias = padding_bias(torch.arange(9) + length - 8, length)
        whole = attention(query, key, value, bias)
        exact = attention(*(part.double() for part in (query, key, value, bias)))
        torch.testing.assert_close(whole.double(), exact, atol=1e-5, rtol=1e-5)
        for row in range(9):
            one = slice(row, row + 1)
            assert torch.equal(attention(query[one], key[one], value[one], bias[one]), whole[one])


def test_a_mask_of_few_queries_is_theirs_alone() -> None:
    generator = torch.Generator().manual_seed(9)
    query, key, value = (torch.randn(1, 2, 3, 8, generator=generator) for _ in range(3))
    causal = torch.full((1, 1, 3, 3), -torch.inf).triu(1)
    found = attention(query, key, value, causal)
    assert torch.allclose(found[:, :, 0], value[:, :, 0])
    assert torch.allclose(found[:, :, 1:2], attention(query[:, :, 1:2], key, value, causal[:, :, 1:2]))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_gelu_gives_every_row_the_same_bits_in_any_company(
    threads: Callable[[int], None], count: int
) -> None:
    threads(count)
    x = torch.randn(48, 2048, generator=torch.Generator().manual_seed(1))
    whole = gelu(x)
    assert torch.get_num_threads() == count
    torch.testing.assert_close(whole, torch.nn.functional.gelu(x, approximate="tanh"))
    for row in range(48):
        assert torch.equal(gelu(x[row : row + 1]), whole[row : row + 1])
