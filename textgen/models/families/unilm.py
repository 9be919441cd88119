"""Sequence to sequence with one BERT, by its mask alone.

苏剑林, 从语言模型到Seq2Seq：Transformer如戏，全靠Mask, https://kexue.fm/archives/6933; Dong et al. 2019,
UniLM, https://arxiv.org/abs/1905.03197. The input is `<cls> source <sep>` (token type 0) followed by
`<l2r> y1 … ym </s>`; the source sees itself from both sides, the target sees the source and what
precedes it. So the source never sees the target, and its keys and values are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from textgen.models.families.bert import Bert
from textgen.models.families.teacher_forcing import teacher_forced
from textgen.models.layers.attention import Attend, both_sides, padded_length, padding_bias
from textgen.models.layers.cache import CacheState, KeyValue
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.views import Ids


class UniLM(nn.Module):
    """Offers the view `HiddenModel`.

    A source comes with its `<cls>` and `<sep>`; the first token of a target says its direction.

    Args:
        bert: The network.
        prior: The copy prior it was trained with.
        target_types: Token type by first token: ids of `<l2r>` and `<r2l>` to the types of their targets.
        two_way: Whether it was trained to write both directions at once; None is whether it could have
            been, since it tells them apart.
    """

    def __init__(
        self, bert: Bert, prior: CopyPrior, target_types: dict[int, int], *, two_way: bool | None = None
    ) -> None:
        super().__init__()
        self.two_way = len(set(target_types.values())) > 1 if two_way is None else two_way
        self.network = bert
        self.prior = prior
        self.target_types = target_types
        self.vocab_size = bert.vocab_size

    def token_types(self, first: Tensor) -> Tensor:
        """The token types of targets by their first tokens, in the same shape."""
        return torch.tensor([self.target_types[i] for i in first.flatten().tolist()]).view(first.shape)

    def forward(self, sources: Sequence[Ids], targets: Tensor) -> Tensor:
        """Logits after every token of whole targets `(rows, steps)`, for training: `(rows, steps, vocab)`."""
        types = self.token_types(targets[:, :1])
        return teacher_forced(self, sources, targets[:, None], types)[:, 0]

    def source_room(self, title: int) -> int:
        """Most ids of a source beside a title of so many: they share the positions."""
        return self.network.config.max_position_embeddings - title

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Encode sources that share one padded length, keeping keys and values only."""
        lengths = torch.tensor([len(source) for source in sources])
        width = padded_length(int(lengths.max()))
        ids = torch.tensor([[*source, *[0] * (width - len(source))] for source in sources])
        bias = padding_bias(lengths, width)
        prefix: list[KeyValue] = []
        x = self.network.embed(ids, torch.arange(width), torch.zeros_like(ids))
        for layer in self.network.layers:
            x = layer(x, _keeping(prefix, both_sides(bias)))
        return CacheState(prefix, bias, lengths, extra={"vote": self.prior.vote(sources)})

    def read(self, sources: Sequence[Ids]) -> tuple[CacheState, list[Tensor]]:
        """Like `start`, with no hidden states: a source is not part of the text that is written."""
        return self.start(sources), [torch.empty(0, self.network.config.hidden_size) for _ in sources]

    def step(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        return self.head(state, self.hidden(state, tokens))

    def hidden(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, hidden_size)`."""
        count = tokens.shape[1]
        if not state.steps:
            state.extra["type"] = self.token_types(tokens[:: state.size, 0])
        token_types = state.by_row("type")[:, None].expand(-1, count)
        x = self.network.embed(tokens, state.positions(count), token_types)
        for number, layer in enumerate(self.network.layers):
            x = layer(x, state.attend(number))
        state.advance(count)
        return x

    def head(self, state: CacheState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states and the copy prior; see `HiddenModel`."""
        vote = state.extra["vote"]
        vote = vote.repeat_interleave(len(hidden) // len(vote), 0)
        return self.prior.apply_vote(self.network.logits(hidden), vote[:, None])


def _keeping(kept: list[KeyValue], attend: Attend) -> Attend:
    def keep_and_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        kept.append((key, value))
        return attend(query, key, value)

    return keep_and_attend
