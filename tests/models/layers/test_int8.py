"""Int8 products: exact sums of integers, so that rows are independent to the bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from textgen.compute import threads
from textgen.models.layers import int8
from textgen.models.layers.activations import Activations
from textgen.models.layers.bf16 import Bf16Product
from textgen.models.layers.int8 import Int8Product, activation_levels, int8_problem
from textgen.models.layers.rows import Rows, stacked

SEVEN_BITS = 63
SHAPES = [(1536, 512), (512, 2048), (33, 47), (8192, 64)]

pytestmark = pytest.mark.skipif(int8_problem() is not None, reason=str(int8_problem()))


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", [Int8Product, Bf16Product])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_row_depends_on_another_nor_on_the_threads(kind: type, shape: tuple[int, int]) -> None:
    product, x = kind(numbers(*shape), numbers(shape[0], seed=1)), numbers(64, shape[1], seed=2)
    with threads(1):
        together = product(x)
    for count, rows in ((1, 1), (1, 3), (2, 1), (2, 5), (2, 64)):
        with threads(count):
            apart = torch.cat([product(part) for part in x.split(rows)])
        assert torch.equal(apart, together), (count, rows)


@pytest.mark.parametrize("activations", Activations)
def test_no_row_depends_on_another_with_activations_of_seven_bits(activations: Activations) -> None:
    product = Int8Product(numbers(96, 512), numbers(96, seed=1), activations, levels=SEVEN_BITS)
    x = functional.gelu(numbers(64, 512, seed=2))
    together = product(x)
    for count, rows in ((1, 1), (2, 5), (2, 64)):
        with threads(count):
            assert torch.equal(torch.cat([product(part) for part in x.split(rows)]), together), (count, rows)


def error(product: Int8Product, x: Tensor, exact: Tensor) -> float:
    return float((product(x) - exact).norm() / exact.norm())


def test_after_gelu_most_levels_are_above_zero() -> None:
    weight, x = numbers(512, 512), functional.gelu(numbers(64, 512, seed=1) * 2)
    even, after_gelu = (
        error(Int8Product(weight, None, kind, levels=SEVEN_BITS), x, x @ weight.T)
        for kind in (Activations.EVEN, Activations.AFTER_GELU)
    )
    assert after_gelu < even * 0.75
    product, below = Int8Product(torch.eye(3), None, Activations.AFTER_GELU, levels=SEVEN_BITS), 18
    whole = torch.tensor([[108.0, -below, 7], [1.0, -below, 0], [-below, 0, 0]])
    torch.testing.assert_close(product(whole), whole, rtol=1e-4, atol=1e-4)
    far_below = torch.tensor([[1.0, -108, 54]])
    torch.testing.assert_close(product(far_below), torch.tensor([[0.0, -108, 54]]), rtol=1e-4, atol=6)


def test_what_rounding_leaves_of_rows_with_outliers_is_multiplied_too() -> None:
    weight, x = numbers(512, 512), numbers(64, 512, seed=1)
    x[:, 113] *= 50
    exact = x @ int8.rounded(weight).dense().T
    even = error(Int8Product(weight, levels=SEVEN_BITS), x, exact)
    twice = error(Int8Product(weight, None, Activations.OUTLIERS, levels=SEVEN_BITS), x, exact)
    assert even > 0.01
    assert twice < even / 80


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_product_of_the_rounded_integers(shape: tuple[int, int]) -> None:
    weight, bias, x = numbers(*shape), numbers(shape[0], seed=1), numbers(9, shape[1], seed=2)
    product = Int8Product(weight, bias)
    scales = weight.abs().amax(1) / 127
    row_scales = x.abs().amax(1, keepdim=True) / product.levels
    integers = (weight / scales[:, None]).round().double(), (x / row_scales).round().double()
    expected = integers[1] @ integers[0].T * row_scales * scales + bias
    torch.testing.assert_close(
        product(x), expected.float(), rtol=1e-5, atol=1e-5 * float(expected.abs().max())
    )


def test_values_of_one_sign_do_not_saturate() -> None:
    """Pairs of products are added in 16 bits without VNNI; values of mixed signs would not show it."""
    weight, x = numbers(256, 512).abs() + 3, numbers(16, 512, seed=1).abs() + 3
    exact = x @ weight.T
    assert ((Int8Product(weight)(x) - exact).norm() / exact.norm()) < 0.005
    extreme = Int8Product(torch.ones(8, 512))(torch.ones(4, 512))
    torch.testing.assert_close(extreme, torch.full((4, 8), 512.0), rtol=0.002, atol=0)


def test_the_error_on_gaussian_rows() -> None:
    weight, x = numbers(512, 512), numbers(64, 512, seed=1)
    exact = x @ weight.T
    for levels, most in ((63, 0.02), (activation_levels(), 0.02)):
        error = float((Int8Product(weight, levels=levels)(x) - exact).norm() / exact.norm())
        assert 0 < error < most


def test_an_outlier_in_one_row_leaves_the_others_alone() -> None:
    product, x = Int8Product(numbers(64, 96)), numbers(4, 96, seed=1)
    before = product(x)
    x[2, 5] = 1e6
    after = product(x)
    assert torch.equal(after[[0, 1, 3]], before[[0, 1, 3]])
    assert not torch.equal(after[2], before[2])


def test_rows_and_columns_of_zeros() -> None:
    weight, bias = numbers(16, 32), numbers(16, seed=1)
    weight[3] = 0
    product = Int8Product(weight, bias)
    assert torch.equal(product(torch.zeros(2, 3, 32)), bias.expand(2, 3, 16))
    assert torch.equal(product(numbers(5, 32))[:, 3], bias[3].expand(5))


def test_the_engine_of_the_process_stays() -> None:
    before = torch.backends.quantized.engine
    Int8Product(numbers(4, 4))
    assert torch.backends.quantized.engine == before


def test_a_processor_that_saturates_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Int8Product, "__call__", lambda self, x: torch.tensor(300.0))
    assert "saturate" in str(int8.int8_problem.__wrapped__())


def test_a_torch_without_the_operator_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "OPERATOR", "no_such_operator")
    assert "does not multiply" in str(int8.int8_problem.__wrapped__())
    monkeypatch.setattr(int8, "ENGINE", "none")
    assert "no quantized engine" in str(int8.int8_problem.__wrapped__())


def test_rows_are_taken_as_they_are_stored() -> None:
    """Also where no number of a row is 127, and where all are 0."""
    integers = torch.randint(-90, 90, (33, 47), dtype=torch.int8, generator=torch.Generator().manual_seed(0))
    scales = numbers(33).abs().half().index_fill(0, torch.tensor([3]), 0.0)
    most = activation_levels()
    x = torch.randint(-most, most + 1, (9, 47), generator=torch.Generator().manual_seed(1)).float()
    x[:, 0] = most  # so that activations are not rounded
    product = Int8Product(Rows(integers, scales))
    expected = x.double() @ integers.double().T * scales.double()
    torch.testing.assert_close(product(x), expected.float(), rtol=1e-5, atol=1e-3)
    assert float(product(x)[:, 3].abs().max()) < 1e-20


@pytest.mark.parametrize("shape", SHAPES)
def test_the_product_of_rows_is_that_of_their_matrix(shape: tuple[int, int]) -> None:
    weight, x = numbers(*shape), numbers(9, shape[1], seed=2)
    rows = int8.rounded(weight)
    torch.testing.assert_close(Int8Product(rows)(x), Int8Product(rows.dense())(x), rtol=1e-6, atol=1e-5)


def test_matrices_are_stacked_as_rows_only_where_all_are() -> None:
    one, other = (int8.rounded(numbers(4, 6, seed=seed)) for seed in (0, 1))
    both = stacked([one, other])
    assert isinstance(both, Rows)
    mixed = stacked([one, other.dense()])
    assert isinstance(mixed, Tensor)
    assert torch.equal(both.dense(), mixed)
