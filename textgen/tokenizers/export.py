"""The embedded tokenizer in the format of the `tokenizers` library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

from textgen.tokenizers.sentencepiece import SPACE, SPECIAL_PIECES

# far below any sum of real pieces: bytes are a fallback and must not match their own names in a text
NEVER = -1000.0


def build_tokenizer(path: Path, frame: tuple[int, ...]) -> Tokenizer:
    """Build a Unigram tokenizer with byte fallback that gives the ids of a SentencePiece model.

    Args:
        path: The SentencePiece model.
        frame: Ids put around a text: (before,) or (before, behind).
    """
    processor = SentencePieceProcessor(model_file=str(path))
    ids = range(len(processor))
    silent = [i for i in ids if processor.is_control(i) or processor.is_unknown(i)]
    vocabulary = [
        (processor.id_to_piece(i), NEVER if processor.is_byte(i) or i in silent else processor.get_score(i))
        for i in ids
    ]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=processor.unk_id(), byte_fallback=True))
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


def tokenizer_config(positions: int) -> dict[str, Any]:
    """The `tokenizer_config.json` beside it."""
    pieces = SPECIAL_PIECES
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": positions,
        "pad_token": pieces["pad"],
        "unk_token": "<unk>",
        "bos_token": pieces["bos"],
        "eos_token": pieces["eos"],
        "mask_token": pieces["mask"],
        "sep_token": pieces["sep"],
        "cls_token": pieces["cls"],
    }
