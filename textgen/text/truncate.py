"""The part of a long article that a model reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textgen.text.segment import sentences

Encode = Callable[[str], list[int]]

HEAD_SHARE = 0.75  # of the room, for `head-tail`


@dataclass(frozen=True)
class Truncated:
    """An article cut to size.

    Attributes:
        views: The id lists to feed in, each within the limit: one, or one a chunk.
        judge: The view on which candidates of several views are compared.
        tokens: How many ids the whole article has.
        used: How many of them are in any view.
    """

    views: list[list[int]]
    judge: list[int]
    tokens: int
    used: int


def truncate(text: str, encode: Encode, limit: int, how: str) -> Truncated:
    """Cut an article to at most `limit` ids.

    Args:
        text: The article.
        encode: Text to ids.
        limit: Most ids of a view.
        how: `head`: the first ids. `head-tail`: the first three quarters of the room from the head, the
            rest from the tail. `lead`: the first sentence of each paragraph, then as many of the other
            sentences, from the start, as fit, in the order of the article. `chunk`: everything, in chunks
            cut at ends of sentences; compared on the head-tail view.
    """
    ids = encode(text)
    if len(ids) <= limit:
        return Truncated([ids], ids, len(ids), len(ids))
    if how == "chunk":
        views = _chunks(text, encode, limit)
        return Truncated(views, _head_tail(ids, limit), len(ids), len(ids))
    view = ids[:limit] if how == "head" else _head_tail(ids, limit)
    if how == "lead":
        view = _lead(text, encode, limit)
    return Truncated([view], view, len(ids), len(view))


def _head_tail(ids: list[int], limit: int) -> list[int]:
    head = int(limit * HEAD_SHARE)
    return ids[:head] + ids[len(ids) - (limit - head) :]


def _lead(text: str, encode: Encode, limit: int) -> list[int]:
    parts = sentences(text)
    sizes = [len(encode(part)) for part in parts]
    begins = [n == 0 or parts[n - 1].endswith("\n") for n in range(len(parts))]
    chosen: set[int] = set()
    room = limit
    for wanted in (True, False):
        for n, size in enumerate(sizes):
            if begins[n] is wanted and n not in chosen and size <= room:
                chosen.add(n)
                room -= size
    # a single sentence longer than the limit leaves nothing chosen; its head is still the best view
    kept = "".join(parts[n] for n in sorted(chosen)) or text
    return encode(kept)[:limit]


def _chunks(text: str, encode: Encode, limit: int) -> list[list[int]]:
    chunks: list[list[int]] = [[]]
    for part in sentences(text):
        ids = encode(part)
        if len(chunks[-1]) + len(ids) > limit and chunks[-1]:
            chunks.append([])
        for start in range(0, len(ids), limit):
            if start:
                chunks.append([])
            chunks[-1] += ids[start : start + limit]
    return chunks
