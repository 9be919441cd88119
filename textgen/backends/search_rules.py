"""From options to the decoding layer: filters, rules of stopping, plans of searches."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache, partial
from typing import Any, cast

import torch
from torch import Tensor

from textgen.backends.outcome import Found, Outcome
from textgen.choice import filters
from textgen.choice.allowed import continuation_ids, punctuation_ids
from textgen.choice.avoid import Avoid
from textgen.choice.filters import Filter
from textgen.choice.lengths import Within, token_lengths
from textgen.choice.scoring import Scoring
from textgen.choice.trie import OneOf, Trie
from textgen.decoding.constraint import constraint_of
from textgen.decoding.loop import StopRule
from textgen.decoding.plan import Plan
from textgen.decoding.rank import score_kind
from textgen.decoding.stop import Stop
from textgen.errors import DataError, UsageError
from textgen.messages import Message, option
from textgen.models.views import TwoWayModel
from textgen.options import DecodingOptions
from textgen.schema import Candidate
from textgen.text.traditional import has_traditional, simplified
from textgen.tokenizers.base import ABSENT, Tokenizer, Vocabulary, present

BANS = ("avoid", "avoid_file", "no_repeat_ngram", "min_new_tokens")
KEPT = 4  # sets of avoided words whose masks are remembered

_punctuation = lru_cache(KEPT)(punctuation_ids)
_continuations = lru_cache(KEPT)(continuation_ids)


def scoring_for(
    options: DecodingOptions,
    tokenizer: Tokenizer,
    allowed: Tensor,
    *,
    given: int,
    task: Sequence[Filter] = (),
    keywords: Sequence[str] = (),
    reverse: bool = False,
    length: tuple[int, int] | None = None,
) -> Scoring:
    """The filters that the options ask for.

    Args:
        options: Validated.
        tokenizer: Its end symbol and padding are exempt from penalties, its bytes from n-grams.
        allowed: `(vocab,)`, ids of the task.
        given: How many ids the histories start with; the first token after them may not be the end.
        task: Filters that belong to the task.
        keywords: What the texts must contain; free to repeat runs of tokens.
        reverse: The texts are written from their end.
        length: Fewest and most characters of a text.
    """
    return Scoring(
        allowed,
        task,
        _penalties(options, tokenizer),
        _bans(options, tokenizer, len(allowed), given, keywords, reverse, length),
        _draw_filters(options),
    )


def stop_for(options: DecodingOptions, tokenizer: Tokenizer) -> Stop:
    """The rule by which a text that is written token by token ends."""
    vocabulary = tokenizer.vocabulary
    return Stop(
        tokenizer.specials.eos,
        options.max_new_tokens,
        exempt=_punctuation(vocabulary),
        inside=_continuations(vocabulary),
        looping=not options.one_of,
    )


def plan_for(
    options: DecodingOptions,
    tokenizer: Tokenizer,
    stop: StopRule,
    keywords: Sequence[Sequence[str]],
    *,
    copies: int,
    first_candidate: int,
    reverse: bool = False,
) -> Plan:
    """The plan of a search.

    Args:
        options: Validated.
        tokenizer: Spells the keywords.
        stop: See `Plan`, as the next two.
        keywords: What the texts of each source must contain.
        copies: Texts of a source.
        first_candidate: The number of the first.
        reverse: The texts are written from their end.
    """
    constraints = [
        constraint_of(words, tokenizer, reverse=reverse, ordered=options.ordered) for words in keywords
    ]
    eos, pad = tokenizer.specials.eos, tokenizer.specials.pad
    return Plan(options, eos, pad, stop, copies, first_candidate, constraints if any(keywords) else ())


def beam_score_kind(options: DecodingOptions, *, judged: bool = False) -> str:
    """The name of the scores of a search; `judged` texts were scored again without the filters."""
    if "length_penalty" not in options.strategy.options:
        return score_kind(1.0)
    penalized = options.penalized and not judged
    return score_kind(options.length_penalty, gnmt=options.length_norm == "gnmt", penalized=penalized)


def _penalties(options: DecodingOptions, tokenizer: Tokenizer) -> list[Filter]:
    exempt = frozenset(present(tokenizer.specials.eos, tokenizer.specials.pad))
    found: list[Filter] = []
    if options.repetition_penalty != 1:
        found.append(partial(filters.repetition_penalty, penalty=options.repetition_penalty, exempt=exempt))
    presence, frequency = options.presence_penalty, options.frequency_penalty
    if presence or frequency:
        found.append(
            partial(filters.presence_frequency, presence=presence, frequency=frequency, exempt=exempt)
        )
    return found


def _bans(
    options: DecodingOptions,
    tokenizer: Tokenizer,
    vocab_size: int,
    given: int,
    keywords: Sequence[str],
    reverse: bool,
    length: tuple[int, int] | None,
) -> list[Filter]:
    specials, vocabulary, device = tokenizer.specials, tokenizer.vocabulary, torch.get_default_device()
    found: list[Filter] = []
    if ngram := options.no_repeat_ngram:
        # a character without a token shares bytes with others; and a row must never run out of tokens
        exempt = {*present(specials.eos, specials.pad), *vocabulary.byte_ids, *_punctuation(vocabulary)}
        spared = [_in_writing_order(tokenizer, keyword, reverse) for keyword in keywords]
        found.append(partial(filters.no_repeat_ngram, n=ngram, exempt=exempt, spared=spared))
    if options.avoided:
        words = _as_written(options.avoided, tokenizer)
        found.append(_avoid(vocabulary, words, vocab_size, reverse, device))
    if options.one_of:
        found.append(OneOf(_trie(options.one_of, cast(Hashable, tokenizer), reverse), given))
    if length:
        found.append(Within(_lengths(vocabulary, vocab_size, device), *length, specials.eos, given))
    if specials.eos != ABSENT:
        least = given + max(1, options.min_new_tokens)
        found.append(partial(filters.least_length, length=least, eos=specials.eos))
    return found


@lru_cache(KEPT)
def _lengths(vocabulary: Vocabulary, vocab_size: int, device: torch.device) -> Tensor:
    """The lengths on torch's default device, which is `device`."""
    return token_lengths(vocabulary, vocab_size)


