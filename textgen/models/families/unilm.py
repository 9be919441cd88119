"""Sequence to sequence with one BERT, by its mask alone.

苏剑林, 从语言模型到Seq2Seq：Transformer如戏，全靠Mask, https://kexue.fm/archives/6933; Dong et al. 2019,
UniLM, https://arxiv.org/abs/1905.03197. The input is `<cls> source <sep>` (token type 0) followed by
`<l2r> y1 … ym </s>`; the source sees itself from both sides, the target sees the source and what
precedes it. So the source never sees the target, and its keys and values are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.families.bert import Bert, BertConfig
from textgen.models.families.roformer import NarrowConfig, NarrowRoFormer
from textgen.models.layers.attention import Attend, both_sides, padding_bias
from textgen.models.layers.cache import CacheState, KeyValue
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.padding import read_together
from textgen.models.views import Ids, ThroughHidden
from textgen.tokenizers.base import Specials

DEFAULT_TARGET_TYPES = {"l2r": 1, "r2l": 1}


class UniLM(ThroughHidden, nn.Module):
    """Offers the view `TwoWayModel`.

    A source comes with its `<cls>` and `<sep>`; the first token of a target says its direction.

    Args:
        bert: The network.
        prior: The copy prior it was trained with.
        target_types: Token type by first token: ids of `<l2r>` and `<r2l>` to the types of their targets.
        two_way: Whether it was trained to write both directions at once; None is whether it could have
            been, since it tells them apart.
    """

    def __init__(
        self, bert: Bert, prior: CopyPrior, target_types: Mapping[int, int], *, two_way: bool | None = None
    ) -> None:
        super().__init__()
        self.two_way = len(set(target_types.values())) > 1 if two_way is None else two_way
        self.network = bert
        self.prior = prior
        self.target_types = target_types
        self.vocab_size = bert.vocab_size

    @property
    def embedding(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.network.embedding

    def token_types(self, first: Tensor) -> Tensor:
        """The token types of targets by their first tokens, in the same shape."""
        return torch.tensor([self.target_types[i] for i in first.flatten().tolist()]).view(first.shape)

    def source_room(self, title: int) -> int:
        """Most ids of a source beside a title of so many: they share the positions."""
        return self.network.positions - title

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Encode sources that share one padded length, keeping keys and values only."""
        state, _ = read_sources(self.network, sources)
        state.extra["vote"] = self.prior.vote(sources)
        return state

    def read(self, sources: Sequence[Ids]) -> tuple[CacheState, list[Tensor]]:
        """Like `start`, with no hidden states: a source is not part of the text that is written."""
        return self.start(sources), [torch.empty(0, self.network.config.hidden_size) for _ in sources]

    def hidden(self, state: CacheState, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, hidden_size)`."""
        count = tokens.shape[1]
        if not state.steps:
            state.extra["type"] = self.token_types(tokens[:: state.size, 0])
        return self.hidden_of(state, tokens, state.by_row("type")[:, None].expand(-1, count))

    def hidden_of(self, state: CacheState, tokens: Tensor, types: Tensor) -> Tensor:
        """Like `hidden`, of tokens of these types `(rows, count)`."""
        return written(self.network, state, tokens, types)

    def head(self, state: CacheState, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states and the copy prior; see `HiddenModel`."""
        vote, logits = state.extra["vote"], self.network.logits(hidden)
        by_group = logits.view(len(vote), -1, logits.shape[-1])
        return self.prior.apply_vote(by_group, vote[:, None]).view(logits.shape)


def read_sources(bert: Bert, sources: Sequence[Ids]) -> tuple[CacheState, Tensor]:
    """Read sources that share one padded length, seen from both sides.

    Returns:
        Their keys and values, and their hidden states `(sources, padded length, hidden_size)`.
    """
    ids, lengths = read_together(sources)
    width = ids.shape[1]
    bias = padding_bias(lengths, width)
    prefix: list[KeyValue] = []
    positions = torch.arange(width)
    x = bert.embed(ids, positions, torch.zeros_like(ids))
    for layer in bert.layers:
        x = layer(x, bert.placed(_keeping(prefix, both_sides(bias)), positions[None]))
    return CacheState(prefix, bias, lengths), x


def written(bert: Bert, state: CacheState, tokens: Tensor, types: Tensor) -> Tensor:
    """Append tokens `(rows, count)` of these types; the hidden states after each."""
    count = tokens.shape[1]
    positions = state.positions(count)
    x = bert.embed(tokens, positions, types)
    for number, layer in enumerate(bert.layers):
        x = layer(x, bert.placed(state.attend(number), positions))
    state.advance(count)
    return x


def build(config: Mapping[str, Any], specials: Specials, file: Path) -> UniLM:
    """The title model of a config.json. Raises ModelError: its token types or `two_way` cannot be."""
    bert = encoder(config)
    if max(specials.l2r, specials.r2l) >= bert.vocab_size:
        hint = "does config.json belong to these weights?"
        raise ModelError("{file}: a direction of titles has no token", file=file, hint=hint)
    two_way = config.get("two_way")
    if two_way is not None and not isinstance(two_way, bool):
        value = short(two_way)
        raise ModelError("{file}: two_way cannot be {value}", file=file, value=value, hint="true or false")
    return UniLM(bert, CopyPrior(bert.vocab_size), _target_types(config, specials, file), two_way=two_way)


def encoder(config: Mapping[str, Any]) -> Bert:
    """The network that a config.json describes: a RoFormer, or one with positions of its own."""
    if config["model_type"] == "roformer":
        return NarrowRoFormer(NarrowConfig.from_dict(config))
    return Bert(BertConfig.from_dict(config))


def _target_types(config: Mapping[str, Any], specials: Specials, file: Path) -> dict[int, int]:
    given, known = config["target_types"], range(config["type_vocab_size"])
    types = DEFAULT_TARGET_TYPES | (given if isinstance(given, dict) else {})
    if not isinstance(given, dict) or not all(type(kind) is int and kind in known for kind in types.values()):
        raise ModelError(
            "{file}: target_types cannot be {value}",
            file=file,
            value=short(given),
            hint='it is like {"l2r": 1, "r2l": 1}, each below type_vocab_size ({count})',
            count=len(known),
        )
    return {specials.l2r: types["l2r"], specials.r2l: types["r2l"]}


def _keeping(kept: list[KeyValue], attend: Attend) -> Attend:
    def keep_and_attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # heads apart once, not for every product with them
        kept.append((key.contiguous(), value.contiguous()))
        return attend(query, *kept[-1])

    return keep_and_attend
