"""The probability of texts under a language model.

The one metric that needs a model, and so the one module of this room that may import them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, log

import torch
from torch import Tensor

from textgen.events import OnEvent, Progress, ignore
from textgen.metrics.statistics import Counts, Statistics, ratio
from textgen.models.batching import same_size_batches
from textgen.models.layers.attention import padded_length
from textgen.models.padding import padded
from textgen.models.views import FRAME, LanguageModel, MaskedLanguageModel, MaskedModel, NextTokenModel
from textgen.store.load import LoadedModel

PLACES = 4096  # places computed together, padding included: their logits are what takes the memory


@dataclass(frozen=True)
class Window:
    """Ids that a model sees at once.

    Attributes:
        row: The text they are of.
        ids: The ids, specials included.
        first: From which on they count; for a masked model the one place that does.
    """

    row: int
    ids: list[int]
    first: int


def bits_per_char(model: LoadedModel, texts: Sequence[str], on_event: OnEvent = ignore) -> Statistics:
    """Bits a character that a language model needs to write the texts: less is more fluent.

    The tokens after a start symbol and the end symbol, under the whole vocabulary. Of a text longer than
    the model reads every token is still counted, behind at least half of what the model can see. Blank
    texts have no part in it.

    Args:
        model: A model that offers the view `LanguageModel`.
        texts: The texts.
        on_event: Told how many texts are done.
    """
    network: LanguageModel = model.network
    specials = model.tokenizer.specials
    windows: list[Window] = []
    for row, text in _not_blank(texts):
        ids = [specials.bos, *model.tokenizer.encode(text), specials.eos]
        windows += _parts(row, ids, network.positions)
    found = _sums(windows, len(texts), on_event, lambda batch: _written(network, batch))
    bits = [(-logprob / log(2), len(texts[row]) if seen else 0) for row, (logprob, seen) in enumerate(found)]
    return ratio("bits-per-char", bits, scale=1)


def pseudo_perplexity(model: LoadedModel, texts: Sequence[str], on_event: OnEvent = ignore) -> Statistics:
    """Perplexity of a token, each masked in turn and told from all others: less is more fluent.

    Salazar et al. 2020, "Masked Language Model Scoring", https://arxiv.org/abs/1910.14659. Of a text
    longer than the model reads, a token is told from those around it. Blank texts have no part in it.

    Args:
        model: A model that offers the view `MaskedLanguageModel`.
        texts: The texts.
        on_event: Told how many texts are done.
    """
    network: MaskedLanguageModel = model.network
    specials, room = model.tokenizer.specials, network.positions - FRAME
    windows: list[Window] = []
    for row, text in _not_blank(texts):
        ids = model.tokenizer.encode(text)
        for start, places in _views(len(ids), room):
            seen = [specials.cls, *ids[start : start + room], specials.sep]
            windows += (Window(row, seen, place - start + 1) for place in places)
    found = _sums(windows, len(texts), on_event, lambda batch: _guessed(network, specials.mask, batch))
    return Statistics("pseudo-perplexity", found, lambda sums: exp(-sums[0] / sums[1]) if sums[1] else None)


def _not_blank(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    return ((row, text) for row, text in enumerate(texts) if text.strip())


def _parts(row: int, ids: list[int], positions: int) -> list[Window]:
    """Windows that together count every id but the first once, each at least the second half of its own."""
    windows = [Window(row, ids[: positions + 1], 1)]
    counted = positions + 1
    while counted < len(ids):
        end = min(counted + (positions + 1) // 2, len(ids))
        start = end - positions - 1
        windows.append(Window(row, ids[start:end], counted - start))
        counted = end
    return windows


def _views(length: int, room: int) -> Iterator[tuple[int, range]]:
    """The starts of what a masked model sees of a text, each with the places that are predicted from there.

    All of them where the text fits; else each place has half of what the model sees before it and a
    quarter behind it, as far as there is so much.
    """
    step = length if length <= room else max(1, room // 4)
    for at in range(0, length, step):
        yield max(0, min(at - room // 2, length - room)), range(at, min(at + step, length))


def _sums(
    windows: Sequence[Window],
    rows: int,
    on_event: OnEvent,
    compute: Callable[[Sequence[Window]], list[tuple[float, int]]],
) -> list[Counts]:
    """Log-probability and how many ids it is of, for every row."""
    sums = [(0.0, 0)] * rows
    done = 0
    for batch in _batches(windows):
        with torch.inference_mode():
            found = compute(batch)
        for window, (logprob, count) in zip(batch, found, strict=True):
            before = sums[window.row]
            sums[window.row] = before[0] + logprob, before[1] + count
        done += len(batch)
        on_event(Progress(done * rows // len(windows), rows))
    return list(sums)


def _batches(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Windows of one padded length, so many that their places stay within `PLACES`."""

    def size(window: Window) -> int:
        return padded_length(len(window.ids))

    for bucket in same_size_batches(windows, size, lambda _: PLACES):
        most = max(1, PLACES // size(bucket[0]))
        yield from (bucket[at : at + most] for at in range(0, len(bucket), most))


def _written(model: NextTokenModel, batch: Sequence[Window]) -> list[tuple[float, int]]:
    tokens = _padded(batch)
    logits = model.extend(model.start([[] for _ in batch]), tokens[:, :-1]).float()
    found = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0].double()
    return [
        (float(found[n, window.first - 1 : len(window.ids) - 1].sum()), len(window.ids) - window.first)
        for n, window in enumerate(batch)
    ]


def _guessed(model: MaskedModel, mask: int, batch: Sequence[Window]) -> list[tuple[float, int]]:
    ids = _padded(batch)
    places = torch.tensor([window.first for window in batch])
    rows = torch.arange(len(batch))
    wanted = ids[rows, places]
    ids[rows, places] = mask
    lengths = torch.tensor([len(window.ids) for window in batch])
    found = model.masked_logits(ids, lengths, places).float().log_softmax(-1)[rows, wanted]
    return [(value, 1) for value in found.tolist()]


def _padded(batch: Sequence[Window]) -> Tensor:
    """`(rows, padded length)`."""
    return padded([window.ids for window in batch], padded_length(len(batch[0].ids)))
