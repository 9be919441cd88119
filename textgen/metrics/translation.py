"""BLEU and chrF from sufficient statistics, and the BLEU of texts against each other.

The words of Chinese text are sacrebleu's (`zh`): every ideograph is one, other scripts as in mteval-v13a.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from textgen.metrics.overlap import ngrams
from textgen.metrics.statistics import PERCENT, Counts, Statistics, mean
from textgen.text.length import counted

BLEU_ORDER = 4
CHRF_ORDER = 6
CHRF_BETA = 2  # recall counts so many times as much as precision
SELF_BLEU_CHARACTERS = 500_000  # texts of more than that in all are sampled

Grams = Counter[tuple[str, ...]]
Rivals = dict[tuple[str, ...], tuple[int, int, int]]  # most, the text that has it, most of the others


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
    """Corpus BLEU as sacrebleu gives it for Chinese.

    Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation"; Post 2018,
    https://arxiv.org/abs/1804.08771. Signature: nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp.
    """
    from sacrebleu.metrics.bleu import BLEU

    # the order has no influence on the counts, but asks for no warning
    metric = BLEU(tokenize="zh", effective_order=True)
    counts: list[Counts] = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        found = metric.sentence_score(hypothesis, [reference])
        counts.append((found.sys_len, found.ref_len, *found.counts, *found.totals))
    return Statistics("bleu", counts, _bleu)


def _bleu(sums: Sequence[float]) -> float | None:
    from sacrebleu.metrics.bleu import BLEU

    length, wanted, *rest = map(round, sums)
    if not wanted:
        return None
    correct, total = rest[:BLEU_ORDER], rest[BLEU_ORDER:]
    return BLEU.compute_bleu(correct, total, length, wanted, smooth_method="exp").score


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
    """Corpus chrF2 as sacrebleu gives it: F of character n-grams up to six, white space left out.

    Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation". Signature:
    nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no.
    """
    pairs = zip(hypotheses, references, strict=True)
    return Statistics("chrf", [_character_counts(*pair) for pair in pairs], _chrf)


def _character_counts(hypothesis: str, reference: str) -> Counts:
    """Of every order: n-grams of the hypothesis, of the reference, of both."""
    counts: list[int] = []
    left, right = counted(hypothesis), counted(reference)
    for size in range(1, CHRF_ORDER + 1):
        ours, theirs = ngrams(left, size), ngrams(right, size)
        # where a reference has none of an order, sacrebleu does not hold the hypothesis' against it
        counts += ours.total() if theirs else 0, theirs.total(), (ours & theirs).total()
    return tuple(counts)


def _chrf(sums: Sequence[float]) -> float | None:
    if not sums[1]:
        return None
    orders = [sums[at : at + 3] for at in range(0, len(sums), 3)]
    used = [(common / ours, common / theirs) for ours, theirs, common in orders if ours and theirs]
    if not used:
        return 0.0
    precision = sum(ours for ours, _ in used) / len(used)
    recall = sum(theirs for _, theirs in used) / len(used)
    if not precision + recall:
        return 0.0
    factor: int = CHRF_BETA**2
    return PERCENT * (1 + factor) * precision * recall / (factor * precision + recall)


def self_bleu(texts: Sequence[str]) -> Statistics:
    """Mean sentence BLEU of every text with all others as its references: high where texts are alike.

    Zhu et al. 2018, "Texygen: A Benchmarking Platform for Text Generation Models",
    https://arxiv.org/abs/1802.01886; the sentence BLEU is sacrebleu's (smoothing exp, effective order).
    A text without words has no part in it. Of texts that have more than `SELF_BLEU_CHARACTERS`
    characters in all, some are taken at equal distances, and only those count.
    """
    from sacrebleu.metrics.bleu import BLEU

    tokenize = BLEU(tokenize="zh").tokenizer
    tokens = {row: tokenize(texts[row]).split() for row in sampled_rows(texts)}
    tokens = {row: words for row, words in tokens.items() if words}
    scores: list[float | None] = [None] * len(texts)
    if len(tokens) > 1:
        rivals = _rivals(tokens)
        lengths = Counter(map(len, tokens.values()))
        for row, words in tokens.items():
            scores[row] = _against_others(row, words, rivals, lengths)
    return mean("self-bleu", scores)


def sampled_rows(texts: Sequence[str], most: int = SELF_BLEU_CHARACTERS) -> list[int]:
    """The texts whose self-BLEU is taken: all that are not blank, or some at equal distances."""
    rows = [row for row, text in enumerate(texts) if text.strip()]
    total = sum(len(texts[row]) for row in rows)
    if total <= most:
        return rows
    wanted = max(2, len(rows) * most // total)
    return [rows[number * len(rows) // wanted] for number in range(min(wanted, len(rows)))]


def _all_grams(words: Sequence[str]) -> Grams:
    found: Grams = Counter()
    for size in range(1, BLEU_ORDER + 1):
        found.update(ngrams(words, size))
    return found


def _rivals(tokens: dict[int, list[str]]) -> Rivals:
    """Of every n-gram the two highest counts in a text: what the others have at most, for every text."""
    rivals: Rivals = {}
    for row, words in tokens.items():
        for gram, count in _all_grams(words).items():
            most, owner, second = rivals.get(gram, (0, -1, 0))
            if count > most:
                rivals[gram] = count, row, most
            elif count > second:
                rivals[gram] = most, owner, count
    return rivals


def _against_others(row: int, words: list[str], rivals: Rivals, lengths: Counter[int]) -> float:
    """Sentence BLEU of one text against all others, from 0 to 1."""
    from sacrebleu.metrics.bleu import BLEU

    correct, total = [0] * BLEU_ORDER, [0] * BLEU_ORDER
    for gram, count in _all_grams(words).items():
        most, owner, second = rivals[gram]
        total[len(gram) - 1] += count
        correct[len(gram) - 1] += min(count, second if owner == row else most)
    wanted = _closest(len(words), lengths)
    found = BLEU.compute_bleu(correct, total, len(words), wanted, smooth_method="exp", effective_order=True)
    return found.score / PERCENT


def _closest(length: int, lengths: Counter[int]) -> int:
    """The other text's length that is nearest, the shorter of two."""
    if lengths[length] > 1:
        return length
    known = sorted(lengths)
    at = bisect_left(known, length)
    beside = known[max(0, at - 1) : at] + known[at + 1 : at + 2]
    return min(beside, key=lambda other: (abs(other - length), other))