@lru_cache(KEPT)
def _avoid(
    vocabulary: Vocabulary, words: tuple[str, ...], vocab_size: int, reverse: bool, device: torch.device
) -> Avoid:
    """The filter on torch's default device, which is `device`."""
    return Avoid(vocabulary, words, vocab_size, reverse=reverse)


def _as_written(words: Sequence[str], tokenizer: Tokenizer) -> tuple[str, ...]:
    """Words, and the forms in which a text may hold them before it is given back."""
    # titles of traditional texts are written in simplified characters first
    forms = dict.fromkeys([*words, *(simplified(word) for word in words if has_traditional(word))])
    if not tokenizer.lossless:
        # such as lower case; what is left of a word that loses a part is another word
        kept = [word for word in forms if not tokenizer.lost(word)]
        forms |= dict.fromkeys(filter(None, (tokenizer.decode(tokenizer.encode(word)) for word in kept)))
    return tuple(forms)


def nothing_found(options: DecodingOptions) -> DataError:
    """The error of a row without a text, where its keywords are not the reason."""
    bans = [option(name) for name in BANS if getattr(options, name)]
    if not bans:
        return DataError("no text was found", hint="{@decode} beam looks at several")
    return DataError("the filters leave nothing to write", hint="loosen {bans}", bans=bans)


def drawn_outcome(candidates: list[Candidate], options: DecodingOptions) -> Outcome:
    """The outcome of a row whose texts were written one by one, those that got stuck left out."""
    if not candidates:
        return nothing_found(options)
    if len(candidates) == options.num_candidates:
        return candidates
    template = "{count} of {wanted} texts: the filters left the others nothing to write"
    return Found(candidates, (Message(template, count=len(candidates), wanted=options.num_candidates),))


def check_view(options: DecodingOptions, network: Any, name: str) -> None:
    """Refuse a strategy that sees more of a model than there is to see. Raises UsageError.

    Args:
        options: With the strategy.
        network: The network.
        name: What the model is called.
    """
    view = options.strategy.view
    if view == "two-way" and not isinstance(network, TwoWayModel):
        hint = "{@decode} agree writes in each, and ranks by both"
        raise UsageError("{name} cannot write in both directions at once", name=name, hint=hint)
    if view == "hidden" and not getattr(network, "shows_hidden", True):
        template = "{@decode} {strategy} compares hidden states, and those of {name} are not known"
        hint = "{@decode} beam or sample"
        raise UsageError(template, strategy=options.strategy_name, name=name, hint=hint)


def check_listed(options: DecodingOptions, tokenizer: Tokenizer, allowed: Tensor) -> None:
    """Refuse texts to choose from that cannot be written. Raises UsageError."""
    for text in options.one_of:
        ids = tokenizer.encode(text)
        if tokenizer.lost(text) or not bool(allowed[ids].all()):
            raise UsageError(
                "{@one_of}: {text} cannot be written",
                text=repr(text),
                hint="the model has no token of its own for {rare}",
                rare=unwritable_part(text, tokenizer, allowed),
            )
        if len(ids) >= options.max_new_tokens:
            raise UsageError(
                "{@one_of}: {text} has {count} tokens",
                text=repr(text),
                count=len(ids),
                hint="raise {@max_new_tokens} above that",
            )


def unwritable_part(text: str, tokenizer: Tokenizer, allowed: Tensor) -> str:
    """The first character of a text that cannot be written; the text where each can alone."""
    if lost := tokenizer.lost(text):
        return lost[0]
    return next((c for c in text if not bool(allowed[tokenizer.encode(c)].all())), text)


@lru_cache(KEPT)
def _trie(texts: tuple[str, ...], tokenizer: Any, reverse: bool) -> Trie:
    sequences = (_in_writing_order(tokenizer, text, reverse) for text in texts)
    return Trie.of(sequences, tokenizer.specials.eos)


def _in_writing_order(tokenizer: Tokenizer, text: str, reverse: bool) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text)[:: -1 if reverse else 1])


def _draw_filters(options: DecodingOptions) -> list[Filter]:
    """Sampling filters in their fixed order; what would change nothing is left out."""
    wanted: list[tuple[bool, Filter]] = [
        (options.temperature != 1, lambda ids, scores: filters.temperature(scores, options.temperature)),
        (options.top_k > 0, lambda ids, scores: filters.top_k(scores, options.top_k)),
        (options.top_p < 1, lambda ids, scores: filters.top_p(scores, options.top_p)),
        (options.min_p > 0, lambda ids, scores: filters.min_p(scores, options.min_p)),
        (options.typical_p < 1, lambda ids, scores: filters.typical(scores, options.typical_p)),
        (options.epsilon_cutoff > 0, lambda ids, scores: filters.epsilon(scores, options.epsilon_cutoff)),
        (options.eta_cutoff > 0, lambda ids, scores: filters.eta(scores, options.eta_cutoff)),
    ]
    return [apply for is_wanted, apply in wanted if is_wanted]
