"""Encoder-decoders of transformers: networks that read one text and write another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from textgen.errors import ModelError
from textgen.models.adapters.by_source import registered
from textgen.models.adapters.divided import FAILURES, Divided, cache_argument, cache_of, folded, near
from textgen.models.adapters.rows import CachedRows, rememberable
from textgen.models.layers.attention import padded_length
from textgen.models.padding import padded
from textgen.models.views import Ids, ThroughHidden

BEGUN = "begun"  # the hidden state behind the ids that a target starts with
READ = "read"  # the hidden states of the source
ROWS = 2  # of each source, on which a network is tried


class EncoderDecoderAdapter(ThroughHidden, Divided):
    """Offers the view `TitleModel` over a `…ForConditionalGeneration` of transformers, from left to right.

    Titles have positions of their own; it offers `TitlePositions`, too. A source is encoded once, and
    its keys and values in the decoder are made and kept once, for all of its rows. Ids below 0 stand for
    symbols that the model does not have, and are left out of sources. What stands for the first token of a
    target is `starts`, whatever it is.

    Args:
        network: The network, in evaluation mode.
        starts: Ids with which its decoder starts.
        ends: Ids that end a target; the first stands for them all.
        source_positions: Most ids of a source.
        target_positions: Most ids of a target, with those that it starts with.

    Raises:
        ModelError: It is no encoder-decoder, or its decoder keeps more than keys and values.
    """

    two_way = False

    def __init__(
        self,
        network: Any,
        *,
        starts: Sequence[int],
        ends: Sequence[int],
        source_positions: int,
        target_positions: int,
    ) -> None:
        super().__init__(network, network.get_decoder())
        self.starts, self.ends = tuple(starts), tuple(ends)
        self.source_positions, self.target_positions = source_positions, target_positions
        if not (network.config.is_encoder_decoder and self._answers()):
            name = type(network).__name__
            hint = "BART, T5, mT5 and Pegasus are such networks"
            raise ModelError("{name} is no encoder-decoder that textgen can ask", name=name, hint=hint)

    def _answers(self) -> bool:
        """Whether the network's logits are those of its decoder, which keeps keys and values alone.

        Rows of one source must be able to share those of the source, too.
        """
        with torch.no_grad():  # what a network keeps for later must serve training, too
            ids = self._probe()
            whole = self._whole_logits(ids)
            try:
                self.network.set_attn_implementation(registered())
                state = self._encoded(ids, torch.ones_like(ids)).repeat(ROWS)
                rows = self._decoded(state, ids.repeat_interleave(ROWS, 0))
            except FAILURES:
                return False
            self._settle(whole, rows[::ROWS])
            alike = near(rows[1::ROWS], rows[::ROWS])
            return self.shows_hidden and alike and rememberable(state.cache)

    def forward(self, sources: Sequence[Ids], targets: Tensor) -> Tensor:
        """Logits after every token of whole targets, for training (teacher forcing).

        Args:
            sources: As of `start`.
            targets: `(rows, length)`, padded at the end; what stands for the first token is `starts`.

        Returns:
            `(rows, length, vocab)`.
        """
        ids, mask = self._framed(sources)
        starts = torch.tensor([self.starts] * len(targets))
        fed = torch.cat([starts, targets[:, 1:]], 1)
        found = self.network(input_ids=ids, attention_mask=mask, decoder_input_ids=fed, use_cache=False)
        logits: Tensor = found.logits[:, len(self.starts) - 1 :]
        return logits.float()

    def source_room(self, title: int) -> int:
        """Most ids of a source: a target has positions of its own."""
        return self.source_positions

    @property
    def target_room(self) -> int:
        """Most tokens of a title, its end included."""
        return self.target_positions - len(self.starts)

    def start(self, sources: Sequence[Ids]) -> CachedRows:
        """Encode sources that share one padded length."""
        state = self._encoded(*self._framed(sources))
        starts = torch.tensor([self.starts] * len(sources))
        state.extra[BEGUN] = self._decoded(state, starts)[:, -1:]
        return state

    def read(self, sources: Sequence[Ids]) -> tuple[CachedRows, list[Tensor]]:
        """Like `start`, with no hidden states: a source is not part of the text that is written."""
        return self.start(sources), [torch.empty(0, self.width) for _ in sources]

    def hidden(self, state: CachedRows, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, width)`."""
        first = not state.steps
        found = [state.each(state.extra[BEGUN])] if first else []
        room = self.target_room - max(0, state.steps - 1)
        new = tokens[:, int(first) :][:, : max(0, room)]
        if new.shape[1]:
            found.append(self._decoded(state, new))
        if not found:
            most, hint = self.target_room, "fewer {@max_new_tokens}"
            raise ModelError("the model writes {most} tokens at most", most=most, hint=hint)
        state.steps += tokens.shape[1]
        hidden = torch.cat(found, 1)
        # only padding lies behind the last position there is
        missing = tokens.shape[1] - hidden.shape[1]
        return torch.cat([hidden, hidden[:, -1:].expand(-1, missing, -1)], 1) if missing else hidden

    def head(self, state: CachedRows, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states; see `HiddenModel`."""
        return folded(self._logits(hidden), self.ends)

    def _framed(self, sources: Sequence[Ids]) -> tuple[Tensor, Tensor]:
        """Sources without the symbols that the model lacks, padded, and the mask of what is no padding."""
        texts = [[i for i in source if i >= 0] for source in sources]
        # of what was given, so that the width is the same whatever is left out
        width = min(padded_length(max(map(len, sources))), self.source_positions)
        lengths = torch.tensor([len(text) for text in texts])
        return padded(texts, width), (torch.arange(width) < lengths[:, None]).long()

    def _whole_logits(self, ids: Tensor) -> Tensor:
        found: Tensor = self.network(input_ids=ids, decoder_input_ids=ids, use_cache=False).logits
        return found

    def _encoded(self, ids: Tensor, mask: Tensor) -> CachedRows:
        encoder: nn.Module = self.network.get_encoder()
        read: Tensor = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return CachedRows(mask.sum(1), mask, extra={READ: read})

    def _decoded(self, state: CachedRows, tokens: Tensor) -> Tensor:
        """Hidden states after tokens `(rows, count)` that the rows are to have from now on."""
        decoder: nn.Module = self.network.get_decoder()
        output = decoder(
            input_ids=tokens,
            encoder_hidden_states=state.extra[READ],
            encoder_attention_mask=state.mask,
            use_cache=True,
            **cache_argument(decoder, state.cache),
        )
        state.cache = cache_of(output)
        return self._shown(output, tokens)
