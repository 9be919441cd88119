"""Titles of articles: textgen, and what one can write with transformers' BERT and the same checkpoint.

A task is a list of articles; each gets one title by a beam of four from left to right, ranked by mean
log-probability. The peers have the mask of UniLM and the copy prior, and one search, `Search`, so that all
write the same titles.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contestants.in_turn import Contestant, Done, Work
from contestants.ours import ours_in_precisions
from textgen.store.catalog import find_model
from textgen.store.export import export_model

BEAMS, LIMIT, RESERVED, POSITIONS = 4, 46, 50, 512
ARTICLES = 16  # in a batch of the loop with a cache; of 4, 8 and 16 the fastest
LAST_SPECIAL, FIRST_TEXT = 8, 273  # ids; between them are bytes and the line break
HIDDEN = torch.finfo(torch.float32).min
REENCODING, CACHED = "transformers, encoding anew", "transformers, with its cache"
PEERS = (REENCODING, CACHED)


def contestants(folder: Path, every: int) -> list[Contestant]:
    """All of them.

    Args:
        folder: Where to put the model for the peers.
        every: The slowest titles every so manieth of the articles only.
    """
    for _ in export_model(find_model("title"), folder, dtype="fp32"):
        pass
    peers = [Contestant(REENCODING, reencoding, (folder, every)), Contestant(CACHED, cached, (folder,))]
    return peers + ours_in_precisions(ours, "title")


def ours(precision: str) -> Work:
    import textgen

    model = textgen.load("title", precision=precision)

    def work(texts: Sequence[str]) -> Done:
        # no peer searches on because a title fails an editor's checks
        records = model.generate(texts, decode="beam", beams=BEAMS, checks=False)
        return Done(len(texts), {n: record.candidates[0].text for n, record in enumerate(records)})

    return work


def reencoding(folder: Path, every: int) -> Work:
    """One article at a time, through the whole network with its titles at each step, as with bert4keras."""
    from transformers import BertForMaskedLM

    model: Any = BertForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    reader = Reader(folder)

    def logits(source: list[int], targets: Tensor) -> Tensor:
        ids = torch.cat([torch.tensor([source]).expand(len(targets), -1), targets], 1)
        types = (torch.arange(ids.shape[1]) >= len(source)).long().expand_as(ids)
        level = types.cumsum(1)
        hidden = level[:, None, None, :] > level[:, None, :, None]
        mask = torch.zeros(hidden.shape).masked_fill_(hidden, HIDDEN)
        found: Tensor = model(input_ids=ids, token_type_ids=types, attention_mask=mask).logits[:, -1]
        return found

    def title(text: str) -> str:
        source = reader.source(text)
        vote = reader.votes([source])
        search = Search(1, reader)
        found = logits(source, search.ids[:1]).expand(BEAMS, -1)
        while search.take(reader.logprobs(found, vote, search.written)) is not None:
            found = logits(source, search.ids)
        return search.title(0)

    def work(texts: Sequence[str]) -> Done:
        with torch.inference_mode():
            titles = {number: title(texts[number]) for number in range(0, len(texts), every)}
        return Done(len(titles), titles)

    return work


def cached(folder: Path) -> Work:
    """Articles of similar length together, each read once; then one token a step, on transformers' cache."""
    from transformers import BertLMHeadModel

    model: Any = BertLMHeadModel.from_pretrained(folder, is_decoder=True, dtype=torch.float32).eval()
    reader = Reader(folder)

    def work(texts: Sequence[str]) -> Done:
        sources = [reader.source(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(sources[number]))
        titles: dict[int, str] = {}
        with torch.inference_mode():
            for at in range(0, len(order), ARTICLES):
                batch = order[at : at + ARTICLES]
                found = _titled_together(model, reader, [sources[number] for number in batch])
                titles |= dict(zip(batch, found, strict=True))
        return Done(len(titles), titles)

    return work


def _titled_together(model: Any, reader: Reader, sources: Sequence[list[int]]) -> list[str]:
    """Titles of articles that are read together and written together."""
    from transformers import StaticCache

    width = max(map(len, sources))
    lengths = torch.tensor([len(source) for source in sources])
    # it is allocated once; a growing one would be copied whole at every token
    cache = StaticCache(config=model.config, max_cache_len=width + LIMIT)
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    places = torch.arange(width + LIMIT)
    mask = torch.zeros(len(sources), 1, 1, width + LIMIT)
    mask.masked_fill_((places >= lengths[:, None])[:, None, None], HIDDEN)
    ids = torch.tensor([source + [0] * (width - len(source)) for source in sources])
    model.bert(ids, token_type_ids=torch.zeros_like(ids), attention_mask=mask, **{name: cache})
    spread = torch.arange(len(sources)).repeat_interleave(BEAMS)
    _select(cache, spread)
    mask, lengths, votes = mask[spread], lengths[spread], reader.votes(sources)[spread]
    search = Search(len(sources), reader)
    while True:
        mask[..., width + search.written] = 0
        found = model(
            search.ids[:, -1:],
            token_type_ids=torch.ones(len(lengths), 1, dtype=torch.long),
            position_ids=lengths[:, None] + search.written,
            attention_mask=mask,
            **{name: cache},
        ).logits[:, -1]
        parents = search.take(reader.logprobs(found, votes, search.written))
        if parents is None:
            return [search.title(number) for number in range(len(sources))]
        if (kept := search.compacted()) is not None:
            mask, lengths, votes = mask[kept], lengths[kept], votes[kept]
            _select(cache, parents[kept])
        else:
            # hypotheses of one article share what was read of it: only what they wrote changes places
            _select(cache, parents, slice(width, width + search.written))


def _select(cache: Any, rows: Tensor, places: slice | None = None) -> None:
    """Reorder the rows of a cache, or only what they have in some places."""
    for layer in cache.layers:
        if places is None:
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]
        else:
            layer.keys[:, :, places] = layer.keys[rows, :, places]
            layer.values[:, :, places] = layer.values[rows, :, places]


