"""A training run: from files to a model directory, interrupted and resumed as often as need be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from textgen.errors import TextgenError, UsageError
from textgen.events import Note, OnEvent, ignore
from textgen.files.rows import FileRows
from textgen.messages import option
from textgen.options import parse
from textgen.options.fields import DEV, shown
from textgen.options.recipes import OPTIONS
from textgen.options.train import RANDOM
from textgen.store.catalog import find_model, fingerprint
from textgen.store.peft_adapters import check_peft
from textgen.train.data.corpus import weights_of
from textgen.train.data.order import Order
from textgen.train.recipes import recipe_class
from textgen.train.recipes.base import Recipe
from textgen.train.run_directory.card import write_card
from textgen.train.run_directory.checkpoint import load_checkpoint
from textgen.train.run_directory.directory import (
    alone,
    begin_anew,
    check,
    clear,
    read_settings,
    write_settings,
)
from textgen.train.run_directory.examples import ExampleReader, Examples, RunFiles
from textgen.train.session import Session
from textgen.train.step.loop import Loop
from textgen.train.step.lora import add_adapters
from textgen.train.step.machine import Machine
from textgen.version import __version__

EPOCHS = 3.0  # where nothing is said


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        step: Steps done.
        steps: All there are.
        finished: Whether it is at its end: all steps, or no better for too long.
        figures: Of the model that was kept, on the dev file.
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
    chosen = parse(OPTIONS[recipe], options, user=f"train {recipe}")

    def must_stop() -> bool:
        return stopped() or (chosen.minutes is not None and time.monotonic() - began > 60 * chosen.minutes)

    of_dev = {name for name, info in OPTIONS[recipe].model_fields.items() if shown(info, "panel") == DEV}
    if dev is None and (idle := chosen.model_fields_set & of_dev):
        hint = "give one with {@dev} FILE"
        raise UsageError("{option} needs a dev file", option=option(min(idle)), hint=hint)
    if chosen.lora:
        check_peft("lora")
    machine = Machine(chosen.precision)
    made: Recipe[Any, Any] = kind.starting(chosen)
    files = RunFiles(
        FileRows([str(name) for name in inputs], chosen.reading),
        None if dev is None else FileRows([str(dev)], chosen.reading),
    )
    run = _Run(Path(output), made, files, machine, on_event if machine.first else ignore)
    return run.start(must_stop, resume=resume, force=force)


class _Run:
    """A run in its directory.

    Args:
        directory: Of the run.
        recipe: The recipe.
        files: What is read.
        machine: The processes.
        on_event: Told how it goes.
    """

    def __init__(
        self, directory: Path, recipe: Recipe[Any, Any], files: RunFiles, machine: Machine, on_event: OnEvent
    ) -> None:
        self._directory, self._recipe, self._files = directory, recipe, files
        self._machine, self._tell = machine, on_event
        self._settings = _settings(recipe, files, machine)

    def start(self, stopped: Callable[[], bool], *, resume: bool, force: bool) -> Outcome:
        """Begin the run, or go on with it. Raises as `train`."""
        directory, machine = self._directory, self._machine
        replacing = machine.first and check(directory, self._settings, resume=resume, force=force)
        with alone(directory, machine):
            earlier = read_settings(directory) or {}
            if (outcome := earlier.get("outcome")) and not force:
                if machine.first:
                    clear(directory)  # a kill may have left some of it
                self._tell(
                    Note("{run} is finished after {steps} steps", run=directory, steps=outcome["step"])
                )
                return Outcome(**outcome)
            if machine.first and not replacing:
                write_settings(directory, self._settings)
            try:
                reader = ExampleReader(
                    self._recipe, self._files, directory, machine, self._tell, anew=replacing
                )
                examples = reader.read(stopped)
                loop = _loop(self._recipe, examples, machine) if examples else None
            except TextgenError:
                if replacing and earlier.get("outcome"):
                    clear(directory)  # the finished run stays as it was
                raise
            if replacing:  # only now that neither the rows nor the options can be refused any more
                begin_anew(directory, self._settings)
            machine.wait()
            if examples is None or loop is None:
                return Outcome(0, self._recipe.options.steps or 0, finished=False, figures={})
            return self._train(loop, examples, stopped)

    def _train(self, loop: tuple[Loop, Order], examples: Examples, stopped: Callable[[], bool]) -> Outcome:
        directory, machine = self._directory, self._machine
        session = Session(directory, self._recipe, loop, examples, machine, self._tell)
        checkpoint = load_checkpoint(directory)
        if checkpoint is not None:
            session.restore(checkpoint)
        outcome = Outcome(**session.run(stopped))
        if machine.first:
            about = examples.corpus.about
            write_card(directory, self._settings, self._recipe.options, vars(outcome), about)
        if outcome.finished and machine.first:
            write_settings(directory, self._settings | {"outcome": vars(outcome)})
            clear(directory)
        machine.wait()
        return outcome


def _loop(recipe: Recipe[Any, Any], examples: Examples, machine: Machine) -> tuple[Loop, Order]:
    """The network on its device, ready for its first step, and the order of its examples."""
    options, corpus = recipe.options, examples.corpus
    network = recipe.build(corpus).requires_grad_(True)
    if options.lora:
        alpha = options.lora_alpha or 2.0 * options.lora
        add_adapters(
            network, options.lora, alpha=alpha, seed=options.seed, still_trained=recipe.still_trained
        )
    weights = weights_of(corpus, options.weight)
    order = Order(corpus.lengths(), weights, options.batch_size, options.seed, bucketing=options.bucketing)
    steps = options.steps or order.steps(options.epochs or EPOCHS)
    return Loop(recipe, network.to(machine.device), corpus, machine, steps), order


def _settings(recipe: Recipe[Any, Any], files: RunFiles, machine: Machine) -> dict[str, Any]:
    """All that makes the run what it is."""
    options = recipe.options.of_training(mode="json") | {"precision": machine.precision}
    models = [options[name] for name in ("start", "writer") if options.get(name) not in (None, RANDOM)]
    return {
        "recipe": recipe.name,
        "options": options,
        "inputs": [str(path) for path in files.train.files],
        "dev": [str(path) for path in files.dev.files] if files.dev is not None else [],
        "sha256": {
            "the input": files.train.fingerprint(),
            "the dev file": files.dev.fingerprint() if files.dev is not None else None,
            "the tokenizer": fingerprint(*recipe.tokenizer_files.values()),
            "the model to start from": [fingerprint(*find_model(name).weight_files) for name in models],
        },
        "fields": recipe.options.named_fields,
        "reading": files.train.reading,
        "textgen": __version__,
        "torch": torch.__version__,
    }
