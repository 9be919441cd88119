"""The output of a run: its files, and checks before anything is written."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

from textgen.errors import UsageError
from textgen.files.atomic import real_path
from textgen.files.formats.base import STDIN, Format
from textgen.files.formats.jsonl import JSONL
from textgen.files.formats.registry import output_formats
from textgen.files.lock import being_written, held
from textgen.files.sources import DRAFT, LOCK, MANIFEST, PART, RECORDS, ROWS
from textgen.messages import Message, option
from textgen.options.batch import RunOptions

STREAMS = (STDIN, "/dev/stdout")
SHARD = re.compile(r"part-\d{5}-of-\d{5}\.jsonl")

OUTPUT = option("output")
OTHER_NAME = "give another name; {@force} overwrites it"
Start = Literal["new", "resume", "finished", "retry"]


class _Beside:
    """The path of the output with a suffix behind its name."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix

    def __get__(self, output: Output, kind: type[Output]) -> Path:
        return output.path.with_name(output.path.name + self._suffix)


@dataclass(frozen=True)
class Output:
    """The files of a run.

    While it runs there are the journal and the manifest of what runs; a finished run has its output and the
    manifest of what was run.

    Attributes:
        path: What the user asked for; it is there once the run has finished.
        in_folder: The user asked for its folder, which is made if it is not there.
        part: The journal: the records so far, one a line.
        part_digests: The digests of the rows that the records in the journal are of.
        running: The manifest of a run that has not finished.
        manifest: The manifest of the finished output.
        digests: The digests of the rows of a finished run that has errors, with which a retry compares rows.
        draft: The output in another format than the records', before it is whole.
        lock: Held by the process that runs.
    """

    path: Path
    in_folder: bool = False
    part, part_digests, running = _Beside(PART), _Beside(PART + ROWS), _Beside(PART + MANIFEST)
    manifest, digests = _Beside(MANIFEST), _Beside(ROWS)
    draft, lock = _Beside(DRAFT), _Beside(LOCK)
    _records = _Beside(RECORDS)

    @property
    def format(self) -> Format:
        """The format that the ending tells."""
        return output_formats()[self.path.suffix.lower()]

    @property
    def records(self) -> Path:
        """The finished records: the output itself, or what stays beside one that cannot hold the errors."""
        return self.path if self.format.is_journal else self._records

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that a run writes."""
        begun = (self.part, self.part_digests, self.running, self.draft, self.lock)
        return tuple(dict.fromkeys((self.path, *begun, self.manifest, self.records, self.digests)))

    @property
    def whole(self) -> Path:
        """The file that becomes the output: the journal, or the draft in another format."""
        return self.part if self.format.is_journal else self.draft

    def owns(self, path: Path) -> bool:
        """Whether a file is one of these, or of another shard's in the same folder."""
        if real_path(path.parent) != real_path(self.path.parent):
            return False
        of_shard = self.in_folder and SHARD.match(path.name) is not None
        return of_shard or path.name in {file.name for file in self.files}


def output_of(name: str, shard: tuple[int, int] = (1, 1)) -> Output | None:
    """The output that a name stands for; None is a stream: stdout, a device, or a pipe.

    A folder gets a file with the shard's number, so that the shards of a run may go into one folder.

    Raises:
        UsageError: It is no name for an output.
    """
    if not name:
        raise UsageError("{@output}: the name is empty", hint="is a variable not set?")
    path = Path(name)
    try:
        mode = path.stat().st_mode if name not in STREAMS and path.exists() else None
        path = real_path(path) if path.is_symlink() else path  # what it points to is written
        if path.is_symlink():  # still: its links lead in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    except (OSError, ValueError) as error:
        raise _unwritable(Path(name), str(getattr(error, "strerror", None) or error)) from None
    if name in STREAMS or (mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)):
        return None
    if name.endswith("/") or (mode is not None and stat.S_ISDIR(mode)):
        return Output(path / f"part-{shard[0]:05}-of-{shard[1]:05}{JSONL.endings[0]}", in_folder=True)
    formats = output_formats()
    if (format := formats.get(path.suffix.lower())) is None:
        hint = "give a name that ends in {endings}, or a folder with / behind it"
        message, endings = "{@output} {name}: its format is told by its ending", list(formats)
        raise UsageError(message, name=name[:80], endings=endings, hint=hint)
    format.check_installed(name)
    return Output(path)