class Reader:
    """Articles to ids, and logits to log-probabilities, as the exported `example.py` has it."""

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.prior = load_file(folder / "prior.safetensors")
        self.first = self.tokenizer.convert_tokens_to_ids("<l2r>")
        self.eos = self.tokenizer.eos_token_id
        # titles hold no specials (but the end), bytes or line breaks
        self.banned = torch.ones(len(self.prior["prior.t"]), dtype=torch.bool)
        self.banned[FIRST_TEXT : len(self.tokenizer)] = False
        self.banned[self.eos] = False

    def source(self, text: str) -> list[int]:
        ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        body = ids[: POSITIONS - RESERVED - 2]
        return [self.tokenizer.cls_token_id, *body, self.tokenizer.sep_token_id]

    def votes(self, sources: Sequence[list[int]]) -> Tensor:
        """The votes of the copy prior, `(sources, vocab)`."""
        found = self.prior["prior.t"].repeat(len(sources), 1)
        for vote, source in zip(found, sources, strict=True):
            copied = torch.tensor(sorted({i for i in source if i > LAST_SPECIAL}))
            vote[copied] += self.prior["prior.a"][copied].exp()
        return found

    def logprobs(self, logits: Tensor, votes: Tensor, written: int) -> Tensor:
        found = ((logits + votes) / 2).masked_fill_(self.banned, -torch.inf).log_softmax(-1)
        if not written:
            found[:, self.eos] = -torch.inf
        return found

    def text(self, ids: list[int]) -> str:
        decoded: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return decoded


class Search:
    """The textbook beam over some articles, whose rows stand side by side, with a pool of ends for each.

    Attributes:
        ids: `(rows, 1 + written)`, the sign of the direction first.
        written: Tokens written.
    """

    def __init__(self, articles: int, reader: Reader) -> None:
        self.reader = reader
        self.ids = torch.full((articles * BEAMS, 1), reader.first)
        self.written = 0
        self._totals = torch.full((articles, BEAMS), -torch.inf)
        self._totals[:, 0] = 0
        self._numbers = list(range(articles))
        self._pools: list[list[tuple[float, list[int]]]] = [[] for _ in range(articles)]

    def title(self, article: int) -> str:
        return self.reader.text(self._pools[article][0][1])

    def take(self, logprobs: Tensor) -> Tensor | None:
        """Write a token a row; the row that each came from, or None if all articles are done."""
        self.written += 1
        articles, vocab = len(self._totals), logprobs.shape[-1]
        sums = self._totals[:, :, None] + logprobs.view(articles, BEAMS, vocab)
        best = sums.view(articles, -1).topk(2 * BEAMS)
        tokens = best.indices % vocab
        rows = torch.arange(articles)[:, None] * BEAMS + best.indices // vocab
        ends = tokens == self.reader.eos
        for article, place in (ends & (best.values > -torch.inf))[:, :BEAMS].nonzero().tolist():
            self._offer(article, int(rows[article, place]), float(best.values[article, place]))
        self._totals, places = best.values.masked_fill(ends, -torch.inf).topk(BEAMS)
        parents = rows.gather(1, places).flatten()
        self.ids = torch.cat([self.ids[parents], tokens.gather(1, places).view(-1, 1)], 1)
        for article in range(articles):
            if self._done(article):
                self._totals[article] = -torch.inf
        return parents if (self._totals[:, 0] > -torch.inf).any() else None

    def compacted(self) -> Tensor | None:
        """Leave out the articles that are done, if they are half of all; the rows that stay, else None."""
        going = (self._totals[:, 0] > -torch.inf).nonzero()[:, 0]
        if len(going) > len(self._totals) / 2:
            return None
        rows = (going[:, None] * BEAMS + torch.arange(BEAMS)).flatten()
        self.ids, self._totals = self.ids[rows], self._totals[going]
        self._numbers = [self._numbers[article] for article in going.tolist()]
        return rows

    def _offer(self, article: int, row: int, total: float) -> None:
        pool = self._pools[self._numbers[article]]
        pool.append((total / self.written, self.ids[row, 1:].tolist()))
        pool.sort(key=lambda found: -found[0])
        del pool[BEAMS:]

    def _done(self, article: int) -> bool:
        best, pool = float(self._totals[article, 0]), self._pools[self._numbers[article]]
        if self.written < LIMIT:
            return len(pool) == BEAMS and best / LIMIT <= pool[-1][0]
        if not pool:
            pool.append((best / self.written, self.ids[article * BEAMS, 1:].tolist()))
        return True
