"""The best of several draws of a text.

The most probable draw says things twice. So a draw is also judged by its coherence, the information that
its sentences have about each other; by that alone, verses win, whose form tells itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textgen.models.scoring import sequence_logprobs
from textgen.models.views import Ids, NextTokenModel
from textgen.schema import Candidate
from textgen.text.checks.editor import unpaired
from textgen.text.checks.repeats import repeats
from textgen.text.segment import sentences
from textgen.tokenizers.base import Tokenizer

FINISHED = ("stop", "sentence")


def best(draws: Sequence[Candidate], *, sound: bool = False) -> Candidate:
    """The draw with the highest score, a finished one if there is any; of equals the first.

    Args:
        draws: Draws of one text.
        sound: Whether those that `is_sound` refuses come last.
    """
    return max(
        draws,
        key=lambda draw: (draw.finish_reason in FINISHED, not sound or is_sound(draw.text), draw.score),
    )


def is_sound(text: str) -> bool:
    """Tell whether a text says nothing twice, and every quote and bracket in it has a partner."""
    return not repeats(text.strip(), "") and not unpaired(text, "")


def blended(
    draws: Sequence[Candidate], model: NextTokenModel, tokenizer: Tokenizer, positions: int
) -> list[Candidate]:
    """The draws with their coherence added to their score, the mean log-probability; both in nats a token.

    Coherence is the log-probability of the whole text less that of each of its sentences alone, by the
    tokens of the text: the pointwise mutual information of the sentences, zero where there is only one.

    Args:
        draws: Texts, their prompt included.
        model: What wrote them.
        tokenizer: Its tokenizer.
        positions: Most tokens that it reads; a longer text counts from its beginning.
    """
    whole = [tokenizer.encode(draw.text)[: positions - 1] for draw in draws]
    parts = [[tokenizer.encode(part) for part in sentences(tokenizer.decode(ids))] for ids in whole]
    bos = tokenizer.specials.bos
    together = _logprobs(model, bos, whole)
    alone = iter(_logprobs(model, bos, [ids for split in parts for ids in split]))
    return [
        replace(
            draw,
            score=draw.score + (value - sum(next(alone) for _ in split)) / max(1, len(ids)),
            score_kind="mean_logprob+coherence",
        )
        for draw, ids, split, value in zip(draws, whole, parts, together, strict=True)
    ]


def _logprobs(model: NextTokenModel, bos: int, texts: Sequence[Ids]) -> list[float]:
    """Log-probability of each text after the start symbol, its end symbol left out."""
    found: list[float] = sequence_logprobs(model, [], [[bos, *ids] for ids in texts]).tolist()
    return found
