"""A tokenizer: SentencePiece with a token for every Chinese character, or of kind unigram or bpe.

It is a folder with a `tokenizer.model`, which the recipes of networks take for fresh weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from textgen.errors import UsageError
from textgen.events import OnEvent, Progress, ignore
from textgen.files.atomic import writing
from textgen.files.rows import FileRows
from textgen.options import parse
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.store.catalog import TOKENIZER_FILES
from textgen.store.checkpoint import CONFIG
from textgen.tokenizers import training
from textgen.train.data.corpus import EVERY, checked_rows


def train_tokenizer(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    force: bool = False,
    on_event: OnEvent = ignore,
    **options: Any,
) -> training.TrainedTokenizer:
    """Train a tokenizer.

    Args:
        inputs: Files of texts, as everywhere.
        output: The tokenizer's folder; made if absent.
        force: Replace the tokenizer that is there.
        on_event: Told how many rows are read, and if many characters have no token.
        **options: Of `TokenizerTrainOptions`.

    Returns:
        What was trained; its `path` is the file in `output`.

    Raises:
        UsageError: An option is wrong, or the folder holds something else.
        DataError: A row has no text; the message has its line.
        TextgenError: The folder cannot be written.
    """
    chosen = parse(TokenizerTrainOptions, options, user="train tokenizer")
    training.check_room(chosen)
    files = FileRows([str(name) for name in inputs], chosen.reading)
    path = Path(output) / TOKENIZER_FILES[0]
    _check(path, force=force)
    rows = checked_rows(files, ["text"], chosen.named_fields)
    return training.train_tokenizer(_counted((row.text for _, row in rows), on_event), path, chosen, on_event)


def _check(path: Path, *, force: bool) -> None:
    """Make the folder; refuse one with something else in it, and to break a model."""
    folder = path.parent
    if folder.exists() and not folder.is_dir():
        raise UsageError("{path} is a file", path=folder, hint="give a folder for the tokenizer")
    if (folder / CONFIG).is_file():
        template = "{path} holds a model, which needs its own tokenizer"
        raise UsageError(template, path=folder, hint="give another folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        hint = "{@force} replaces it" if path.is_file() else "{@force} writes into it"
        raise UsageError("{path} is not empty", path=folder, hint=hint)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _counted(texts: Iterable[str], on_event: OnEvent) -> Iterator[str]:
    count = 0
    for count, text in enumerate(texts, 1):
        yield text
        if count % EVERY == 0:
            on_event(Progress(count, None))
    on_event(Progress(count, None))
