"""The flags, each spelled once, and the groups in which commands take them.

A flag that is not given is None: then the model's default holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from textgen.errors import DataError, UsageError

P = ParamSpec("P")
Flags = dict[str, Any]  # annotations by the name of the option

DECODING_PANEL = "Decoding"
SAMPLING_PANEL = "Sampling (--decode sample, stochastic; bert: --temperature, --top-k)"
CONTENT_PANEL = "What the text may say"
RUN_PANEL = "Run"
OBSERVE_PANEL = "Watching the chains"
FILES_PANEL = "Files"
BATCH_PANEL = "Runs over files"
FILES = "Files, folders, 'patterns*': one text a line, JSONL, CSV, TSV (also .gz, .xz), Parquet; - is stdin."
FLAGS_ONLY = ("config", "debug")
FILE_KEYS = {
    "as_json": "json",
    "inputs": "input",
}  # what a config file calls parameters, if not by their names


def option(help: str, *names: str, panel: str | None = None, metavar: str | None = None) -> Any:
    """A flag whose default is the model's."""
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


def switch(name: str, help: str, *, panel: str | None = None, short: str | None = None) -> Any:
    """A flag without a value."""
    names = (name, short) if short else (name,)
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)


def decoding(help: str, *names: str, metavar: str | None = None) -> Any:
    """A flag of the search."""
    return option(help, *names, panel=DECODING_PANEL, metavar=metavar)


def content(help: str, *, metavar: str | None = None) -> Any:
    """A flag about what the text says."""
    return option(help, panel=CONTENT_PANEL, metavar=metavar)


def sampling(help: str) -> Any:
    """A flag that needs `--decode sample`."""
    return option(help, panel=SAMPLING_PANEL)


def split_keywords(given: list[str] | None) -> list[str] | None:
    """The keywords of flags, each of which may hold several, as a cell of a table may."""
    from textgen.text.keywords import keywords_of

    try:
        return given and [word for value in given for word in keywords_of(value) or ("",)]
    except DataError as error:
        raise UsageError(f"--keyword: {error.message}", hint=error.hint) from None


STRATEGIES = "greedy|sample|beam|diverse|stochastic|contrastive"
DECODING: Flags = {
    "batch_tokens": Annotated[
        int | None, option("Most tokens computed together [8192]; the same.", panel=RUN_PANEL)
    ],
    "decode": Annotated[str | None, decoding("How to search.", metavar=STRATEGIES)],
    "beams": Annotated[
        int | None, decoding("Hypotheses a beam keeps (default 4, ranked titles 8, or -n if more).")
    ],
    "length_penalty": Annotated[
        float | None, decoding("Exponent of the length that divides a beam's score (default 1.0).")
    ],
    "length_norm": Annotated[
        str | None, decoding("Divide by tokens^a or ((5+tokens)/6)^a (default power).", metavar="power|gnmt")
    ],
    "groups": Annotated[int | None, decoding("Groups of a diverse beam (default one for each hypothesis).")],
    "diversity_penalty": Annotated[
        float | None,
        decoding("What a piece costs for each earlier group that has just chosen it (default 1.0)."),
    ],
    "penalty_alpha": Annotated[
        float | None, decoding("Weight of the likeness penalty of contrastive search (default 0.6).")
    ],
    "max_new_tokens": Annotated[int | None, decoding("Most pieces (default title 46; gpt2 120, --end-at).")],
    "min_new_tokens": Annotated[int | None, decoding("Least pieces to write (default 1).")],
    "repetition_penalty": Annotated[
        float | None, decoding("Above 1, discourages pieces already there (default 1.0).")
    ],
    "presence_penalty": Annotated[
        float | None, decoding("Taken from the logits of pieces already there (default 0).")
    ],
    "frequency_penalty": Annotated[float | None, decoding("The same for each time they are there.")],
    "no_repeat_ngram": Annotated[
        int | None,
        decoding("Forbid a run of so many pieces to occur twice (default off); keywords are exempt."),
    ],
    "temperature": Annotated[
        float | None,
        sampling("Divides the logits (default gpt2 0.9, else 1)."),
    ],
    "top_k": Annotated[
        int | None, sampling("Keep the k most probable pieces (default all; contrastive search 4).")
    ],
    "top_p": Annotated[
        float | None, sampling("Keep the most probable pieces of mass p (default gpt2 0.95).")
    ],
    "min_p": Annotated[
        float | None, sampling("Keep pieces this share as probable as the best (default off).")
    ],
    "typical_p": Annotated[float | None, sampling("Keep the most typical pieces of mass p (default off).")],
    "epsilon_cutoff": Annotated[float | None, sampling("Keep pieces at least this probable (default off).")],
    "eta_cutoff": Annotated[
        float | None, sampling("The same, lowered where much is possible (default off).")
    ],
}
CONTENT: Flags = {
    "keyword": Annotated[
        list[str] | None,
        typer.Option(
            help="Words the text must contain, with commas between them; may be given several times.",
            rich_help_panel=CONTENT_PANEL,
            show_default=False,
            callback=split_keywords,
        ),
    ],
    "ordered": Annotated[
        bool | None, switch("--ordered", "Keywords come in their order.", panel=CONTENT_PANEL)
    ],
    "avoid": Annotated[
        list[str] | None, content("A word the text may not contain; may be given several times.")
    ],
    "one_of": Annotated[str | None, content("The text is one of the lines of this file.", metavar="FILE")],
}
COMMON: Flags = {
    "num_candidates": Annotated[
        int | None, option("How many texts for each input (default 1).", "-n", "--num-candidates")
    ],
    "seed": Annotated[int | None, option("The same seed gives the same texts.", panel=RUN_PANEL)],
    "batch_size": Annotated[
        int | None, option("Most rows computed together [16]; no influence on the texts.", panel=RUN_PANEL)
    ],
}

