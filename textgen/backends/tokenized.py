"""Texts as a tokenizer that does not keep everything reads them, and the way back to what was typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from textgen.text.diff import Anchor, Change, changes_between
from textgen.text.forms import levelled
from textgen.text.model_input import Reading
from textgen.tokenizers.base import Tokenizer


def tokenized(reading: Reading, tokenizer: Tokenizer) -> Reading:
    """What the tokenizer keeps of what is read.

    Characters that it has no token for stand beside, as emoji do for the embedded models, and stay where they
    are; letters are in the case that it knows. Spaces that its rules put where the text has none are left
    out: it reads the same without them.
    """
    if tokenizer.lossless:
        return replace(reading, lossy=False)
    written = tokenizer.decode(tokenizer.encode(reading.text))
    kept = list(_placed(reading.text, written))
    text, places = "".join(c for c, _ in kept), [reading.places[place] for _, place in kept]
    return replace(reading, text=text, places=places, lossy=True)


def _placed(source: str, written: str) -> Iterator[tuple[str, int]]:
    """Yield the characters of what was written of a source, each with the place there that it comes from."""
    place = 0
    blocks = SequenceMatcher(None, levelled(source), levelled(written), autojunk=False).get_opcodes()
    for kind, first, last, start, end in blocks:
        for n in range(start, end):
            if kind == "equal" or first + n - start < last:
                place = first + n - start
            if kind == "equal" or not written[n].isspace():
                yield written[n], place


def token_places(ids: Iterable[int], tokenizer: Tokenizer, text: str | None = None) -> list[range]:
    """The characters that each token writes; those of a character in parts belong to its last part.

    Args:
        ids: The tokens.
        tokenizer: Of the tokens.
        text: What they were read from, which may lack spaces that rules put; by default what they write.
    """
    detokenizer, pieces = tokenizer.detokenizer(), tokenizer.vocabulary.pieces
    places, at = [], 0
    for i in ids:
        written = detokenizer.push(i)
        gap = max(0, len(written) - len(pieces[i].decode("utf-8", "replace")))
        if text is not None and gap and not text.startswith(written, at):
            written, gap = written[gap:], 0
        places.append(range(at + gap, at + len(written)))
        at += len(written)
    return places


def texts_of(text: str, places: Sequence[range], spans: Iterable[range]) -> list[str]:
    """The parts of a text that spans of its tokens write, by the places of the tokens."""
    return [text[places[span.start].start : places[span.stop - 1].stop] for span in spans]


def with_spans(
    ids: Sequence[int], spans: Sequence[range], texts: Sequence[str], tokenizer: Tokenizer
) -> tuple[str, list[int]]:
    """The text of tokens in which spans of them stand for texts of their own.

    What rules make of a token depends on those before it, such as a space behind a comma: inside a locked
    span nothing may change by that.

    Args:
        ids: The tokens.
        spans: In order.
        texts: What each of the spans stands for.
        tokenizer: Of the tokens.

    Returns:
        The text, and where the text of each span begins in it.
    """
    whole, places = tokenizer.decode(list(ids)), token_places(ids, tokenizer)
    made, starts, at = "", [], 0
    for span, text, written in zip(spans, texts, texts_of(whole, places, spans), strict=True):
        first = places[span.start].start
        # a token that holds its space stood at the beginning of the text, where none is written
        first += written.startswith(" ") and not text.startswith(" ")
        made += whole[at:first]
        starts.append(len(made))
        made += text
        at = places[span.stop - 1].stop
    return made + whole[at:], starts


def edited(
    reading: Reading, text: str, anchors: Sequence[Anchor], tokenizer: Tokenizer
) -> tuple[str, list[Change]]:
    """The source with the edits that make the text of what was read; see `Reading.edited`.

    A space alone that stands in the text and not in what was read is of the tokenizer's rules, if it has
    such, and no edit.
    """
    if tokenizer.vocabulary.respaced:
        for change in reversed(changes_between(reading.text, text, anchors)):
            if change.source_start == change.source_end and text[change.start : change.end].isspace():
                text = text[: change.start] + text[change.end :]
                size = change.end - change.start
                anchors = [
                    replace(one, start=one.start - size) if one.start >= change.end else one
                    for one in anchors
                ]
    return reading.edited(text, anchors)
