"""The embedded tokenizer in the format of the `tokenizers` library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

from textgen.tokenizers.sentencepiece import SPACE, SPECIAL_PIECES

# far below any sum of real tokens: bytes are a fallback and must not match their own names in a text
NEVER = -1000.0
NEWLINE = "\n"  # a token that is given, not learnt


def build_tokenizer(path: Path, frame: tuple[int, ...]) -> Tokenizer:
    """Build a tokenizer with byte fallback that gives the ids of a SentencePiece model, Unigram or BPE.

    Args:
        path: The SentencePiece model.
        frame: Ids put around a text: (before,) or (before, behind).
    """
    processor = SentencePieceProcessor(model_proto=path.read_bytes())
    silent = [i for i in range(len(processor)) if processor.is_control(i) or processor.is_unknown(i)]
    learnt = [i for i in range(len(processor)) if i not in silent and not processor.is_byte(i)]
    tokenizer = Tokenizer(
        _bpe(processor, learnt) if _is_bpe(processor, learnt) else _unigram(processor, learnt)
    )
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([AddedToken(processor.id_to_piece(i), special=True) for i in silent])
    pieces = [processor.id_to_piece(i) for i in frame]
    template = " ".join([pieces[0], "$A", *pieces[1:]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=list(zip(pieces, frame, strict=True))
    )
    return tokenizer


def _is_bpe(processor: SentencePieceProcessor, learnt: list[int]) -> bool:
    """Whether the scores are places in an order, which a BPE model's are, not log-probabilities."""
    scores = [processor.get_score(i) for i in learnt if processor.id_to_piece(i) != NEWLINE]
    return scores == [-float(place) for place in range(len(scores))]


def _unigram(processor: SentencePieceProcessor, learnt: list[int]) -> models.Model:
    known = set(learnt)
    vocabulary = [
        (processor.id_to_piece(i), processor.get_score(i) if i in known else NEVER)
        for i in range(len(processor))
    ]
    return models.Unigram(vocabulary, unk_id=processor.unk_id(), byte_fallback=True)


def _bpe(processor: SentencePieceProcessor, learnt: list[int]) -> models.Model:
    """Pieces come about by merging any two that they are made of, in the order of their ids."""
    vocabulary = {processor.id_to_piece(i): i for i in range(len(processor))}
    names = {processor.id_to_piece(i): i for i in learnt}
    merges = [
        (piece[:at], piece[at:])
        for piece in names
        for at in range(1, len(piece))
        if piece[:at] in names and piece[at:] in names
    ]
    unknown = processor.id_to_piece(processor.unk_id())
    return models.BPE(vocabulary, merges, unk_token=unknown, byte_fallback=True)


def tokenizer_config(positions: int) -> dict[str, Any]:
    """The `tokenizer_config.json` beside it."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": positions,
        "unk_token": "<unk>",
        **{f"{name}_token": SPECIAL_PIECES[name] for name in ("pad", "bos", "eos", "mask", "sep", "cls")},
    }
