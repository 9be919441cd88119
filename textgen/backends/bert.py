"""Texts from a masked model, by Gibbs sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from textgen.backends.base import Backend, Prepared
from textgen.decoding.allowed import line_ids
from textgen.errors import DataError, UsageError
from textgen.events import OnEvent
from textgen.mcmc.gibbs import Chain, GibbsSampler
from textgen.models.batching import alike
from textgen.models.bert import Bert
from textgen.models.load import LoadedModel
from textgen.options import GibbsOptions
from textgen.rng import row_key, uniform
from textgen.schema import Candidate, Row

FRAME = 2  # <cls> and <sep>
UNIT = 4  # chains are padded to a multiple of this; a forward here costs by the place, not by the call
LENGTH = 4  # the stream of random numbers that a chain's length is drawn from; see mcmc.gibbs


@dataclass(frozen=True)
class Seed(Prepared):
    """A seed sentence as ids without frame; empty for a free sample."""

    ids: list[int]


class BertBackend(Backend[GibbsOptions, Seed]):
    """Samples sentences of a given length, or starts from a sentence; `num_candidates` texts come from as
    many chains, the last recorded state of each."""

    options = GibbsOptions
    task = "sample"

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.network = cast(Bert, model.network)
        self.positions = self.network.config.max_position_embeddings

    def prompt(self, row: Row) -> str | None:
        return row.text if row.text.strip() else None

    def prepare(self, row: Row, options: GibbsOptions, on_event: OnEvent) -> Seed:
        if row.keywords:
            raise DataError("the row has keywords", hint="Gibbs sampling takes none")
        ids = self.tokenizer.encode(row.text.strip())
        if ids and "length" in options.model_fields_set:
            raise DataError("a seed sentence has its own length", hint="leave out --length, or the sentence")
        longest = len(ids) or options.length[1]
        if longest + FRAME > self.positions:
            raise (DataError if ids else UsageError)(
                f"{longest} pieces are more than the model reads", hint=f"at most {self.positions - FRAME}"
            )
        if ids and not self._free(ids):
            raise DataError(
                "nothing in the sentence can be resampled", hint="give a sentence of ordinary text"
            )
        return Seed(row, longest + FRAME, len(ids), len(ids), ids)

    def compute(
        self, batch: Sequence[Seed], options: GibbsOptions, seed: int, on_event: OnEvent
    ) -> list[list[Candidate]]:
        chains = [
            self._chain(start, row_key(seed, start.row.text, id=start.row.id), candidate, options)
            for start in batch
            for candidate in range(options.num_candidates)
        ]
        for together in alike(chains, _padded, options.batch_size):
            sampler = self._sampler(together)
            sampler.run(together, sweeps=options.sweeps, burn_in=options.burnt, thin=options.thin)
        candidates = [self._candidate(chain) for chain in chains]
        n = options.num_candidates
        return [candidates[at : at + n] for at in range(0, len(candidates), n)]

    def _chain(self, start: Seed, key: bytes, candidate: int, options: GibbsOptions) -> Chain:
        specials = self.tokenizer.specials
        body, free = start.ids, self._free(start.ids)
        if not body:
            least, most = options.length
            length = least + int(uniform(key, candidate, 0, LENGTH) * (most - least + 1))
            body, free = [specials.mask] * length, list(range(length))
        spaces = any(i in self.tokenizer.vocabulary.spaced for i in body)
        allowed = line_ids(self.tokenizer, self.network.vocab_size, spaces=spaces)
        return Chain([specials.cls, *body, specials.sep], [p + 1 for p in free], allowed, key, candidate)

    def _free(self, ids: Sequence[int]) -> list[int]:
        """Places that may be resampled: not line breaks, nor bytes that make a character together."""
        vocabulary = self.tokenizer.vocabulary
        return [n for n, i in enumerate(ids) if i not in vocabulary.byte_ids and i != vocabulary.newline]

    def _sampler(self, chains: Sequence[Chain]) -> GibbsSampler:
        return GibbsSampler(self.network, self.tokenizer.specials.mask, _padded(chains[0]))

    def _candidate(self, chain: Chain) -> Candidate:
        last = replace(chain, ids=chain.kept[-1])
        score = self._sampler([last]).pseudo_logprob(last) / len(last.free)
        text = self.tokenizer.decode(last.ids)
        return Candidate(text, score, "mean_pseudo_logprob", None, len(last.ids) - FRAME, "stop")


def _padded(chain: Chain) -> int:
    return -(-len(chain.ids) // UNIT) * UNIT
