"""`textgen eval`: figures of what was generated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgen.cli import flags as opt
from textgen.cli.generate import OK, Printing
from textgen.cli.observers import FilePath
from textgen.cli.render import console
from textgen.commands import LANGUAGE_MODEL, SIMILARITY
from textgen.compute import threads
from textgen.errors import UsageError
from textgen.messages import with_article
from textgen.options import EvalOptions, parse
from textgen.options.evaluation import REFERENCE
from textgen.options.fields import RUN, Count, field
from textgen.plugins import resolved
from textgen.schema import finite

if TYPE_CHECKING:
    from textgen.events import OnEvent
    from textgen.metrics.report import Judge, Report
    from textgen.store.catalog import ModelFiles

MODELS = "Metrics that take a model (slow)"
RECORDS = "Records as title -o and sample -o write them."

Predictions = Annotated[Path, typer.Argument(help=RECORDS, metavar="PRED.jsonl")]


class EvalRun(Printing):
    """The options of an evaluation that belong to the command line."""

    reference: FilePath | None = field(
        None, "What they should be: a table of any format.", REFERENCE, metavar="REF.jsonl"
    )
    against: FilePath | None = field(
        None, "Records of another system to compare with.", metavar="OTHER.jsonl"
    )
    lm: str | None = field(None, "Bits per character under a gpt2 model.", MODELS, metavar="MODEL")
    mlm: str | None = field(None, "Pseudo-perplexity of a token under a bert model.", MODELS, metavar="MODEL")
    threads: Count | None = field(None, "Threads to compute with (default: the cores it may use).", RUN)


def _evaluate(predictions: Predictions, options: dict[str, Any], run: EvalRun) -> int:
    """Take the first candidate of every record.

    With --reference, every record is compared with the row that has the
    same id (see --id-field); a row without an id is identified by its
    number. A row without a prediction counts as an empty text, and so does
    an error record; predictions for unknown rows are an error. Without
    --reference, distinct-n, self-BLEU and repetition are reported, and what
    --lm and --mlm measure.

    Values are percentages, except bits-per-char and pseudo-perplexity.
    Intervals are bootstrapped over the rows. --against compares two systems
    on the rows that both predicted: p is the probability that chance alone
    makes a difference as large, in either direction (paired test by sign
    flips; exact for up to 12 rows).
    """
    from textgen.metrics.report import evaluate as evaluate_all
    from textgen.metrics.tables import check_known, read_predictions, read_references

    chosen = parse(EvalOptions, options, user="eval")
    if run.reference is None and (unfit := [name for name in options if name != "seed"]):
        raise UsageError(f"{{@{unfit[0]}}} needs a reference", hint="give one with --reference REF.jsonl")
    judges = _judges(run)
    ours, references = read_predictions(predictions), None
    if run.reference is not None:
        with console.listening(1, quiet=run.quiet) as on_event:
            references = read_references(run.reference, chosen, on_event=on_event)
    theirs = None if run.against is None else read_predictions(run.against)
    for path, found in ((predictions, ours), (run.against, theirs)):
        if path is not None and found is not None and references is not None:
            check_known(path, found, references)
    rows = ours if references is None else references
    with (
        threads(run.threads) if judges else nullcontext(),
        console.listening(len(rows), quiet=run.quiet, to_file=True) as on_event,
    ):
        report = evaluate_all(
            ours, references, against=theirs, options=chosen, judges=_loaded(judges, on_event)
        )
    for line in _warnings(report):
        console.note(line, quiet=run.quiet)
    if run.as_json:
        console.json_result(json.dumps(finite(report.to_dict()), ensure_ascii=False, allow_nan=False))
    else:
        _print(report)
    return OK


_evaluate.__name__ = "eval"  # the table of its options in a config file
evaluate = opt.takes(opt.flags_of(EvalOptions))(_evaluate)


def _judges(run: EvalRun) -> list[tuple[str, ModelFiles]]:
    """The metrics that take a model, each with its model: found, but not loaded."""
    from textgen.models.views import LanguageModel, MaskedLanguageModel
    from textgen.store.catalog import find_model

    found = []
    for metric, name, view in (
        ("textgen.metrics.fluency:bits_per_char", run.lm, LanguageModel),
        ("textgen.metrics.fluency:pseudo_perplexity", run.mlm, MaskedLanguageModel),
    ):
        if name is None:
            continue
        files = find_model(name)
        if not files.family.offers(view):
            hint = f"--lm takes a model such as {LANGUAGE_MODEL}, --mlm one such as {SIMILARITY}"
            raise UsageError("{name} is {kind} model", name=name, kind=with_article(files.kind), hint=hint)
        found.append((metric, files))
    return found


def _loaded(judges: Sequence[tuple[str, ModelFiles]], on_event: OnEvent) -> list[Judge]:
    if not judges:  # then torch is not needed
        return []
    from textgen.store.load import load_model

    return [partial(resolved(metric), load_model(files), on_event=on_event) for metric, files in judges]


def _warnings(report: Report) -> Iterator[str]:
    if report.missing:
        has = "has no prediction; it counts as an empty text"
        have = has if report.missing == 1 else "have no prediction; they count as empty texts"
        yield f"warning: {report.missing:,} of {report.rows:,} rows of the reference {have}"
    if report.errors == 1:
        yield "warning: 1 prediction is an error; it counts as an empty text"
    elif report.errors:
        yield f"warning: {report.errors:,} predictions are errors; they count as empty texts"
    if report.compared is not None and report.compared < report.rows:
        yield f"warning: compared on {report.compared:,} of {report.rows:,} rows, those that both have"


def _print(report: Report) -> None:
    """Columns that are as plain in a pipe as on a terminal."""
    found = report.to_dict()
    compared = found.pop("against", {})
    intervals = found.pop("ci")
    for name in [name for name in found if name not in report.metrics]:
        console.result(f"{name:18} {found[name]}")
    header = f"\n{'metric':18} {'value':>8}   {'95 % interval':>18}"
    console.result(header + (f"   {'difference':>10}   {'95 % interval':>18} {'p':>8}" if compared else ""))
    for name in report.metrics:
        interval = _span(*intervals[name]) if name in intervals else ""
        line = f"{name:18} {found[name]:8.2f}   {interval:>18}"
        if name in compared:
            other = compared[name]
            span = _span(other["low"], other["high"])
            line += f"   {other['difference']:+10.2f}   {span:>18} {other['p']:8.4f}"
        console.result(line.rstrip())


def _span(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]"
