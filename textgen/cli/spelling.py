"""The spelling of options on the command line, and in the files that it reads."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from textgen.errors import TextgenError
from textgen.messages import Message

# where it is not made of the name; messages use the first
FLAGS = {
    "num_candidates": ("-n", "--num-candidates"),
    "workers": ("--workers", "--num-workers"),
    "lines": ("--lines/--whole",),
    "input": ("-i", "--input"),
    "inputs": ("-i", "--input"),
    "output": ("-o", "--output"),
    "as_json": ("--json",),
    "quiet": ("--quiet", "-q"),
    "text_field": ("--text-field", "--field"),
}
FILE_KEYS = {"as_json": "json", "inputs": "input"}  # names of options in files, where they are others


def flag(name: str) -> str:
    """The flag of an option: `--top-p` of `top_p`."""
    return FLAGS[name][0].partition("/")[0] if name in FLAGS else "--" + name.replace("_", "-")


@contextmanager
def naming_keys(
    path: Path | None, keys: Container[str], flags: Container[str] | None = None
) -> Iterator[None]:
    """Let the errors that leave the block name a file's options by their keys.

    Args:
        path: The file, which an error about one of its options names, too.
        keys: The options that the file has. An error about one of them names the others, too, by their keys.
        flags: The options that have a flag, if not all of them.
    """
    try:
        yield
    except TextgenError as error:
        of_file = _concerned(error.message) in keys

        def spell(name: str) -> str:
            lacks_flag = name in keys or (flags is not None and name not in flags)
            is_key = name != "help" and (of_file or lacks_flag)
            return FILE_KEYS.get(name, name) if is_key else flag(name)

        text = error.message.spelled(spell)
        named = of_file and path is not None
        error.message = Message("{path}: {text}" if named else "{text}", path=path, text=text)
        error.hint = error.hint and Message("{text}", text=error.hint.spelled(spell))
        raise


def _concerned(message: Message) -> str:
    """The option that a message is about; if there is none, the message."""
    inner = message.values.get("option", message.values.get("reason"))
    return _concerned(inner) if isinstance(inner, Message) else str(message)
