"""What a reader asks of a sentence around words: whether it is sound, and whether the words belong in it.

The distribution of a chain favours stock phrases that would stand around any words. So a sentence is judged
by two models, from the left and from both sides, and most by how well the rest of it tells its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from textgen.backends.editing.models import ChainModels
from textgen.backends.editing.plain_sentences import ENDS
from textgen.backends.tokenized import token_places
from textgen.mcmc.cgmh.contexts import MaskedContext
from textgen.mcmc.cgmh.edits import Context, State
from textgen.text.checks.edges import left_open
from textgen.text.checks.editor import unpaired
from textgen.text.checks.repeats import repeats

# added for each token: with both models, and without a masked one. Of 17 sets of words with 30 to 75
# sentences these weights put a usable one first in 11; 1.5 and 9.0, which favour long ones, in 6
TOKEN, ALONE = -0.5, 2.2
WORDS = 5.0  # weight of the log-probability of a token of the words, given all others
FAULT = 20.0  # cost of what an editor would mark
AT_ONCE = 16  # places that a model is asked at once: their logits are what takes the memory


class Judge:
    """Scores states of `compose`, the higher the better.

    Args:
        models: Of their chains.
    """

    def __init__(self, models: ChainModels) -> None:
        self.models = models

    def scores(self, states: Sequence[State], logprobs: Sequence[float]) -> list[float]:
        """Judge states.

        Args:
            states: Texts, the words locked.
            logprobs: Of each, under the language model.
        """
        proposer = self.models.proposer.model
        faults = [FAULT * self.faults(state) for state in states]
        if not isinstance(proposer, MaskedContext):
            return [
                logprob + ALONE * len(state.ids) - fault
                for state, logprob, fault in zip(states, logprobs, faults, strict=True)
            ]
        within = self._sums(proposer, states, [list(_each(state)) for state in states])
        fit = self._sums(proposer, states, [list(_words(state, proposer.mask)) for state in states])
        return [
            logprob + inside + TOKEN * len(state.ids) + WORDS * fitting / _locked(state) - fault
            for state, logprob, inside, fitting, fault in zip(
                states, logprobs, within, fit, faults, strict=True
            )
        ]

    def faults(self, state: State) -> int:
        """How many things an editor would mark: no end, a word cut or said again, a mark left open."""
        tokenizer = self.models.tokenizer
        text = tokenizer.decode(list(state.ids))
        places = token_places(state.ids, tokenizer)
        held = [text[places[span.start].start : places[span.stop - 1].stop] for span in state.spans]
        body = text.rstrip(ENDS)
        return (
            (body == text)
            + sum(text.count(word) > held.count(word) for word in {*held})
            + repeats(text, "")
            + unpaired(text, "")
            + bool(body and left_open(body))
        )

    def _sums(
        self, model: MaskedContext, states: Sequence[State], places: Sequence[Sequence[tuple[Context, int]]]
    ) -> list[float]:
        """For each state the log-probabilities of tokens, added up."""
        asked = [(n, *one) for n, some in enumerate(places) for one in some]
        found = [0.0] * len(states)
        for at in range(0, len(asked), AT_ONCE):
            owners, contexts, tokens = zip(*asked[at : at + AT_ONCE], strict=True)
            logprobs = model.logits(contexts).log_softmax(-1)
            for n, value in zip(
                owners, logprobs[torch.arange(len(tokens)), list(tokens)].tolist(), strict=True
            ):
                found[n] += value
        return found


def _each(state: State) -> Iterator[tuple[Context, int]]:
    """Every token, and what stands around it."""
    return ((state.around(place), token) for place, token in enumerate(state.ids))


def _words(state: State, mask: int) -> Iterator[tuple[Context, int]]:
    """The tokens of the words, those of a word one after the other, what is behind in it masked."""
    ids = state.ids
    for span in state.spans:
        for place in span:
            yield Context(ids[:place], (*[mask] * (span.stop - place - 1), *ids[span.stop :])), ids[place]


def _locked(state: State) -> int:
    return sum(map(len, state.spans))
