"""A run: from files to a model directory, interrupted and resumed as often as need be."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from textgen import __version__
from textgen.batch.journal import being_written, held, locked
from textgen.batch.read import FileRows
from textgen.errors import TextgenError, UsageError
from textgen.events import Note, OnEvent, ignore
from textgen.models.catalog import WEIGHTS, find_model, fingerprint
from textgen.models.durable import write_whole
from textgen.options import InputOptions, flag, parse
from textgen.options.train import RANDOM, TrainOptions
from textgen.train.card import write_card
from textgen.train.checkpoint import FOLDER, load_checkpoint
from textgen.train.loop import Loop
from textgen.train.lora import add_adapters
from textgen.train.machine import Machine
from textgen.train.material import DATA, WRITTEN, Material, read_material
from textgen.train.order import Order
from textgen.train.recipe import Recipe
from textgen.train.recipes import recipe_class
from textgen.train.session import Session

RUN, LOCK = "run.json", "run.lock"
EPOCHS = 3.0  # where nothing is said
# what may be another when a run goes on
FREE = ("minutes", "save_every", "log_every", "storage")
OF_DEV = {"patience", "dev_metric", "dev_rows", "eval_every"}
READING = InputOptions(id_field="", keywords_field="", keep_fields=True, lines=True)


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        step: Steps done.
        steps: All there are.
        finished: Whether it is at its end: all steps, or no better for too long.
        figures: What the dev file said of the model that was kept.
    """

    step: int
    steps: int
    finished: bool
    figures: dict[str, float]


def never() -> bool:
    """Nobody wants the run to stop."""
    return False


def train(
    recipe: str,
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    dev: str | Path | None = None,
    fields: Mapping[str, str] | None = None,
    reading: InputOptions = READING,
    resume: bool = False,
    force: bool = False,
    stopped: Callable[[], bool] = never,
    on_event: OnEvent = ignore,
    **options: Any,
) -> Outcome:
    """Train a model.

    Args:
        recipe: Such as `title`; see `textgen.train.recipes`.
        inputs: Files of rows, as everywhere.
        output: The run's directory, which becomes the model's.
        dev: Rows to look at meanwhile; the best model on them is kept.
        fields: Names of fields by what they hold (`text`, `title`, `source`, …), where they are others.
        reading: How files are read.
        resume: Go on with the run in `output`, if there is one.
        force: Delete what is there.
        stopped: Asked after every step; a run that is stopped can be resumed.
        on_event: Told how it goes.
        **options: Of the recipe.

    Raises:
        UsageError: An option is wrong, or the directory holds something else.
        DataError: A row lacks what it needs; the message has its line.
        TextgenError: The loss is no number, or the disk is full.
    """
    began = time.monotonic()
    kind = recipe_class(recipe)
    chosen: TrainOptions = parse(kind.options_class, options, user=f"train {recipe}")

    def must_stop() -> bool:
        return stopped() or (chosen.minutes is not None and time.monotonic() - began > 60 * chosen.minutes)

    fields = dict(fields or {})
    reading = reading.model_copy(update={"field": fields.get("text", "text")})
    if dev is None and (idle := chosen.model_fields_set & OF_DEV):
        raise UsageError(f"{flag(min(idle))} needs a dev file", hint="give one with --dev FILE")
    machine = Machine(chosen.precision)
    told = on_event if machine.first else ignore
    directory = Path(output)
    made: Recipe[Any, Any] = kind(chosen)
    files = FileRows([str(name) for name in inputs], reading)
    held_out = FileRows([str(dev)], reading) if dev is not None else None
    settings = _settings(made, files, held_out, fields, reading)
    if machine.first:
        _check(directory, settings, resume=resume, force=force)
    with _alone(directory, machine):
        if (finished := _finished(directory)) is not None:
            told(Note(f"{directory} is finished after {finished.step} steps"))
            return finished
        _write_settings(directory, settings, machine)
        material = read_material(made, files, held_out, fields, directory, machine, must_stop, told)
        if material is None:
            return Outcome(0, chosen.steps or 0, finished=False, figures={})
        session = Session(directory, made, _loop(made, material, machine), material, machine, told)
        checkpoint = load_checkpoint(directory)
        if checkpoint is not None:
            session.restore(checkpoint)
        outcome = Outcome(**session.run(must_stop))
        if machine.first:
            write_card(directory, settings, chosen, vars(outcome), material.corpus.arrays.about)
        if outcome.finished and machine.first:
            _write_settings(directory, settings | {"outcome": vars(outcome)}, machine)
            _clear(directory)
        machine.wait()
    return outcome


