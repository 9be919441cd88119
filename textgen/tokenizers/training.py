"""Training a tokenizer: a SentencePiece model with the special pieces that textgen's models need.

SentencePiece reads counted units, not the texts themselves. For kind `char` these are single characters and
Latin words, so that no piece can hold two Chinese characters; for `unigram` and `bpe` they are sentences.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from textgen.errors import DataError, TextgenError, UsageError
from textgen.messages import option
from textgen.tokenizers.corpus_sample import Sentences, Words, choose_alphabet, is_latin
from textgen.tokenizers.sentencepiece import SPECIAL_PIECES

Kind = Literal["char", "unigram", "bpe"]

VOCAB_SIZE = 8185  # as the shipped tokenizer
NEWLINE = "\n"
FREQUENT = 10
CONTROLS = [piece for name, piece in SPECIAL_PIECES.items() if name not in ("pad", "bos", "eos")]
UNUSED = [f"<unused{number}>" for number in range(7)]
# pad, unknown, begin, end; controls; the line break; bytes
FIXED = 4 + len(CONTROLS) + len(UNUSED) + 1 + 256


@dataclass(frozen=True)
class TokenizerPlan:
    """What to train.

    Attributes:
        kind: `char`: one piece per character, and sub-words of Latin words. `unigram`, `bpe`: SentencePiece
            models whose pieces may be Chinese words; at most half of what is learnt are single characters.
        vocab_size: How many pieces at most, 8185 if not given. A text too small for that gives fewer.
        latin_pieces: How many Latin sub-words of two letters or more, at most. For `char` only.
        min_count: Characters that occur less often have no piece and are written as bytes.
        max_sentences: How many sentences (of 256 characters at most) `unigram` and `bpe` learn from; of more
            than that so many are drawn. They are held in memory.
        seed: Of that draw.

    Raises:
        UsageError: A number is too small, or the kind unknown.
    """

    kind: Kind = "char"
    vocab_size: int | None = None
    latin_pieces: int = 1200
    min_count: int = 1
    max_sentences: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UsageError(f"no kind of tokenizer: {self.kind}", hint=f"one of {', '.join(get_args(Kind))}")
        for name, least in (("latin_pieces", 0), ("min_count", 1), ("max_sentences", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    "{option} is {value}",
                    option=option(name),
                    value=getattr(self, name),
                    hint=f"give at least {least}",
                )
        if self.alphabet_size < 2:  # the space, and something else
            raise UsageError(f"{{@vocab_size}} {self.size} leaves no room for characters", hint=self._room())

    @property
    def size(self) -> int:
        """How many pieces at most."""
        return VOCAB_SIZE if self.vocab_size is None else self.vocab_size

    @property
    def alphabet_size(self) -> int:
        """How many characters may have a piece of their own."""
        learnt = self.size - FIXED
        return learnt - self.latin_pieces if self.kind == "char" else learnt // 2

    def _room(self) -> str:
        if self.kind == "char":
            return f"give at least {FIXED + self.latin_pieces + 2}, or fewer {{@latin_pieces}}"
        return f"give at least {FIXED + 4}"


@dataclass(frozen=True)
class TrainedTokenizer:
    """What was trained.

    Attributes:
        path: The model file.
        pieces: How many there are in all; the vocabulary size of a model that uses it.
        alphabet: How many characters have a piece.
        texts: How many were read.
        characters: How many the texts have together.
        covered: The share of them that has a piece; the others are written as bytes.
    """

    path: Path
    pieces: int
    alphabet: int
    texts: int
    characters: int
    covered: float


def train_tokenizer(texts: Iterable[str], path: Path, plan: TokenizerPlan | None = None) -> TrainedTokenizer:
    """Train a tokenizer that loses nothing: `decode(encode(text)) == text` for any text.

    The same texts and plan give the same file, byte for byte. The texts are read once, as a stream, and
    are used as they are: clean them first if the models shall see clean text.

    Args:
        texts: Any number of documents, of any length.
        path: Where the SentencePiece model goes; what is there is replaced when the new one is whole.
        plan: What to train; by default one like the shipped tokenizer.

    Raises:
        UsageError: The path is a folder, or in a folder that is not there; nothing was read.
        DataError: The texts hold nothing to learn from.
        TextgenError: The file cannot be written.
    """
    plan = plan or TokenizerPlan()
    _check_place(path)
    material = Words() if plan.kind == "char" else Sentences(plan.max_sentences, plan.seed)
    characters: Counter[str] = Counter()
    read = 0
    for text in texts:
        read += 1
        characters.update(text)
        material.add(text)
    alphabet = _alphabet(characters, plan)
    units = [*_single(alphabet, characters, plan), *material.units(alphabet)]
    size = FIXED + len(alphabet) + plan.latin_pieces if plan.kind == "char" else plan.size
    model = _train(units, plan.kind, size)
    _save(model, path)
    return TrainedTokenizer(
        path,
        pieces=len(SentencePieceProcessor(model_proto=model)),
        alphabet=len(alphabet),
        texts=read,
        characters=characters.total(),
        covered=sum(characters[known] for known in (*alphabet, NEWLINE)) / characters.total(),
    )


def _alphabet(characters: Counter[str], plan: TokenizerPlan) -> list[str]:
    if not "".join(characters).strip():
        raise DataError("no text to train a tokenizer on", hint="the input is empty or blank")
    alphabet = choose_alphabet(characters, plan.alphabet_size, plan.min_count)
    if alphabet == [" "]:
        raise DataError(
            f"no visible character occurs {plan.min_count} times",
            hint="give more text, or a smaller {@min_count}",
        )
    return alphabet


def _single(alphabet: list[str], characters: Counter[str], plan: TokenizerPlan) -> Iterator[tuple[str, int]]:
    """Every character once at least, so that it gets its piece whatever the words or sentences hold.

    What the words or sentences hold is counted there.
    """
    for character in alphabet:
        alone = plan.kind == "char" and not is_latin(character)
        yield character, max(characters[character], 1) if alone else 1


def _train(units: list[tuple[str, int]], kind: Kind, size: int) -> bytes:
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
    piece as a whole if it were part of no other. For all words this was worse than for frequent ones.
    """
    for text, count in units:
        if len(text) > 1 and count >= FREQUENT:
            yield f"{text}{NEWLINE}{text}\t{count // 2}"
            count %= 2
        if count:
            yield f"{text}\t{count}"


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="give the name of a file")
    if not path.parent.is_dir():
        raise UsageError(f"no folder {path.parent}", hint="make it first")


def _save(model: bytes, path: Path) -> None:
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_bytes(model)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TextgenError(
            f"cannot write {path}: {error.strerror or error}", hint="give another place"
        ) from None
