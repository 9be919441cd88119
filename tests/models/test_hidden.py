"""Hidden states of the networks against transformers', and contrastive search over them, without a cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertForMaskedLM, GPT2LMHeadModel

from textgen.choice.scoring import Scoring
from textgen.decoding.hypothesis import Hypothesis
from textgen.decoding.loop import Batch
from textgen.decoding.search.contrastive import ContrastiveSearch, contrastive_search
from textgen.decoding.stop import Stop
from textgen.models.families.bert import Bert
from textgen.models.families.gpt2 import Gpt2
from textgen.models.families.unilm import UniLM
from textgen.models.layers.copy_prior import CopyPrior
from textgen.models.views import HiddenModel
from textgen.store.load import LoadedModel

TOLERANCE = {"atol": 1e-4, "rtol": 0.0}
VOCAB, EOS, L2R = 101, 4, 7
STOP = Stop(EOS, 9)
LENGTHS = (17, 25, 32, 18)
# (source, target) -> last hidden states of the text, (length, width), logits of the target, (target, vocab)
Reread = Callable[[list[int], list[int]], tuple[Tensor, Tensor]]


def random_ids(count: int, seed: int, low: int = 9, high: int = VOCAB) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high, (count,), generator=generator).tolist()


def ended(number: int, ids: Sequence[int]) -> str | None:
    return STOP.reason(ids)


@pytest.fixture(scope="module")
def unilm(tiny_bert: Bert, prior: CopyPrior) -> UniLM:
    return UniLM(tiny_bert, prior, {L2R: 1}).eval()


def gpt2_reread(theirs: nn.Module) -> Reread:
    def reread(source: list[int], target: list[int]) -> tuple[Tensor, Tensor]:
        out = theirs(input_ids=torch.tensor([[*source, *target]]), use_cache=False, output_hidden_states=True)
        return out.hidden_states[-1][0], out.logits[0, len(source) :]

    return reread


def unilm_reread(theirs: nn.Module, prior: CopyPrior) -> Reread:
    def reread(source: list[int], target: list[int]) -> tuple[Tensor, Tensor]:
        level = torch.tensor([0] * len(source) + [1] * len(target)).cumsum(0)
        hidden_from = torch.finfo(torch.float32).min * (level[None, :] > level[:, None]).float()
        out = theirs(
            input_ids=torch.tensor([[*source, *target]]),
            token_type_ids=(level > 0).long()[None],
            attention_mask=hidden_from[None, None],
            output_hidden_states=True,
        )
        chi = torch.zeros(VOCAB)
        chi[[piece for piece in source if piece > 8]] = 1.0
        logits = (out.logits[0, len(source) :] + prior.a.exp() * chi + prior.t) / 2
        return out.hidden_states[-1][0, len(source) :], logits

    return reread


def published(
    reread: Reread, source: list[int], first: int, allowed: Tensor, search: ContrastiveSearch
) -> Hypothesis:
    """Su et al. 2022, algorithm 1: read the whole text again for every candidate."""
    ids: list[int] = []
    logprob = 0.0
    while not (reason := STOP.reason(ids) if ids else None):
        before, logits = reread(source, [first, *ids])
        logprobs = logits[-1].masked_fill(~allowed, -torch.inf).log_softmax(-1)
        best = logprobs.topk(search.top_k).indices.tolist()
        ranks = []
        for token in best:
            after, _ = reread(source, [first, *ids, token])
            likeness = functional.cosine_similarity(after[-1:], before, dim=-1).max()
            ranks.append((1 - search.alpha) * logprobs[token].exp() - search.alpha * likeness)
        ids.append(best[int(torch.stack(ranks).argmax())])
        logprob += float(logprobs[ids[-1]])
    return Hypothesis(ids, logprob, logprob, logprob / len(ids), reason)


def check(model: HiddenModel, reread: Reread, batch: Batch, search: ContrastiveSearch) -> list[list[int]]:
    """All three: as published, in a batch and alone."""
    allowed = torch.ones(VOCAB, dtype=torch.bool)
    allowed[[0, 1, 2, 3, 5, 6, 7, 8]] = False
    scoring = Scoring(allowed)
    together = contrastive_search(model, batch, scoring, search, ended)
    for row, (found,) in enumerate(together):
        wanted = published(reread, list(batch.sources[row]), batch.first[row], allowed, search)
        assert (found.ids, found.reason) == (wanted.ids, wanted.reason), row
        for name in ("logprob", "total", "score"):
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-4)
        assert contrastive_search(model, batch.part([row]), scoring, search, ended) == [[found]], row
    return [found.ids for (found,) in together]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("lengths", [LENGTHS, (0, 0), (1, 16, 7)])
def test_contrastive_search_on_gpt2_is_as_published(
    tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel, lengths: tuple[int, ...]
) -> None:
    """The prompt is part of the text: what is written should not look like it either."""
    sources = [random_ids(length, seed=length) for length in lengths]
    batch = Batch(sources, [2 + n for n in range(len(lengths))], [[]] * len(lengths))
    texts = [
        check(tiny_gpt2, gpt2_reread(their_gpt2), batch, ContrastiveSearch(4, alpha)) for alpha in (0.0, 0.6)
    ]
    assert texts[0] != texts[1]


@pytest.mark.usefixtures("one_thread")
def test_contrastive_search_on_unilm_is_as_published(unilm: UniLM, their_bert: BertForMaskedLM) -> None:
    """The article is no part of the title; the direction is."""
    sources = [[6, *random_ids(length - 2, seed=length), 5] for length in LENGTHS]
    batch = Batch(sources, [L2R] * len(LENGTHS), [[]] * len(LENGTHS))
    reread = unilm_reread(their_bert, unilm.prior)
    texts = [check(unilm, reread, batch, ContrastiveSearch(4, alpha)) for alpha in (0.0, 0.6)]
    assert texts[0] != texts[1]


@pytest.mark.parametrize("length", [0, 1, 16, 17])
def test_hidden_states_of_gpt2(tiny_gpt2: Gpt2, their_gpt2: GPT2LMHeadModel, length: int) -> None:
    """Of prompts, right beside a longer one, and of what is written after."""
    rows = [random_ids(length + 6, seed=length), random_ids(max(length - 1, 0) + 6, seed=50)]
    sources = [row[:-6] for row in rows]
    state, read = tiny_gpt2.read(sources)
    found = tiny_gpt2.hidden(state, torch.tensor([row[-6:] for row in rows]))
    logits = tiny_gpt2.head(state, found)
    for number, row in enumerate(rows):
        hidden, expected = gpt2_reread(their_gpt2)(row[:-6], row[-6:])
        assert read[number].shape == (len(sources[number]), 32)
        torch.testing.assert_close(torch.cat([read[number], found[number]]), hidden, **TOLERANCE)
        torch.testing.assert_close(logits[number], expected, **TOLERANCE)


def test_hidden_states_of_unilm(unilm: UniLM, their_bert: BertForMaskedLM) -> None:
    sources = [[6, *random_ids(length - 2, seed=length), 5] for length in LENGTHS]
    targets = [[L2R, *random_ids(5, seed=60 + row)] for row in range(len(LENGTHS))]
    state, read = unilm.read(sources)
    assert [tuple(one.shape) for one in read] == [(0, 32)] * len(LENGTHS)
    found = unilm.hidden(state, torch.tensor(targets))
    logits = unilm.head(state, found)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        hidden, expected = unilm_reread(their_bert, unilm.prior)(source, target)
        torch.testing.assert_close(found[row], hidden, **TOLERANCE)
        torch.testing.assert_close(logits[row], expected, **TOLERANCE)


@pytest.mark.usefixtures("one_thread")
def test_head_of_hidden_is_extend_for_some_rows_of_every_group(tiny_gpt2: Gpt2, unilm: UniLM) -> None:
    for model, first in ((tiny_gpt2, 50), (unilm, L2R)):
        sources = [[6, *random_ids(length - 2, seed=length), 5] for length in LENGTHS]
        shown = [model.start(sources), model.start(sources)]
        for state in shown:
            model.step(state, torch.tensor([first] * len(sources)))
        plain, asked = (state.repeat(3) for state in shown)
        tokens = torch.tensor(random_ids(12, seed=1))[:, None]
        expected = model.extend(plain, tokens)
        hidden = model.hidden(asked, tokens)
        assert torch.equal(model.head(asked, hidden), expected)
        for picks in ([1, 3, 8, 9], [0, 2, 4, 3, 6, 8, 11, 9]):
            torch.testing.assert_close(model.head(asked, hidden[picks]), expected[picks], **TOLERANCE)


@pytest.mark.usefixtures("one_thread")
def test_a_batch_of_the_shipped_models_writes_what_its_rows_write_alone(
    gpt2_model: LoadedModel, title_model: LoadedModel
) -> None:
    for loaded, first in ((gpt2_model, None), (title_model, title_model.tokenizer.specials.l2r)):
        network, specials = loaded.network, loaded.tokenizer.specials
        assert isinstance(network, Gpt2 | UniLM)
        sources = [[6, *random_ids(length, length, 273, 8185), 5] for length in (33, 40, 46)]
        batch = Batch(sources, [first or 300 + n for n in range(3)], [[]] * 3)
        scoring = Scoring(torch.arange(network.vocab_size) > 272)
        stop = Stop(specials.eos, 6)
        search = ContrastiveSearch(4, 0.6)
        together = contrastive_search(network, batch, scoring, search, lambda _, ids, s=stop: s.reason(ids))
        for row, (found,) in enumerate(together):
            ((alone,),) = contrastive_search(
                network, batch.part([row]), scoring, search, lambda _, ids, s=stop: s.reason(ids)
            )
            assert alone.ids == found.ids
            assert alone.score == pytest.approx(found.score, abs=1e-4)
