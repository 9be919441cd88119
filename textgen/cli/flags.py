"""Flags made of the fields of options models, and those that belong to the command line alone.

A flag that is not given is left out of the options: then the model's default holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec, get_args, get_origin

import typer

from textgen.cli.spelling import FILE_KEYS, FLAGS, flag, naming_keys
from textgen.errors import DataError, UsageError
from textgen.files.formats.registry import formats
from textgen.messages import Message
from textgen.options.fields import FILES, RUN, shown

P = ParamSpec("P")
Flags = dict[str, Any]  # annotations by the name of the option

INPUTS = "Files, folders or 'patterns*' of texts or tables, also packed (.gz, .xz); - is stdin."
JSON = "Print JSON, an object a line."
QUIET = "No progress, notes or warnings."
# what separates the parts of a value that has several
JOINTS = {"MIN-MAX": "-", "FIRST:LAST": ":", "I/N": "/"}


def option(help: str, *names: str, panel: str | None = None, metavar: str | None = None) -> Any:
    """A flag whose default is told by its help."""
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


Model = Annotated[
    str,
    typer.Option("-m", "--model", help="Name or directory of the model.", metavar="MODEL", show_default=True),
]
Config = Annotated[
    Path | None,
    option(
        "Read options from a TOML file; the command line takes precedence.",
        panel=RUN,
        metavar="FILE.toml",
    ),
]
Inputs = Annotated[list[str] | None, option(INPUTS, *FLAGS["inputs"], panel=FILES, metavar="FILE")]
Force = Annotated[bool, option("Overwrite the output.", "--force")]
Json = Annotated[bool, option(JSON, *FLAGS["as_json"])]
Quiet = Annotated[bool, option(QUIET, *FLAGS["quiet"])]
Debug = Annotated[bool, option("Show the traceback of an error.", "--debug", panel=RUN)]


def flags_of(*models: Any, **labelled: Any) -> Flags:
    """The flags of options models: the fields of a class come before those of its bases.

    Args:
        *models: Classes of `pydantic.BaseModel` without a field in common.
        **labelled: Others, by what tells them apart: where fields of one name differ, the help says what
            each of these takes.
    """
    found: dict[str, list[tuple[str, Any, Any]]] = {}
    for label, model in [*(("", model) for model in models), *labelled.items()]:
        own_first = [name for kind in model.__mro__ for name in inspect.get_annotations(kind)]
        for name in dict.fromkeys(name for name in own_first if name in model.model_fields):
            found.setdefault(name, []).append((label, model, model.model_fields[name]))
    return {name: _flag(name, takers) for name, takers in found.items()}


def without(flags: Flags, *names: str) -> Flags:
    """The flags but for some."""
    return {name: annotation for name, annotation in flags.items() if name not in names}


def _flag(name: str, takers: list[tuple[str, Any, Any]]) -> Any:
    _, model, info = takers[0]
    kind = _plain(info.annotation)
    names = FLAGS.get(name, (flag(name),))
    if kind is bool and info.default is not False and name not in FLAGS:
        names = (f"{flag(name)}/{flag('no_' + name)}",)
    return Annotated[
        _value(kind, info) | None,
        typer.Option(
            *names,
            help=_help(takers),
            rich_help_panel=shown(info, "panel"),
            metavar=shown(info, "metavar") or "|".join(_choices(model, name, kind)) or None,
            show_default=False,
            callback=SPLIT.get(name),
        ),
    ]


def _plain(annotation: Any) -> Any:
    """The type of a field that may also be None, without what pydantic is told of it."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    parts = [part for part in get_args(annotation) if part is not type(None)]
    one = len(parts) == 1 and len(parts) < len(get_args(annotation))
    return _plain(parts[0]) if one and get_origin(annotation) is not Literal else annotation


def _value(kind: Any, info: Any) -> Any:
    """The type of a flag's value; what the command line cannot check it hands on as text."""
    if kind in (bool, int, float):
        return kind
    several = get_origin(kind) is dict or (get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis)
    return list[str] if several and not shown(info, "metavar") else str


