"""The command line: one function of the library a command.

Nothing heavy is imported here, so that `--help` is there at once.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from textgen import __version__
from textgen.cli.commands import Commands
from textgen.cli.render import console
from textgen.compute import WAITING
from textgen.errors import TextgenError
from textgen.plugins import PluginWarning

INTERRUPTED = 130
BROKEN_PIPE = 141
NUMBERS = {  # pydantic's words for programmers, and a user's
    "Input should be a valid integer, unable to parse string as an integer": "should be a whole number",
    "Input should be a valid number, unable to parse string as a number": "should be a number",
}
NO_FLAG = re.compile(r"-(?![-A-Za-z])|-.*[^\x00-\x7f]")  # that of no option

app = typer.Typer(
    name="textgen",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.result(f"textgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Write Chinese text offline: titles, continuations, samples, sentences around words, rewrites."""


def main() -> NoReturn:
    """The `textgen` command."""
    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: to look through all of torch for garbage would take a third of a second
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors become one line on stderr."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # a console in GBK would end the run at the first character it lacks
        if hasattr(stream, "reconfigure"):
            encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
            # an encoding that the user chose is the one that the stream has
            stream.reconfigure(encoding=stream.encoding if encoding else "utf-8", errors=errors or "replace")
    try:
        with warnings.catch_warnings():
            _show_plugin_warnings(quiet=bool({"-q", "--quiet"} & {*args}))
            return _called(args)
    except BrokenPipeError:
        # whoever read our output has gone; keep the interpreter from flushing into the void
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (TextgenError, typer.TyperException) as error:
        if "--debug" in args:
            console.trace()
        line = error.line if isinstance(error, TextgenError) else _of_typer(error, args)
        if line != " (see --help)":  # the help has been shown already
            console.report(line)
        return error.exit_code
    except OSError as error:
        return _failed(f"{error.strerror or error} (is the disk full, or a path gone?)", args)
    except Exception as error:
        name = type(error).__name__
        return _failed(f"{name}: {error} (a fault of textgen; --debug shows where)", args)


def _of_typer(error: typer.TyperException, args: Sequence[str]) -> str:
    """The line of a mistake in flags; what cannot be one, such as -5度, is meant for a text."""
    if type(error).__name__ == "NoSuchOption":  # which typer does not export
        wrong = str(getattr(error, "option_name", ""))
        text = next((arg for arg in args if arg.startswith(wrong) and NO_FLAG.match(arg)), None)
        if text is not None:
            return f"{text} is no option (a text that begins with - goes behind --, as in -- {text})"
    line = error.format_message()
    for theirs, ours in NUMBERS.items():
        line = line.replace(theirs, ours)
    return f"{line} (see --help)"


def _failed(line: str, args: Sequence[str]) -> int:
    if "--debug" in args:
        console.trace()
    console.report(" ".join(line.split()))
    return 1


def _called(args: Sequence[str]) -> int:
    code = typer.main.get_command(app).main(list(args), prog_name="textgen", standalone_mode=False)
    if code == INTERRUPTED:  # typer's answer to Ctrl-C
        console.note("interrupted")
    return code if isinstance(code, int) else 0


def _show_plugin_warnings(*, quiet: bool) -> None:
    """Show warnings about plug-ins as lines like our own; all others are shown as Python does."""
    show = warnings.showwarning

    def shown(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, PluginWarning):
            console.note(f"warning: {message}", quiet=quiet)
        else:
            show(message, category, *place, **more)

    warnings.simplefilter("always", PluginWarning)
    warnings.showwarning = shown


def _open_closed_streams() -> None:
    """A stream that the caller closed swallows what is written to it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