def check_output(output: Output, inputs: Iterable[Path], run: RunOptions) -> Start:
    """Refuse an output that cannot be written or would destroy something; return how to begin.

    Args:
        output: Where the results are to go.
        inputs: Files that are read.
        run: Says whether to go on, to begin anew, or to redo errors.

    Raises:
        UsageError: It is one of the inputs, exists without leave, is unfinished, cannot be written, or
            there is nothing to go on from.
    """
    for path in inputs:
        if any(same_file(path, file) for file in output.files):
            hint = "write to another file"
            raise UsageError("{@output} {path} is also an input", path=output.path, hint=hint)
    if run.csv_safe and output.format.write_inert is None:
        message = "{@csv_safe} is for CSV, and {@output} {path} is none"
        raise UsageError(message, path=output.path, hint="leave it out")
    folder = output.path.parent
    if output.in_folder and (others := _other_shards(output)):
        message, hint = (
            "{folder} has {part}, a part of another number",
            "give another folder, or take them away",
        )
        raise UsageError(message, folder=folder, part=others[0], hint=hint)
    if held(output.lock):
        raise being_written(output.path)
    if output.in_folder and not folder.exists():
        above = next(parent for parent in folder.parents if parent.exists())
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise _unwritable(folder, Message("no folder can be made in {folder}", folder=above))
    else:
        for file in (output.path, output.part, output.running, output.manifest):
            check_writable(OUTPUT, file)
    return start_of(output, run)


def _other_shards(output: Output) -> list[str]:
    """The parts in the folder that are of another number of shards."""
    if not output.path.parent.is_dir():
        return []
    own = output.path.name.partition("-of-")[2]
    names = sorted(path.name for path in output.path.parent.iterdir())
    return [name for name in names if SHARD.fullmatch(name) and name.partition("-of-")[2] != own]


def start_of(output: Output, run: RunOptions) -> Start:
    """The way to start a run, by the files that exist.

    Raises:
        UsageError: The output exists without leave, or is unfinished, or there is nothing to go on from.
    """
    begun, finished = output.running.exists(), output.path.exists()
    if run.force:
        return "new"
    if begun and not (run.resume and not run.retry_errors):
        hint = "{@resume} goes on, {@force} begins anew"
        if run.retry_errors:
            hint = "{@resume} finishes it first"
        raise UsageError("{@output} {path}: an earlier run was interrupted", path=output.path, hint=hint)
    if begun:
        return "resume"
    if not finished and run.retry_errors:
        message = "{@retry_errors}: there is no finished {path}"
        raise UsageError(message, path=output.path, hint="check the path")
    if finished and not (run.resume or run.retry_errors):
        hint = "{@force} overwrites it" if output.manifest.exists() else OTHER_NAME
        raise UsageError("{@output} {path} exists", path=output.path, hint=hint)
    if not finished:
        return "new"
    if not output.manifest.exists():
        message = "{@output} {path} exists, and is no output of a run: there is no {manifest}"
        raise UsageError(message, path=output.path, manifest=output.manifest.name, hint=OTHER_NAME)
    return "retry" if run.retry_errors else "finished"


def check_writable(name: str, path: Path) -> bool:
    """Whether there is such a file already; leaves everything as it was.

    Args:
        name: What messages call the option that gives the path.
        path: The file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        exists = path.exists()
        with path.open("a") if exists else TemporaryFile(dir=path.parent):  # which has no name
            pass
    except OSError as error:
        raise _unwritable(path, str(error.strerror), name) from None
    return exists


def same_file(path: Path, other: Path) -> bool:
    """Whether two names are of one file, which need not be there yet."""
    try:
        return path.samefile(other)
    except OSError:  # one of them is yet to be written
        return real_path(path) == real_path(other)


def _unwritable(path: Path, reason: str, name: str = OUTPUT) -> UsageError:
    hint = "give another path" if path.parent.exists() else "make the folder first, or give another path"
    values = {"name": name, "path": str(path)[:80], "reason": reason}
    return UsageError("{name} {path} cannot be written: {reason}", hint=hint, **values)