def _choices(model: Any, name: str, kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if name == "format":
        return tuple(formats())
    return tuple(getattr(model, "choices", lambda name: ())(name))


def _help(takers: list[tuple[str, Any, Any]]) -> str:
    """The description and the default; of models that differ, what each of them says."""
    texts = {label: help_of(info) for label, _, info in takers}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return " ".join(f"{label}: {text}" for label, text in texts.items())


def help_of(info: Any) -> str:
    """The description of a field with its default, where that is a value and not yet in it."""
    description = Message(info.description).spelled(flag)
    default = info.default
    if default is None or default is False or default in ((), {}, (1, 1)) or "(default" in description:
        return description
    return f"{description.removesuffix('.')} (default {_spelled(default, info)})."


def _spelled(default: Any, info: Any) -> str:
    if default is True:
        return "yes"
    if isinstance(default, tuple):
        numbers = [f"{part:g}" for part in default if not isinstance(part, str)]
        return JOINTS.get(shown(info, "metavar"), "-").join(numbers)
    return str(default)


def split_keywords(given: list[str] | None) -> list[str] | None:
    """The words of flags, each of which may hold several, as a cell of a table may."""
    return _split("{@keyword}", given)


def _split_choices(given: list[str] | None) -> list[str] | None:
    return _split("{@choices}", given)


def _split(option: str, given: list[str] | None) -> list[str] | None:
    from textgen.text.keywords import keywords_of

    try:
        return given and [word for value in given for word in keywords_of(value) or ("",)]
    except DataError as error:
        raise UsageError(f"{option}: {{reason}}", reason=error.message, hint=error.hint) from None


SPLIT = {"keyword": split_keywords, "choices": _split_choices}


def takes(*groups: Flags) -> Callable[[Callable[P, int]], Callable[..., int]]:
    """Give a command the flags of some groups.

    The command has a parameter `options`, a dictionary; it gets the flags that the user set, by name, and
    the options of the `--config` file under them. The command's own parameters, too, come from that file
    where the user left them out. A parameter whose type is a model of options stands for the flags of its
    fields. `--config` and `--debug` are flags of all commands.
    """
    flags = {name: annotation for group in groups for name, annotation in group.items()}
    of_all = [_keyword("config", Config, None), _keyword("debug", Debug, False)]

    def decorate(command: Callable[P, int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        models = {p.name: p.annotation for p in own if hasattr(p.annotation, "model_fields")}
        kept = [parameter for parameter in own if parameter.name not in ("options", *models)]
        taken = flags_of(*models.values()) | flags
        added = [_keyword(name, annotation, None) for name, annotation in taken.items()]

        @wraps(command)
        def wrapped(*args: Any, config: Path | None = None, debug: bool = False, **values: Any) -> int:
            set_by_user = {name: values.pop(name, None) for name in taken}
            options = {name: value for name, value in set_by_user.items() if value is not None}
            settings = {} if config is None else read_settings(config, command.__name__)
            keys = {*settings} - {*options}
            for name, kind, default in ((p.name, p.annotation, p.default) for p in kept):
                if config is None or name not in settings:
                    continue
                _check_for_files(name, default, config)
                given = validated(settings.pop(name), kind, config, name)
                values[name] = given if values[name] == default else values[name]
            with naming_keys(config, keys):
                options = settings | options
                values |= {name: take(options, model) for name, model in models.items()}
                return command(*args, options=options, **values)  # type: ignore[arg-type]

        own_first = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept]
        # help shows the panels in the order of their first flags; that of a run comes last
        parameters = sorted([*own_first, *of_all, *added], key=_of_run)
        wrapped.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def take(options: dict[str, Any], model: Any) -> Any:
    """Take the options of a model out of all. Raises UsageError if one of them cannot be."""
    from textgen.options import parse

    return parse(model, {name: options.pop(name) for name in model.model_fields if name in options})


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _of_run(parameter: inspect.Parameter) -> bool:
    return any(
        getattr(part, "rich_help_panel", None) == RUN
        for part in getattr(parameter.annotation, "__metadata__", ())
    )


def read_settings(path: Path, command: str) -> Flags:
    """The options that a TOML file has for a command. Raises UsageError if files have none of that name."""
    from textgen.files.config_file import read_config

    settings = read_config(path, command)
    for name, key in FILE_KEYS.items():
        if name in settings:
            wrong = "{@config} {path}: no option {name}"
            raise UsageError(wrong, path=path, name=name, hint="files call it {key}", key=key)
        if key in settings:
            settings[name] = settings.pop(key)
    return settings


def _check_for_files(name: str, default: Any, path: Path) -> None:
    """Refuse in a config file what only the command line can give. Raises UsageError."""
    if name == "inputs":
        hint = "give it on the command line; `textgen batch` runs a file with command, input, output"
        raise UsageError("{@config} {path} has an input", path=path, hint=hint)
    if default is inspect.Parameter.empty and name != "output":  # that of a file is overridden
        message, hint = "{@config} {path} has {key}", "give it on the command line"
        raise UsageError(message, path=path, key=FILE_KEYS.get(name, name), hint=hint)


def validated(given: Any, annotation: Any, path: Path, name: str) -> Any:
    """A value of a config file as a parameter takes it. Raises UsageError if it is of another type."""
    from pydantic import TypeAdapter, ValidationError

    if name == "inputs" and isinstance(given, str):
        given = [given]
    try:
        return TypeAdapter(annotation).validate_python(given)
    except ValidationError:
        key = FILE_KEYS.get(name, name)
        wrong = "{@config} {path}: {key} cannot be {given}"
        raise UsageError(wrong, path=path, key=key, given=repr(given), hint="see {@help}") from None
