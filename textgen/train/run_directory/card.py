"""The card of a trained model, which `textgen models info` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from textgen.files.atomic import real_path, write_whole
from textgen.options.train import RANDOM, TrainOptions
from textgen.store.catalog import CARD, find_model

quoted = partial(json.dumps, ensure_ascii=False)  # as TOML writes texts, numbers and booleans
SHOWN = 10  # names of sources
ELSEWHERE = {"start", "tokenizer"}  # options that have a place of their own


def write_card(
    directory: Path,
    settings: Mapping[str, Any],
    options: TrainOptions,
    outcome: Mapping[str, Any],
    corpus: Mapping[str, Any],
) -> None:
    """Write a run's card.

    Args:
        directory: Of the run.
        settings: What `run.json` holds.
        options: Of the recipe.
        outcome: `step`, `steps`, `finished` and `figures`.
        corpus: `rows` and `sources` of what it was trained on, and `remarks` on them.

    Raises:
        TextgenError: It cannot be written.
    """
    begun = "fresh weights" if options.start == RANDOM else f"`{find_model(options.start).label}`"
    made = f"Made by `textgen train {settings['recipe']}` of textgen {settings['textgen']}, from {begun}."
    facts = [f"- {name}: {value}" for name, value in _facts(settings, options, outcome, corpus)]
    card = "\n".join([f"# {real_path(directory).name}", "", made, "", *facts, ""])
    write_whole(directory / CARD, card.encode("utf-8", "backslashreplace"))  # names need not be UTF-8


def _facts(
    settings: Mapping[str, Any], options: TrainOptions, outcome: Mapping[str, Any], corpus: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    yield "rows", f"{corpus['rows']:,}, of {_listed(corpus['sources'])}"
    whole = "" if outcome["finished"] else ", stopped before the end"
    yield "steps", f"{outcome['step']:,} of {outcome['steps']:,}{whole}"
    if settings["dev"]:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in outcome["figures"].items())
        yield "dev file", f"{_listed([Path(name).name for name in settings['dev']])}: {figures or 'not seen'}"
    for remark in corpus["remarks"]:
        yield "note", remark.removeprefix("warning: ")
    if options.tokenizer:
        yield "tokenizer", f"`{Path(options.tokenizer).name}`"
    changed = options.of_training(exclude_defaults=True)
    told = [f"{name} = {_spelled(value)}" for name, value in changed.items() if name not in ELSEWHERE]
    yield "options", f"`{', '.join(told)}`" if told else "the defaults"


def _spelled(value: Any) -> str:
    """A value as a config file has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {part:g}" for key, part in value.items()) + "}"
    if isinstance(value, tuple):
        return quoted("-".join(map(str, value)))
    return f"{value:g}" if isinstance(value, float) else quoted(value)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:SHOWN]) + more
