"""Training a tokenizer: a SentencePiece model with the special tokens that textgen's models need.

SentencePiece reads counted units, not the texts themselves. For kind `char` these are single characters and
Latin words, so that no token can hold two Chinese characters; for `unigram` and `bpe` they are sentences.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from textgen.errors import DataError, UsageError
from textgen.events import Note, OnEvent, ignore
from textgen.files.atomic import write_whole
from textgen.messages import Message
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.tokenizers.corpus_sample import Sentences, Words, choose_alphabet, is_latin
from textgen.tokenizers.sentencepiece import SPECIAL_PIECES

NEWLINE = "\n"
COVERED = 0.99  # less of the characters is worth a warning
FREQUENT = 10
CONTROLS = [piece for name, piece in SPECIAL_PIECES.items() if name not in ("pad", "bos", "eos")]
UNUSED = [f"<unused{number}>" for number in range(7)]
# pad, unknown, begin, end; controls; the line break; bytes
FIXED = 4 + len(CONTROLS) + len(UNUSED) + 1 + 256
DEFAULTS = TokenizerTrainOptions()


@dataclass(frozen=True)
class TrainedTokenizer:
    """A trained tokenizer, and the figures of its training.

    Attributes:
        path: The model file.
        pieces: How many there are in all; the vocabulary size of a model that uses it.
        alphabet: How many characters have a token.
        texts: How many were read.
        characters: How many the texts have together.
        covered: The share of them that has a token; the others are written as bytes.
    """

    path: Path
    pieces: int
    alphabet: int
    texts: int
    characters: int
    covered: float


def train_tokenizer(
    texts: Iterable[str],
    path: Path,
    plan: TokenizerTrainOptions = DEFAULTS,
    on_event: OnEvent = ignore,
) -> TrainedTokenizer:
    """Train a tokenizer that loses nothing: `decode(encode(text)) == text` for any text.

    The same texts and plan give the same file, byte for byte. The texts are read once, as a stream, and
    are used as they are: clean them first if the models shall see clean text.

    Args:
        texts: Any number of documents, of any length.
        path: Where the SentencePiece model goes; what is there is replaced when the new one is whole.
        plan: What to train; by default one like the shipped tokenizer.
        on_event: Told if many characters have no token.

    Raises:
        UsageError: The vocabulary is too small for any text, or the path is a folder, or in a folder that is
            not there, and nothing was read; or it is too small for these texts.
        DataError: The texts hold nothing to learn from.
        TextgenError: The file cannot be written.
    """
    check_room(plan)
    _check_place(path)
    sample = Words() if plan.kind == "char" else Sentences(plan.max_sentences, plan.seed)
    characters: Counter[str] = Counter()
    read = 0
    for text in texts:
        read += 1
        characters.update(text)
        sample.add(text)
    latin = min(plan.latin_pieces, sample.long_words) if isinstance(sample, Words) else 0
    alphabet = _alphabet(characters, plan, latin)
    units = [*_single(alphabet, characters, plan), *sample.units(alphabet)]
    size = plan.vocab_size
    if plan.kind == "char":  # no more than are asked for
        size = min(size, FIXED + len(alphabet) + plan.latin_pieces)
    model = _train(units, plan.kind, size)
    write_whole(path, model)
    covered = sum(characters[known] for known in (*alphabet, NEWLINE)) / characters.total()
    if covered < COVERED:
        on_event(_uncovered(covered, characters, plan, latin))
    return TrainedTokenizer(
        path,
        pieces=len(SentencePieceProcessor(model_proto=model)),
        alphabet=len(alphabet),
        texts=read,
        characters=characters.total(),
        covered=covered,
    )


def check_room(plan: TokenizerTrainOptions) -> None:
    """Raises UsageError where the vocabulary has no room for the space and another character."""
    if _alphabet_size(plan, 0) < 2:
        message = "{@vocab_size} {size} leaves no room for characters"
        hint = "give {least}, and {each} more for every character of the texts but two"
        least, each = _vocab_size(plan, 0, 2), 1 if plan.kind == "char" else 2
        raise UsageError(message, size=plan.vocab_size, least=least, each=each, hint=hint)


def _alphabet_size(plan: TokenizerTrainOptions, latin: int) -> int:
    """The number of characters that may have a token of their own, beside so many Latin sub-words."""
    learnt = plan.vocab_size - FIXED
    return learnt - latin if plan.kind == "char" else learnt // 2


def _vocab_size(plan: TokenizerTrainOptions, latin: int, characters: int) -> int:
    """The least vocabulary in which so many characters have a token of their own."""
    return FIXED + (latin + characters if plan.kind == "char" else 2 * characters)


def _sufficient(characters: Counter[str], plan: TokenizerTrainOptions, latin: int) -> int | None:
    """The least vocabulary that covers the texts; None if none does, as too many characters are left out."""
    ranked = choose_alphabet(characters, len(characters) + 1, plan.min_count)
    others = (characters[one] for one in ranked if one != " ")
    shares = accumulate(others, initial=characters[NEWLINE] + characters[" "])  # which have one anyway
    counts = (n for n, share in enumerate(shares, 1) if share >= COVERED * characters.total())
    return next((_vocab_size(plan, latin, max(n, 2)) for n in counts), None)


def _uncovered(share: float, characters: Counter[str], plan: TokenizerTrainOptions, latin: int) -> Note:
    """The warning that a share of the characters is too small, with what to do about it."""
    remedy = (
        "a smaller {@min_count} covers more" if plan.min_count > 1 else "clean the texts of invisible ones"
    )
    if enough := _sufficient(characters, plan, latin):
        remedy = "{@vocab_size} {enough} covers 99 %"
    message = "warning: {share} % of the characters have a token, and the others are bytes: {remedy}"
    return Note(message, share=f"{100 * share:.4g}", remedy=Message(remedy, enough=enough))


def _alphabet(characters: Counter[str], plan: TokenizerTrainOptions, latin: int) -> list[str]:
    if not "".join(characters).strip():
        raise DataError("no text to train a tokenizer on", hint="the input is empty or blank")
    if (size := _alphabet_size(plan, latin)) < 2:
        raise UsageError(
            "{@vocab_size} {size} leaves no room for characters beside {latin} Latin sub-words",
            size=plan.vocab_size,
            latin=latin,
            hint="give {enough}, or fewer {@latin_pieces}",
            enough=_sufficient(characters, plan, latin) or _vocab_size(plan, latin, 2),
        )
    alphabet = choose_alphabet(characters, size, plan.min_count)
    if alphabet == [" "]:
        message, hint = (
            "no visible character occurs {count} times",
            "give more text, or a smaller {@min_count}",
        )
        raise DataError(message, count=plan.min_count, hint=hint)
    return alphabet


def _single(
    alphabet: list[str], characters: Counter[str], plan: TokenizerTrainOptions
) -> Iterator[tuple[str, int]]:
    """Every character once at least, so that it gets its token whatever the words or sentences hold.

    What the words or sentences hold is counted there.
    """
    for character in alphabet:
        alone = plan.kind == "char" and not is_latin(character)
        yield character, max(characters[character], 1) if alone else 1


def _train(units: list[tuple[str, int]], kind: str, size: int) -> bytes:
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=_lines(units),
        input_format="tsv",
        model_writer=model,
        model_type="bpe" if kind == "bpe" else "unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        pad_piece=SPECIAL_PIECES["pad"],
        control_symbols=[*CONTROLS, *UNUSED],
        user_defined_symbols=[NEWLINE],
        byte_fallback=True,
        character_coverage=1.0,  # of the alphabet, which is chosen already
        split_digits=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        num_threads=4,  # sums are split by it: another number would be another model
        minloglevel=2,
    )
    return model.getvalue()


def _lines(units: list[tuple[str, int]]) -> Iterator[str]:
    """The units as SentencePiece reads them, frequent ones with the line break as a wall between two copies.

    It takes for a candidate only what it sees twice, whatever the count: a frequent word would never be a
    token as a whole if it were part of no other. For all words this was worse than for frequent ones.
    """
    for text, count in units:
        if len(text) > 1 and count >= FREQUENT:
            yield f"{text}{NEWLINE}{text}\t{count // 2}"
            count %= 2
        if count:
            yield f"{text}\t{count}"


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError("{path} is a folder", path=path, hint="give the name of a file")
    if not path.parent.is_dir():
        raise UsageError("no folder {folder}", folder=path.parent, hint="make it first")
