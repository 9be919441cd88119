"""Teacher forcing: logits of whole targets at once, without a cache, as in training.

The mask is that of 苏剑林, 从语言模型到Seq2Seq：Transformer如戏，全靠Mask, https://kexue.fm/archives/6933,
built from (stream, step), since two streams of one source must not see all of each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from textgen.models.families.unilm import UniLM
from textgen.models.layers.attention import both_sides
from textgen.models.padding import read_together
from textgen.models.views import Ids

SOURCE = 0  # the stream number of source places


def visible(stream: Tensor, step: Tensor, *, interaction: bool = True) -> Tensor:
    """The mask of attention between places.

    Args:
        stream: `(places,)`, 0 for the source, else the number of the target stream.
        step: `(places,)`, the place within its stream.
        interaction: Whether the streams see each other.

    Returns:
        `(places, places)`, true where the row sees the column: the source sees itself from both sides, a
        target place the source and whatever either stream holds up to its own step.
    """
    target = stream != SOURCE
    seen = target[:, None] & target[None, :] & (step[None, :] <= step[:, None])
    if not interaction:
        seen &= stream[None, :] == stream[:, None]
    return ~target[None, :] | seen


def teacher_forced(
    unilm: UniLM,
    sources: Sequence[Ids],
    streams: Tensor,
    types: Tensor,
    *,
    interaction: bool = True,
    shown: Tensor | None = None,
) -> Tensor:
    """Logits after every token of every target stream.

    Args:
        unilm: The network, its copy prior and its token types.
        sources: With `<cls>` and `<sep>`.
        streams: `(rows, streams, steps)`, each beginning with its direction token; padded at the end.
        types: `(rows, streams)`, their token types.
        interaction: Whether the streams of a row see each other.
        shown: `(rows, streams)`, how many tokens of a stream the others may see, which is not its padding;
            None is all.

    Returns:
        `(rows, streams, steps, vocab)`.
    """
    network, (rows, count, steps) = unilm.network, streams.shape
    read, lengths = read_together(sources)
    width = read.shape[1]
    of_stream = torch.arange(1, count + 1).repeat_interleave(steps)
    stream = torch.cat([torch.full((width,), SOURCE), of_stream])
    step = torch.cat([torch.arange(width), torch.arange(steps).repeat(count)])
    places = torch.arange(len(stream))
    padding = (places < width) & (places >= lengths[:, None])
    allowed = visible(stream, step, interaction=interaction) & ~padding[:, None, :]
    if shown is not None:
        behind = step >= torch.cat([lengths[:, None], shown], 1)[:, stream]
        allowed &= ~behind[:, None, :] | (stream[:, None] == stream)
    bias = torch.zeros(allowed.shape).masked_fill_(~allowed, -torch.inf)[:, None]
    later = (lengths[:, None] + torch.arange(steps)).repeat(1, count)
    positions = torch.cat([torch.arange(width).expand(rows, -1), later], 1)
    kinds = torch.cat([torch.zeros_like(read), types.repeat_interleave(steps, 1)], 1)
    x = network.embed(torch.cat([read, streams.flatten(1)], 1), positions, kinds)
    for layer in network.layers:
        x = layer(x, network.placed(both_sides(bias), positions))
    logits = network.logits(x[:, width:]).view(rows, count, steps, -1)
    return unilm.prior.apply_vote(logits, unilm.prior.vote(sources)[:, None, None])
