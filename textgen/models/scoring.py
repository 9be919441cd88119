"""Log-probabilities of whole texts, the end symbol included: from scratch, or after an edit.

A causal model's keys, values and hidden states depend on what stands before them alone, so of a text that
differs by an edit from one already scored only what follows the edit is computed. The new tokens of all texts
go through the matrix products in one row, end to end, without padding between them; only attention, which
costs little, sees padded texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

from textgen.models.families.gpt2 import Gpt2
from textgen.models.layers.attention import Attend, both_sides, padded_length
from textgen.models.padding import padded
from textgen.models.views import Ids, NextTokenModel, Scored
from textgen.models.whole_texts import WholeTexts

ROWS = 16  # targets scored together


def sequence_logprobs(
    model: NextTokenModel, source: Ids, targets: Sequence[Ids], allowed: Tensor | None = None
) -> Tensor:
    """Score several targets of one source.

    Args:
        model: Any model that writes after a source.
        source: What comes before, as the model's `start` takes it.
        targets: Each begins with the token that is given (a direction, the last of a prompt) and goes on
            with the tokens to be scored, usually down to the end symbol.
        allowed: `(vocab,)`, true for the ids to which the model is restricted; all, if None.

    Returns:
        `(targets,)`, float32.
    """
    found = []
    for rows in (targets[at : at + ROWS] for at in range(0, len(targets), ROWS)):
        lengths, tokens = torch.tensor([len(row) - 1 for row in rows]), padded(rows)
        logits = model.extend(model.start([source]).repeat(len(rows)), tokens[:, :-1]).float()
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        logprobs = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0]
        behind = torch.arange(logprobs.shape[1]) >= lengths[:, None]
        found.append(logprobs.masked_fill(behind, 0.0).sum(-1))
    return torch.cat(found)


@dataclass(frozen=True)
class Memory:
    """Keys, values and hidden states of a text, for texts that differ by an edit.

    Attributes:
        keys: `(layers, 2, heads, padded length, width)`, keys and values.
        hidden: `(padded length, n_embd)`, the last hidden states.
        sequence: The ids they are of, with what stands before the text.
        logprobs: Of each token of the text and of its end.
    """

    keys: Tensor
    hidden: Tensor
    sequence: tuple[int, ...]
    logprobs: tuple[float, ...]


@dataclass(frozen=True)
class _Edit:
    """A text to be scored: its ids, the memory it starts from, and how many ids they share."""

    sequence: tuple[int, ...]
    memory: Memory | None
    shared: int

    @property
    def width(self) -> int:
        return padded_length(len(self.sequence))


class IncrementalGpt2(WholeTexts):
    """A `SequenceModel` by a GPT-2: what texts begin with alike is computed once."""

    network: Gpt2

    def score(
        self, texts: Sequence[Ids], parents: Sequence[Scored | None], *, remember: bool = True
    ) -> list[Scored]:
        """Score whole texts; see `SequenceModel`."""
        edits = [self._edit(text, parent) for text, parent in zip(texts, parents, strict=True)]
        found: list[Scored | None] = [None] * len(edits)
        for width in {edit.width for edit in edits}:
            rows = [n for n, edit in enumerate(edits) if edit.width == width]
            together = self._together([edits[n] for n in rows], width, remember=remember)
            for n, scored in zip(rows, together, strict=True):
                found[n] = scored
        return [scored for scored in found if scored is not None]

    def _edit(self, text: Ids, parent: Scored | None) -> _Edit:
        sequence = (*self.before, *text)
        memory: Memory | None = parent.memory if parent else None
        # of another padded length, its sums have other last bits, and the score would depend on the way here
        if memory is None or memory.hidden.shape[0] != padded_length(len(sequence)):
            return _Edit(sequence, None, 0)
        # no model is asked about an impossible state
        pairs = zip(sequence, memory.sequence, strict=False)
        return _Edit(sequence, memory, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))

    def _together(self, edits: Sequence[_Edit], width: int, *, remember: bool) -> list[Scored]:
        """Score texts of one padded length."""
        config = self.network.config
        shape = len(edits), 2, config.n_head, width, config.n_embd // config.n_head
        # what nobody will remember takes turns in one place: to get fresh memory takes a tenth of the time
        keys = [torch.zeros(shape) for _ in range(config.n_layer if remember else 1)]
        hidden = torch.zeros(len(edits), width, config.n_embd)
        for n, edit in enumerate(edits):
            if edit.memory is not None:
                hidden[n, : edit.shared] = edit.memory.hidden[: edit.shared]
        at = _places([range(edit.shared, len(edit.sequence)) for edit in edits])
        hidden[at] = self._through_blocks(edits, keys, at)
        scores = [_whole(edit, new, len(self.before)) for edit, new in self._logprobs(edits, hidden)]
        if not remember:
            return [Scored(sum(logprobs), logprobs=logprobs) for logprobs in scores]
        # copies: a view would keep the memories of all texts that were scored together
        return [
            Scored(
                sum(logprobs),
                Memory(torch.stack([layer[n] for layer in keys]), hidden[n].clone(), edit.sequence, logprobs),
                logprobs,
            )
            for n, (edit, logprobs) in enumerate(zip(edits, scores, strict=True))
        ]

    def _through_blocks(
        self, edits: Sequence[_Edit], keys: Sequence[Tensor], at: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Last hidden states `(tokens, n_embd)` of what is new in texts.

        Args:
            edits: The texts.
            keys: A layer's keys and values each, `(rows, 2, heads, width, …)`, or one for all layers in turn;
                filled.
            at: Row and position of the new tokens.
        """
        trunk = self.network.transformer
        tokens = torch.tensor(
            [token for edit in edits for token in edit.sequence[edit.shared :]], dtype=torch.long
        )
        width = keys[0].shape[-2]
        causal = torch.full((width, width), -torch.inf).triu(1)
        x = trunk.embed(tokens, at[1])[None]
        for layer, block in enumerate(trunk.h):
            own = keys[layer % len(keys)]
            for n, edit in enumerate(edits):
                if edit.memory is not None:
                    own[n, ..., : edit.shared, :] = edit.memory.keys[layer, ..., : edit.shared, :]
            if len(tokens):
                x = block(x, _attend_each(own, at, both_sides(causal)))
        last: Tensor = trunk.ln_f(x)[0]
        return last

    def _logprobs(self, edits: Sequence[_Edit], hidden: Tensor) -> Iterator[tuple[_Edit, list[float]]]:
        """Yield each text with the log-probabilities of its new tokens and of its end."""
        # the last place before the text's first token is what it is predicted from
        firsts = [max(edit.shared, len(self.before)) for edit in edits]
        before = _places(
            [range(first - 1, len(edit.sequence)) for first, edit in zip(firsts, edits, strict=True)]
        )
        logits = self.network.head(None, hidden[before][None])[0].float()  # type: ignore[arg-type]
        logprobs = logits.masked_fill_(~self.allowed, -torch.inf).log_softmax(-1)
        start = 0
        for first, edit in zip(firsts, edits, strict=True):
            tokens = torch.tensor(edit.sequence[first:], dtype=torch.long)
            own = logprobs[start : start + len(tokens) + 1]
            end = own[-1, self.ends].logsumexp(-1)
            yield edit, [*own[:-1].gather(1, tokens[:, None])[:, 0].tolist(), float(end)]
            start += len(own)


def _places(ranges: Sequence[range]) -> tuple[Tensor, Tensor]:
    """Row and position of every place of the ranges, one range a row, end to end."""
    rows = [row for row, places in enumerate(ranges) for _ in places]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(
        [p for r in ranges for p in r], dtype=torch.long
    )


def _attend_each(keys: Tensor, at: tuple[Tensor, Tensor], attend: Attend) -> Attend:
    """Attention of tokens that lie end to end, each within its own row of `keys` `(rows, 2, heads, …)`."""
    rows, positions = at

    def attend_each(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys[rows, 0, :, positions] = key[0].transpose(0, 1)
        keys[rows, 1, :, positions] = value[0].transpose(0, 1)
        queries = torch.zeros_like(keys[:, 0])
        queries[rows, :, positions] = query[0].transpose(0, 1)
        context = attend(queries, keys[:, 0], keys[:, 1])
        return context[rows, :, positions].transpose(0, 1)[None]

    return attend_each


def _whole(edit: _Edit, new: list[float], before: int) -> tuple[float, ...]:
    """The log-probabilities of all tokens of a text and of its end, of which some are `new`."""
    kept = max(0, edit.shared - before)
    return (*(edit.memory.logprobs[:kept] if edit.memory is not None else ()), *new)
