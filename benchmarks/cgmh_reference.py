"""The reference procedure for sentences around words, as 苏剑林's script for 8194 runs it, on our GPT-2.

A port for comparison, in the library that its users have (transformers), faults included: places are not
counted, insertion and deletion have different candidates, the present piece is forced among them, the
right side is not looked at, and every candidate is computed from its first piece on.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textgen.store.catalog import find_model
from textgen.store.export import export_model
from textgen.store.load import load_tokenizer
from textgen.tokenizers.base import Tokenizer

GAMMA = 0.8  # exponent of the probability: favours longer sentences
CANDIDATES = 64
FLOOR = 1e-8


@dataclass
class Text:
    """Pieces, the start in front and the full stop at the end, and where the keywords lie."""

    ids: list[int]
    locked: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


class Reference:
    """The sampler.

    Args:
        model: A `GPT2LMHeadModel`.
        start: Id of the start symbol.
        stop: Id of the full stop, which ends a sentence.
        blank: Id that stands at an insertion until it is filled.
        seed: Of numpy's generator.

    Attributes:
        tried: Steps that computed anything; none does whose move has no place.
    """

    def __init__(self, model: Any, start: int, stop: int, blank: int, seed: int) -> None:
        self.model = model
        self.start = start
        self.stop = stop
        self.blank = blank
        self.random = np.random.default_rng(seed)
        self.tried = 0

    def compose(self, keywords: list[list[int]], seconds: float) -> tuple[list[int], int]:
        """Pieces of a sentence, and how many steps were made in so much time."""
        text = self.begin(keywords)
        until = time.perf_counter() + seconds
        steps = 0
        while time.perf_counter() < until:
            text = self.step(text)
            steps += 1
        return text.ids[1:], steps

    def begin(self, keywords: list[list[int]]) -> Text:
        """The words one after another."""
        text = Text([self.start])
        for ids in keywords:
            text.locked += range(len(text.ids), len(text.ids) + len(ids))
            text.ends.append(len(text.ids) + len(ids) - 1)
            text.ids += ids
        text.ids.append(self.stop)
        return text

    def step(self, text: Text) -> Text:
        """One edit, or none."""
        move = self.random.choice(["replace", "insert", "delete"])
        places = [i for i in range(1, len(text.ids) - 1) if i not in text.locked]
        if move == "insert":
            places = sorted({*places, *text.ends})
        if not places:
            return text
        self.tried += 1
        at = int(self.random.choice(places))
        return getattr(self, f"_{move}")(text, at)

    def _replace(self, text: Text, at: int) -> Text:
        candidates, weights = self._weighted(text.ids, at)
        drawn = self.random.choice(len(candidates), p=weights)
        new = [*text.ids[:at], candidates[drawn], *text.ids[at + 1 :]]
        ratio = self._ratio(text.ids, new) * weights[0] / weights[drawn]
        return Text(new, text.locked, text.ends) if self.random.random() < ratio else text

    def _insert(self, text: Text, at: int) -> Text:
        at += 1
        longer = [*text.ids[:at], self.blank, *text.ids[at:]]
        candidates, weights = self._weighted(longer, at)
        drawn = self.random.choice(len(candidates), p=weights)
        new = [*longer[:at], candidates[drawn], *longer[at + 1 :]]
        if self.random.random() >= self._ratio(text.ids, new) / weights[drawn]:
            return text
        return Text(new, [i + (i >= at) for i in text.locked], [i + (i >= at) for i in text.ends])

    def _delete(self, text: Text, at: int) -> Text:
        _, weights = self._weighted(text.ids, at)
        new = [*text.ids[:at], *text.ids[at + 1 :]]
        if self.random.random() >= self._ratio(text.ids, new) * weights[0]:
            return text
        return Text(new, [i - (i >= at) for i in text.locked], [i - (i >= at) for i in text.ends])

    def _weighted(self, ids: list[int], at: int) -> tuple[list[int], Any]:
        """Candidates at a place, the present piece first, and their weights by the whole sentence."""
        probs = self._probs([ids[:at]])[0, -1]
        best = [int(i) for i in probs.argsort()[::-1][:CANDIDATES] if i != ids[at]][: CANDIDATES - 1]
        candidates = [ids[at], *best]
        logs = self._logs([[*ids[:at], i, *ids[at + 1 :]] for i in candidates])
        weights = np.exp(logs - logs.max())
        return candidates, weights / weights.sum()

    def _ratio(self, old: list[int], new: list[int]) -> float:
        return float(np.exp(GAMMA * (self._logs([new])[0] - self._logs([old])[0])))

    def _logs(self, rows: list[list[int]]) -> Any:
        probs = np.log(self._probs([row[:-1] for row in rows]).astype(np.float64) + FLOOR)
        following = np.array([row[1:] for row in rows])[..., None]
        return np.take_along_axis(probs, following, -1)[..., 0].sum(-1)

    def _probs(self, rows: list[list[int]]) -> Any:
        with torch.inference_mode():
            return self.model(torch.tensor(rows)).logits.softmax(-1).numpy()


def reference_on_gpt2() -> tuple[Reference, Tokenizer]:
    """The port on the shipped GPT-2, loaded by transformers, and the tokenizer of its pieces."""
    from transformers import GPT2LMHeadModel

    files = find_model("gpt2")
    with tempfile.TemporaryDirectory() as folder:
        for _ in export_model(files, Path(folder), dtype="fp32"):
            pass
        model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = load_tokenizer(files)
    [stop] = tokenizer.encode("。")
    return Reference(model, tokenizer.specials.bos, stop, tokenizer.specials.mask, seed=1), tokenizer