def _loop(recipe: Recipe[Any, Any], material: Material, machine: Machine) -> tuple[Loop, Order]:
    """The network on its device, ready for its first step, and the order of its examples."""
    options, corpus = recipe.options, material.corpus
    network = recipe.build(corpus.arrays).requires_grad_(True)
    if options.lora:
        alpha = options.lora_alpha or 2.0 * options.lora
        add_adapters(
            network, options.lora, alpha=alpha, seed=options.seed, still_trained=recipe.still_trained
        )
    order = corpus.order(options)
    steps = options.steps or order.steps(options.epochs or EPOCHS)
    return Loop(recipe, network.to(machine.device), corpus.arrays, machine, steps), order


def _settings(
    recipe: Recipe[Any, Any],
    files: FileRows,
    held_out: FileRows | None,
    fields: Mapping[str, str],
    reading: InputOptions,
) -> dict[str, Any]:
    """What makes the run what it is."""
    options = recipe.options.model_dump(mode="json")
    models = [options[name] for name in ("start", "writer") if options.get(name) not in (None, RANDOM)]
    return {
        "recipe": recipe.name,
        "options": options,
        "inputs": [str(path) for path in files.files],
        "dev": [str(path) for path in held_out.files] if held_out else [],
        "sha256": {
            "the input": files.fingerprint(),
            "the dev file": held_out.fingerprint() if held_out else None,
            "the tokenizer": fingerprint(recipe.tokenizer.path),
            "the model to start from": [fingerprint(find_model(name).weights) for name in models],
        },
        "fields": dict(fields),
        "reading": reading.model_dump(),
        "textgen": __version__,
        "torch": torch.__version__,
    }


def _check(directory: Path, settings: dict[str, Any], *, resume: bool, force: bool) -> None:
    """Refuse a directory with something else in it, and a resumed run that would be another one."""
    if force and resume:
        raise UsageError(
            "--force and --resume exclude each other", hint="--resume goes on, --force begins anew"
        )
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file", hint="give a directory for the run")
    if not directory.is_dir() or not any(path.name != LOCK for path in directory.iterdir()):
        return
    if held(directory / LOCK):
        raise being_written(directory)
    earlier = _earlier(directory)
    if earlier is not None and not _has_results(directory):
        return  # it ended before there was anything to go on with
    if force:
        if earlier is None:
            raise UsageError(f"{directory} holds something that is no run", hint="give another directory")
        _check_apart(directory, settings)
        shutil.rmtree(directory)
        return
    if not resume or earlier is None:
        hint = "--resume goes on with it, --force begins anew" if earlier else "give another directory"
        raise UsageError(f"{directory} is not empty", hint=hint)
    for name in ("recipe", "fields", "reading"):
        if earlier.get(name) != settings[name]:
            raise UsageError(f"--resume: another {name} than when it began", hint="--force begins anew")
    for name, value in settings["sha256"].items():
        if earlier["sha256"].get(name) != value:
            raise UsageError(f"--resume: {name} has changed since the run began", hint="--force begins anew")
    for name, value in settings["options"].items():
        if earlier["options"].get(name) != value and name not in FREE:
            told = earlier["options"].get(name)
            raise UsageError(f"--resume: {flag(name)} was {told}, not {value}", hint="--force begins anew")


def _has_results(directory: Path) -> bool:
    """Whether a run has made something that took long."""
    patterns = (WEIGHTS, f"{FOLDER}-*", f"*{WRITTEN}*")
    return any(path for pattern in patterns for path in directory.glob(pattern))


def _check_apart(directory: Path, settings: dict[str, Any]) -> None:
    """Refuse to delete what the run reads."""
    options, own = settings["options"], directory.resolve()
    models = [options.get(name) for name in ("start", "tokenizer", "writer")]
    for name in filter(None, [*settings["inputs"], *settings["dev"], *models]):
        if own in (Path(name).resolve(), *Path(name).resolve().parents):
            raise UsageError(f"--force would delete {name}, which is read", hint="give another directory")


def _earlier(directory: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((directory / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"recipe", "options", "sha256"} <= found.keys() else None


def _finished(directory: Path) -> Outcome | None:
    outcome = (_earlier(directory) or {}).get("outcome")
    return Outcome(**outcome) if outcome else None


def _write_settings(directory: Path, settings: Mapping[str, Any], machine: Machine) -> None:
    if machine.first:
        content = json.dumps(settings, ensure_ascii=False, indent=2) + "\n"
        write_whole(directory / RUN, content.encode())


@contextmanager
def _alone(directory: Path, machine: Machine) -> Iterator[None]:
    """Hold the directory against other runs."""
    if not machine.first:
        machine.wait()
        yield
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TextgenError(
            f"cannot make {directory}: {error.strerror or error}", hint="give another directory"
        ) from None
    with locked(directory / LOCK, directory):
        machine.wait()
        yield


def _clear(directory: Path) -> None:
    """Delete what only a run that goes on needs."""
    for path in [*directory.glob(f"{DATA}*"), *directory.glob("checkpoint*")]:
        shutil.rmtree(path, ignore_errors=True)
