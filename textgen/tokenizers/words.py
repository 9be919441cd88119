"""Word level over a vocabulary of BERT's form: WoBERT, T5-PEGASUS, and RoFormer of words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tokenizers import NormalizedString, PreTokenizedString
from tokenizers.pre_tokenizers import BertPreTokenizer, PreTokenizer

from textgen.text.words import listed_words
from textgen.tokenizers.wordpiece import WordPieceTokenizer

# what BERT takes for Chinese and reads character by character
_PARTS = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b81f\U0002b920-\U0002ceaf"
    "\U0002f800-\U0002fa1f]|[^\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]+|."
)


class WordTokenizer(WordPieceTokenizer):
    """Reads the words that jieba finds by its dictionary, none guessed, where the vocabulary has them.

    So these models were trained: a word that jieba knows and the vocabulary does not is read as BERT would
    read it, character by character, even where a shorter word of it is in the vocabulary. All else is as
    in `WordPieceTokenizer`, what is written and what is lost, too.
    """

    _by_character = False

    def _splitter(self) -> PreTokenizer:
        return PreTokenizer.custom(_Words(frozenset(self._whole())))

    def _whole(self) -> Iterator[str]:
        """The tokens that are words by themselves."""
        return (token for token, i in self._ids.items() if self.vocabulary.pieces[i] == token.encode())


class _Words:
    """The part of the library's tokenizer that splits texts."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._others = BertPreTokenizer()

    def pre_tokenize(self, text: PreTokenizedString) -> None:
        """Split into known words, and the parts of others."""
        text.split(self._split)

    def _split(self, _: int, text: NormalizedString) -> list[NormalizedString]:
        spans = []
        at = 0
        for word in listed_words(str(text)):
            parts = [(0, len(word))] if word in self._known else self._parts(word)
            spans += [(at + first, at + last) for first, last in parts]
            at += len(word)
        found = [text[first:last] for first, last in spans]
        return [part for part in found if part is not None]

    def _parts(self, word: str) -> list[tuple[int, int]]:
        return [
            (part.start() + first, part.start() + last)
            for part in _PARTS.finditer(word)
            for _, (first, last) in self._others.pre_tokenize_str(part.group())
        ]
