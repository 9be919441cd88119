"""The keywords of a row: given with the options, with the row, or with both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from textgen.backends.outcome import Prepared
from textgen.backends.search_rules import nothing_found, unwritable_part
from textgen.choice.automaton import ROOT, AhoCorasick
from textgen.decoding.constraint import constraint_of, unwritable
from textgen.errors import DataError
from textgen.messages import Message
from textgen.options import DecodingOptions
from textgen.schema import Candidate, Row
from textgen.text.keywords import clash, keywords_of, missing
from textgen.text.model_input import Reading
from textgen.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class KeywordRow(Prepared):
    """A row whose texts hold keywords, or come from a list, if that is asked for.

    Attributes:
        reading: What is read of it.
        keywords: What its texts must contain, as the model writes it.
        typed: The same as it was typed.
        listed: The texts to choose from as they were typed, by how the model writes them.
    """

    reading: Reading
    keywords: tuple[str, ...]
    typed: tuple[str, ...]
    listed: Mapping[str, str]

    def given_back(self, text: str) -> str:
        """A text in the characters of the row, or as it is listed."""
        return self.reading.given_back(text, self.typed, self.listed)


def keywords_of_row(
    row: Row,
    options: DecodingOptions,
    tokenizer: Tokenizer,
    allowed: Tensor,
    spelt: Callable[[str], str],
    named: Sequence[str] = (),
) -> tuple[str, ...]:
    """The keywords of the texts of a row, those of the options first.

    Args:
        row: The input.
        options: Validated.
        tokenizer: Spells the keywords.
        allowed: `(vocab,)`, true for the ids of the task.
        spelt: How the model writes a word.
        named: Keywords that were found in the row's text.

    Returns:
        The words as they were typed.

    Raises:
        DataError: They cannot be met: the strategy takes none, or they cannot be written, are also to be
            avoided, or have more tokens than a text may have.
    """
    keywords = tuple(dict.fromkeys([*options.keyword, *keywords_of(row.keywords), *named]))
    if not keywords:
        return ()
    if not options.strategy.constrained or options.one_of:
        other = Message("{@one_of}" if options.one_of else "{@decode} {name}", name=options.strategy_name)
        raise DataError(
            "the row's keywords do not go with {other}", other=other, hint="{@decode} beam takes them"
        )
    written = tuple(map(spelt, keywords))
    if strange := unwritable(written, tokenizer, allowed):
        raise DataError(
            "the keyword {word} cannot be written",
            word=strange[0],
            hint="the model has no token of its own for {rare}",
            rare=unwritable_part(strange[0], tokenizer, allowed),
        )
    if wrong := clash(keywords, options.avoided, spelt):
        raise DataError(wrong, hint="leave out one of them")
    least = _least_tokens(written, options, tokenizer)
    if least >= options.max_new_tokens:
        raise DataError(
            "the keywords have {tokens} and a text at most {most}",
            tokens="1 token" if least == 1 else f"{least} tokens",
            most=options.max_new_tokens - 1,
            hint="raise {@max_new_tokens}",
        )
    return keywords


def _least_tokens(keywords: Sequence[str], options: DecodingOptions, tokenizer: Tokenizer) -> int:
    """The fewest tokens that hold all keywords, laid over each other where they overlap."""
    patterns = constraint_of(keywords, tokenizer, ordered=options.ordered).patterns
    spelt = [(pattern, label) for label, spellings in enumerate(patterns) for pattern in spellings]
    automaton = AhoCorasick(
        [pattern for pattern, _ in spelt], [label for _, label in spelt], ordered=options.ordered
    )
    return automaton.remaining(ROOT, frozenset(range(len(patterns))))


def with_keywords(
    candidates: Sequence[Candidate],
    keywords: Sequence[str],
    options: DecodingOptions,
    *,
    skip: int = 0,
    written: Callable[[str], str] = str,
) -> list[Candidate] | DataError:
    """The candidates that contain all keywords behind their first `skip` characters, or that none does.

    Args:
        candidates: Texts.
        keywords: As they were typed.
        options: With which the texts were looked for.
        skip: So many characters were given.
        written: How a text will be given back, if not as it is.
    """
    ordered = options.ordered
    whole = [one for one in candidates if not missing(written(one.text)[skip:], keywords, ordered=ordered)]
    if whole or not keywords:
        return whole or nothing_found(options)
    template = "no text with {keywords} was found"
    return DataError(template, keywords="、".join(keywords), hint="raise {@beams} or {@max_new_tokens}")