OBSERVE: Flags = {
    "watch": Annotated[
        bool | None, switch("--watch", "Show the chains while they run.", panel=OBSERVE_PANEL)
    ],
    "trace": Annotated[
        Path | None, option("Write every step to this file.", panel=OBSERVE_PANEL, metavar="FILE.jsonl")
    ],
    "plot": Annotated[
        Path | None,
        option("Draw energy, acceptance, length, autocorrelation.", panel=OBSERVE_PANEL, metavar="FILE.png"),
    ],
}

Model = Annotated[
    str,
    typer.Option("-m", "--model", help="A model's name or directory.", metavar="MODEL", show_default=True),
]
Config = Annotated[
    Path | None, option("Options from a TOML file; flags win over it.", panel=RUN_PANEL, metavar="FILE.toml")
]
Inputs = Annotated[list[str] | None, option(FILES, "-i", "--input", panel=FILES_PANEL, metavar="FILE")]
Output = Annotated[
    str | None,
    option(
        "Write records to this file, or into a folder/; - prints them as they come.",
        "-o",
        "--output",
        panel=FILES_PANEL,
        metavar="OUT.jsonl|csv|parquet|txt",
    ),
]
Force = Annotated[bool, switch("--force", "Overwrite the output.")]
Json = Annotated[bool, switch("--json", "Print one JSON record a line.")]
Quiet = Annotated[bool, switch("--quiet", "No progress, notes or warnings.", short="-q")]
Debug = Annotated[bool, switch("--debug", "Show the traceback of an error.", panel=RUN_PANEL)]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads to compute with (default all cores).", rich_help_panel=RUN_PANEL),
]


def files(help: str, *names: str, metavar: str | None = None) -> Any:
    """A flag about how rows are read."""
    return option(help, *names, panel=FILES_PANEL, metavar=metavar)


def running(help: str, *names: str, metavar: str | None = None) -> Any:
    """A flag about how a run over files goes."""
    return option(help, *names, panel=BATCH_PANEL, metavar=metavar)


