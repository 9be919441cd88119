"""Who says a token of a dialogue, for networks that read it beside the token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Speakers:
    """Gives each token the symbol behind which it stands, as its token type.

    Args:
        symbols: What dialogues begin with, and the symbols of those who speak; none where nobody is told.
    """

    def __init__(self, symbols: Sequence[int] = ()) -> None:
        self._symbols = tuple(symbols)

    def __bool__(self) -> bool:
        return bool(self._symbols)

    def of(self, ids: Tensor, before: Tensor | None = None) -> Tensor:
        """The symbols of ids `(rows, count)`.

        Args:
            ids: Tokens, symbols among them: they are said by themselves.
            before: The symbols of the tokens before, `(rows,)`; by default nothing was said.
        """
        symbols = torch.tensor(self._symbols, device=ids.device)
        places = torch.where(torch.isin(ids, symbols), torch.arange(ids.shape[1], device=ids.device), -1)
        last = places.cummax(1).values
        found = ids.gather(1, last.clamp(min=0))
        earlier = symbols[0].expand(len(ids)) if before is None else before
        return torch.where(last < 0, earlier[:, None], found)
