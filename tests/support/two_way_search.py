"""Synchronous bidirectional search over one source, and the algorithm of the textbook."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from fakes import Prefix, everything
from two_way import (
    Memory,
    Scorings,
    TwoWayLogits,
    TwoWayTable,
)

from textgen.choice.scoring import Scoring
from textgen.decoding.beams import BeamSearch
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.search.bidirectional import bidirectional_search


def plain(vocab: int) -> Scorings:
    return Scoring(everything(vocab)), Scoring(everything(vocab))


def search_one(
    model: TwoWayTable, search: BeamSearch, scorings: Scorings | None = None, source: Prefix = ()
) -> list[Hypothesis]:
    return bidirectional_search(model, [source], scorings or plain(model.vocab_size), search)[0]


@dataclass(frozen=True)
class Text:
    """A text of the textbook's algorithm; `memory` is that of all but its last piece."""

    ids: tuple[int, ...]
    total: float
    logprob: float
    memory: Memory


def textbook(
    logits: TwoWayLogits, search: BeamSearch, scorings: Scorings, source: Prefix = ()
) -> tuple[list[Hypothesis], int]:
    """The same search as slow lists that never stop early, and how many steps it makes."""
    root = Memory(source)
    memories = [
        [root.after(0, root, 1)] * (search.width // 2),
        [root.after(1, root, 0)] * (search.width // 2),
    ]
    alive = [[Text((), 0.0, 0.0, root)], [Text((), 0.0, 0.0, root)]]
    pool: list[Hypothesis] = []
    steps = 0

    def found(text: Text, reason: str, lane: int) -> Hypothesis:
        score = search.length.score(text.total, len(text.ids))
        return Hypothesis(list(text.ids), text.logprob, text.total, score, reason, lane)

    while any(alive) and steps < search.length.limit:
        for lane, texts in enumerate(alive):
            candidates = []
            for text, memory in zip(texts, memories[lane], strict=False):
                history = torch.tensor([text.ids], dtype=torch.long).view(1, -1)
                logprobs, scores = scorings[lane](history, logits(memory)[None])
                for token, (logprob, score) in enumerate(zip(logprobs[0], scores[0], strict=True)):
                    if score > -torch.inf:
                        ids = (*text.ids, token)
                        total, sums = text.total + float(score), text.logprob + float(logprob)
                        candidates.append(Text(ids, total, sums, memory))
            candidates.sort(key=lambda candidate: -candidate.total)
            for text in candidates[: (search.width // 2)]:
                if text.ids[-1] == search.eos:
                    pool.append(found(text, "stop", lane))
            alive[lane] = [text for text in candidates if text.ids[-1] != search.eos][: (search.width // 2)]
        steps += 1
        # the best stands in for missing ranks; a direction with no text at all is remembered as it was
        ranks = [[*texts, *texts[:1] * ((search.width // 2) - len(texts))] for texts in alive]
        memories = [
            [
                text.memory.after(text.ids[-1], ranks[1 - lane][rank].memory, ranks[1 - lane][rank].ids[-1])
                if ranks[1 - lane]
                else text.memory.after(text.ids[-1], memories[1 - lane][rank])
                for rank, text in enumerate(ranks[lane])
            ]
            or memories[lane]
            for lane in (0, 1)
        ]
    pool.sort(key=lambda hypothesis: -hypothesis.score)
    cut = [found(text, "length", lane) for lane, texts in enumerate(alive) for text in texts]
    cut.sort(key=lambda hypothesis: -hypothesis.score)
    return (pool + cut)[: search.width], steps