FIELD = files("The field of a table with the text (default text).")
KEYWORDS_FIELD = files("The field with a row's keywords (default for compose keywords, else none).")
READING: Flags = {
    "lines": Annotated[
        bool | None,
        typer.Option(
            "--lines/--whole",
            help="A text file holds a text a line, or one text (default for titles).",
            rich_help_panel=FILES_PANEL,
            show_default=False,
        ),
    ],
    "format": Annotated[
        str | None,
        files(
            "What the files hold (default by their endings; stdin: text).",
            metavar="text|lines|jsonl|csv|tsv|parquet",
        ),
    ],
    "id_field": Annotated[str | None, files("The field with the row's id (default id).")],
    "keep_fields": Annotated[
        bool | None,
        switch("--keep-fields", "Carry the other fields of a row to its record.", panel=FILES_PANEL),
    ],
}
BATCH: Flags = {
    "force": Annotated[bool | None, switch("--force", "Overwrite the output.", panel=BATCH_PANEL)],
    "resume": Annotated[
        bool | None, switch("--resume", "Go on where the run was interrupted.", panel=BATCH_PANEL)
    ],
    "retry_errors": Annotated[
        bool | None, switch("--retry-errors", "Redo the error rows of a finished output.", panel=BATCH_PANEL)
    ],
    "csv_safe": Annotated[
        bool | None,
        switch("--csv-safe", "In CSV: ' before texts that look like formulas.", panel=BATCH_PANEL),
    ],
    "strict": Annotated[
        bool | None, switch("--strict", "Stop at the first row that is an error.", panel=BATCH_PANEL)
    ],
    "workers": Annotated[
        int | None,
        running("Processes, of one thread each (default with -o one a core).", "--workers", "--num-workers"),
    ],
    "threads": Annotated[int | None, running("Threads, in one process (default all cores, with -o one).")],
    "shard": Annotated[str | None, running("Only this part of the rows, such as 2/8.", metavar="I/N")],
    "engine": Annotated[str | None, running("This machine, or a cluster (needs ray).", metavar="local|ray")],
    "address": Annotated[str | None, running("The Ray cluster (default: one is started here).")],
    "num_gpus": Annotated[float | None, running("GPUs of a worker of a cluster (default 0).")],
}


def takes(*groups: Flags) -> Callable[[Callable[P, int]], Callable[..., int]]:
    """Give a command the flags of some groups.

    The command has a parameter `given`, a dictionary; it gets the flags that the user set, by name, and
    the options of the `--config` file under them. The command's own parameters, too, come from that file
    where the user left them out.
    """
    flags = {name: annotation for group in groups for name, annotation in group.items()}

    def decorate(command: Callable[P, int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        kept = [parameter for parameter in own if parameter.name != "given"]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in flags.items()
        ]

        @wraps(command)
        def wrapped(*args: Any, **values: Any) -> int:
            set_by_user = {name: values.pop(name, None) for name in flags}
            given = {name: value for name, value in set_by_user.items() if value is not None}
            if values.get("config") is not None:
                given = _from_file(values, kept, command.__name__) | given
            return command(*args, given=given, **values)  # type: ignore[arg-type]

        parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept), *added]
        parameters.sort(key=_of_run)  # --help shows the panels in the order of their first flags
        wrapped.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def _of_run(parameter: inspect.Parameter) -> bool:
    return any(
        getattr(part, "rich_help_panel", None) == RUN_PANEL
        for part in getattr(parameter.annotation, "__metadata__", ())
    )


def _from_file(values: dict[str, Any], parameters: list[inspect.Parameter], command: str) -> Flags:
    """Read the TOML file, put what are the command's own parameters into `values`, and return the rest."""
    from pydantic import TypeAdapter, ValidationError

    from textgen.files.config_file import read_config

    path = values["config"]
    settings = read_config(path, command)
    for parameter in parameters:
        key = FILE_KEYS.get(parameter.name, parameter.name)
        if key not in settings or key in FLAGS_ONLY:
            continue
        given = settings.pop(key)
        if key == "input" and isinstance(given, str):
            given = [given]
        if values.get(parameter.name) == parameter.default:
            try:
                values[parameter.name] = TypeAdapter(parameter.annotation).validate_python(given)
            except ValidationError:
                raise UsageError(f"--config {path}: {key} cannot be {given!r}", hint="see --help") from None
    return settings
