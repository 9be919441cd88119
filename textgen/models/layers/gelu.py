"""The activation of gpt2, so that a row's numbers do not depend on its neighbours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from textgen.compute import threads


def gelu(x: Tensor) -> Tensor:
    """The approximation of GELU by tanh, stable by row.

    Torch cuts a tensor in as many pieces as there are threads, and computes what is left behind the last
    whole vector of a piece in another way: in halves, quarters and so on nothing is left.
    """
    with threads(1 << (torch.get_num_threads().bit_length() - 1)):
        return functional.gelu(x, approximate="tanh")
