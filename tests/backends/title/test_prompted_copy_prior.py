"""The copy prior of titles by a prompt, against a computation by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from textgen.models.adapters.prompted import PromptedTitles


@dataclass
class Constant:
    """The state of a language model that always says the same."""

    rows: int

    def select(self, rows: Tensor) -> Constant:
        return Constant(len(rows))

    def repeat(self, n: int) -> Constant:
        return Constant(self.rows * n)


class Toy:
    vocab_size, positions = 6, 9
    logits = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0, -0.5])

    def read(self, sources: Any) -> tuple[Constant, list[Tensor]]:
        return Constant(len(sources)), [torch.ones(len(source), 2) for source in sources]

    def hidden(self, state: Constant, tokens: Tensor) -> Tensor:
        return torch.ones(*tokens.shape, 2)

    def head(self, state: Constant, hidden: Tensor) -> Tensor:
        return self.logits.expand(*hidden.shape[:2], -1).clone()


def test_the_copy_prior_by_hand() -> None:
    model: Any = Toy()
    titles = PromptedTitles(model, before=1, behind=1, ends=[5, 4], copy_prior=1.5)
    assert titles.source_room(4) == 5
    state, hidden = titles.read([[0, 1, 3], [0, 2, 2, 3]])
    assert [states.shape for states in hidden] == [(0, 2), (0, 2)]
    end = torch.tensor([1.0, -0.5]).logsumexp(0) + 1.5  # the two ends are one, and belong to every article
    first = torch.tensor([0.5, -1.0 + 1.5, 2.0, 0.0, -torch.inf, end])
    second = torch.tensor([0.5, -1.0, 2.0 + 1.5, 0.0, -torch.inf, end])
    state = state.repeat(2)
    assert torch.allclose(
        titles.step(state, torch.tensor([3, 3, 3, 3])), torch.stack([first, first, second, second])
    )
    kept = state.select(torch.tensor([3, 2]))
    assert torch.allclose(titles.step(kept, torch.tensor([3, 3])), torch.stack([second, second]))
    plain = PromptedTitles(model, before=1, behind=1, ends=[5])
    assert torch.equal(plain.step(plain.start([[0, 1, 3]]), torch.tensor([3]))[0], Toy.logits)
