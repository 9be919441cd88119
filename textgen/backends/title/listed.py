"""Titles that are lines of a list: a short list is scored whole, without a search."""

from __future__ import annotations

from textgen.backends.title.search import Title, TitleSearch
from textgen.models.shared_prefix import SharedPrefix
from textgen.options.title import LISTED, TitleOptions
from textgen.tokenizers.base import Tokenizer


def scored_whole(options: TitleOptions) -> bool:
    """Whether every listed text is scored; else a search finds those that are to be ranked."""
    return options.ranking == "pmi" and options.decode is None and 0 < len(options.one_of) <= LISTED


def listed_titles(
    search: TitleSearch, model: SharedPrefix, source: list[int], tokenizer: Tokenizer
) -> list[Title]:
    """All texts of the list as titles of what was read, each with its log-probability.

    Args:
        search: Scores titles; its options have the list.
        model: The network, which has read the source.
        source: The article's ids with `<cls>` and `<sep>`.
        tokenizer: Spells the texts.
    """
    direction = search.options.directions[0]
    titles = []
    for text in dict.fromkeys(search.options.one_of):
        pieces = tuple(tokenizer.encode(text))
        titles.append(Title(text, pieces, (direction,), len(pieces) + 1, "stop", 0.0, {}, direction))
    return search.logprobs(model, source, titles, [direction])
