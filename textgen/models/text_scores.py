"""Scores of ids of one vocabulary by a model of another, which reads the text that they write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from math import inf

from textgen.models.views import Ids, Scored, SequenceModel
from textgen.tokenizers.base import Tokenizer

REMEMBERED = 2**14  # texts whose score is kept


class TextScores:
    """A `SequenceModel` over the ids of a writer: the score of what they write, by a model that reads it.

    Ids that write the same text have the same score. A text of which the reader loses a character, or which
    is longer than its model reads, has no probability: the model would judge another text in its place.

    Args:
        model: Scores the reader's ids.
        reader: The tokenizer of that model.
        writer: The tokenizer of the ids to be scored.
    """

    def __init__(self, model: SequenceModel, reader: Tokenizer, writer: Tokenizer) -> None:
        self.model, self.reader, self.writer = model, reader, writer
        self._known: OrderedDict[str, float] = OrderedDict()

    @property
    def longest(self) -> int:
        """Most ids of a text; one of so many may still be more than the model reads, and impossible then."""
        return self.model.longest

    def score(
        self, texts: Sequence[Ids], parents: Sequence[Scored | None], *, remember: bool = True
    ) -> list[Scored]:
        """Score texts by what they write; see `SequenceModel`."""
        written = [self.writer.decode(list(ids)) for ids in texts]
        new = {text: parent for text, parent in zip(written, parents, strict=True) if text not in self._known}
        found = self._read(new, remember=remember)
        for text in written:
            if text in self._known:
                self._known.move_to_end(text)
        scores = [
            # of a text that was known, the memory of what begins alike is still of use
            found.get(text) or Scored(self._known[text], parent.memory if parent and remember else None)
            for text, parent in zip(written, parents, strict=True)
        ]
        self._known |= {text: scored.logprob for text, scored in found.items()}
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return scores

    def ids_read(self, text: str) -> list[int] | None:
        """The reader's ids of a text; None where it loses a character, or its model cannot read so many."""
        if self.reader.lost(text):
            return None
        ids = self.reader.encode(text)
        return ids if len(ids) <= self.model.longest else None

    def _read(self, texts: dict[str, Scored | None], *, remember: bool) -> dict[str, Scored]:
        """Scores of different texts, with their parents."""
        read = {text: self.ids_read(text) for text in texts}
        possible = {text: tuple(ids) for text, ids in read.items() if ids is not None}
        parents = [texts[text] for text in possible]
        scored = self.model.score(list(possible.values()), parents, remember=remember) if possible else []
        return {text: Scored(-inf) for text in texts} | dict(zip(possible, scored, strict=True))
