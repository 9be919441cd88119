"""Language models of transformers: anything that writes token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textgen.errors import ModelError
from textgen.models.adapters.divided import Divided, cache_argument, cache_of, folded, near, parameters
from textgen.models.adapters.rows import CachedRows, WholeRows, rememberable
from textgen.models.adapters.speakers import Speakers
from textgen.models.layers.attention import padded_length
from textgen.models.padding import behind_start, read_together
from textgen.models.views import Ids, ThroughHidden
from textgen.tokenizers.base import ABSENT

Rows = CachedRows | WholeRows
SPEAKER = "speaker"  # who said the last token of each group


class CausalAdapter(ThroughHidden, Divided):
    """Offers the view `LanguageModel` over a `…ForCausalLM` of transformers.

    Where the network has no cache of keys and values alone, whole texts are read anew at every step.

    Args:
        network: The network, in evaluation mode.
        positions: Most ids of a text.
        ends: Ids that end a text; the first stands for them all.
        reads_bos: Whether texts begin with the start symbol; else it is left out of sources.
        bos: The start symbol.
        turns: Symbols of those who speak in dialogues, which the network reads beside each token; else none.

    Attributes:
        left_out: The start symbol where sources are read without the one that they begin with; else none.

    Raises:
        ModelError: A place of the network sees what follows it.
    """

    def __init__(
        self,
        network: Any,
        *,
        positions: int,
        ends: Sequence[int],
        reads_bos: bool = True,
        bos: int = ABSENT,
        turns: Sequence[int] = (),
    ) -> None:
        super().__init__(network, network.base_model)
        self.positions = positions
        self.ends = tuple(ends)
        self.left_out = ABSENT if reads_bos else bos
        self._speakers = Speakers((bos, *turns) if turns else ())
        with torch.no_grad():  # what a network keeps for later must serve training, too
            ids = self._probe()
            whole = self._whole_logits(ids)
            if not near(whole[0, :-1], whole[1, :-1]):
                hint = "a model that writes must not; does config.json say is_decoder?"
                name = type(network).__name__
                raise ModelError("a place of {name} sees what follows it", name=name, hint=hint)
            output = network.base_model(
                **self._given(ids, use_cache=True, attention_mask=torch.ones_like(ids))
            )
            self._settle(whole, output[0])
        self._remembers = rememberable(cache_of(output))

    def forward(self, ids: Tensor) -> Tensor:
        """Logits after every token of whole rows `(rows, length)`, for training; `(rows, length, vocab)`."""
        return self._whole_logits(ids).float()

    def start(self, sources: Sequence[Ids]) -> Rows:
        """Read prefixes that share one padded length; an empty prefix is none."""
        return self.read(sources)[0]

    def read(self, sources: Sequence[Ids]) -> tuple[Rows, list[Tensor]]:
        """Like `start`, with the hidden states `(length, width)` of each prefix."""
        texts = behind_start(sources, self.left_out)
        if not self._remembers:
            return self._read_whole(texts)
        lengths = torch.tensor([len(text) for text in texts])
        if not any(sources):
            return CachedRows(lengths, torch.ones(len(texts), 0, dtype=torch.long)), [
                torch.empty(0, self.width) for _ in texts
            ]
        # of what was given, so that the width is the same whatever begins with the start symbol
        width = padded_length(max(map(len, sources)))
        ids = torch.tensor([[0] * (width - len(text)) + list(text) for text in texts])
        places = torch.arange(width) - width + lengths[:, None]
        state = CachedRows(lengths, (places >= 0).long())
        output = self._trunk(ids, state.mask, places, self._said(state, ids))
        state.cache = cache_of(output)
        hidden = self._shown(output, ids)
        return state, [row[width - len(text) :] for row, text in zip(hidden, texts, strict=True)]

    def hidden(self, state: Rows, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, width)`."""
        count = tokens.shape[1]
        if isinstance(state, WholeRows):
            pairs = zip(state.texts, tokens.tolist(), strict=True)
            state.texts = [(*text, *new) for text, new in pairs]
            found, lengths = self._whole(state.texts)
            places = lengths[:, None] - count + torch.arange(count)
            return found[torch.arange(len(found))[:, None], places.clamp(max=found.shape[1] - 1)]
        written = torch.ones(state.rows, state.steps + count, dtype=torch.long)
        mask = torch.cat([state.each(state.mask), written], 1)
        places = state.each(state.lengths)[:, None] + state.steps + torch.arange(count)
        output = self._trunk(tokens, mask, places, self._said(state, tokens), state.cache)
        state.cache = cache_of(output)
        state.steps += count
        return self._shown(output, tokens)

    def head(self, state: Rows, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states; see `HiddenModel`."""
        return folded(self._logits(hidden), self.ends)

    def _said(self, state: CachedRows, ids: Tensor) -> Tensor | None:
        """Who says the next ids of the rows; the state remembers who was the last."""
        if not self._speakers:
            return None
        before = state.extra.get(SPEAKER)
        found = self._speakers.of(ids, None if before is None else state.each(before))
        # the rows of a group are said by the same: what is written is no symbol
        state.extra = state.extra | {SPEAKER: found[:: state.size, -1]}
        return found

    def _whole_logits(self, ids: Tensor) -> Tensor:
        said = self._speakers.of(ids) if self._speakers else None
        given = self._given(ids, attention_mask=torch.ones_like(ids), token_type_ids=said, use_cache=False)
        logits: Tensor = self.network(**given).logits
        return logits

    def _read_whole(self, texts: Sequence[Ids]) -> tuple[WholeRows, list[Tensor]]:
        state = WholeRows([tuple(text) for text in texts])
        if not any(texts):
            return state, [torch.empty(0, self.width) for _ in texts]
        hidden, _ = self._whole(texts)
        return state, [row[: len(text)] for row, text in zip(hidden, texts, strict=True)]

    def _whole(self, texts: Sequence[Ids]) -> tuple[Tensor, Tensor]:
        """Hidden states of texts padded on the right, where padding is behind all that counts; lengths."""
        ids, lengths = read_together(texts)
        ids = ids[:, : self.positions]  # only padding lies behind
        places = torch.arange(ids.shape[1]).expand(ids.shape)
        mask = (places < lengths[:, None]).long()
        said = self._speakers.of(ids) if self._speakers else None
        return self._shown(self._trunk(ids, mask, places, said, remember=False), ids), lengths

    def _trunk(
        self,
        ids: Tensor,
        mask: Tensor,
        places: Tensor,
        said: Tensor | None,
        cache: Any = None,
        *,
        remember: bool = True,
    ) -> Any:
        """The output of the network, or of its trunk, for ids at these places."""
        network = self.network.base_model if self.shows_hidden else self.network
        # only padding lies behind the last position there is, and before the first
        positions = places.clamp(min=0, max=self.positions - 1)
        named = {"attention_mask": mask, "position_ids": positions, "token_type_ids": said}
        return network(**self._given(ids, **named, use_cache=remember, cache=cache))

    def _given(self, ids: Tensor, *, cache: Any = None, **more: Any) -> dict[str, Any]:
        """The arguments of a call, those that the network takes."""
        known = parameters(self.network.base_model)
        found = {name: value for name, value in more.items() if name in known and value is not None}
        return {"input_ids": ids, **found, **cache_argument(self.network.base_model, cache)}
