"""A training session: steps in their order, with evaluations, checkpoints and a log between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import ceil, inf
from pathlib import Path
from typing import Any

import torch

from textgen.events import Note, OnEvent, Scored, Trained
from textgen.train.data.order import Order
from textgen.train.recipes.base import Recipe
from textgen.train.run_directory.checkpoint import Checkpoint, save_checkpoint
from textgen.train.run_directory.examples import Examples
from textgen.train.run_directory.log import Log, draw_curve
from textgen.train.step.loop import Loop, StepResult
from textgen.train.step.lora import merged
from textgen.train.step.machine import Machine


class Session:
    """One go at a run.

    Args:
        directory: Of the run.
        recipe: What is learned.
        loop: The network in training, and the order of its examples.
        examples: What it is trained on, and the dev file.
        machine: What computes.
        on_event: Told how it goes.
    """

    def __init__(
        self,
        directory: Path,
        recipe: Recipe[Any, Any],
        loop: tuple[Loop, Order],
        examples: Examples,
        machine: Machine,
        on_event: OnEvent,
    ) -> None:
        self.directory, self.recipe, self.machine, self.tell = directory, recipe, machine, on_event
        self.loop, self.order = loop
        self.dev, self.rows = examples.dev, examples.dev_rows[: recipe.options.dev_rows]
        self.options = recipe.options
        self._began = time.monotonic()
        self._before = 0.0  # seconds of earlier sessions
        self.step = 0
        self.best: dict[str, float] = {}
        self.looks = 0  # at the dev file, since the best
        self._pending = [0.0, 0.0, 0.0]  # loss, places and tokens since the last line of the log
        self._since = self._began
        self._log: Log | None = None

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        progress = checkpoint.progress
        self.step, self.best, self.looks = progress["step"], progress["best"], progress["looks"]
        self._before = progress["seconds"]
        loss, places, _ = progress["pending"]
        self._pending = [loss, places, 0.0]  # the time of those tokens was that of another session
        self.loop.restore(checkpoint.tensors)

    def run(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Do the steps that are left, as far as time allows. Returns the outcome."""
        if self.machine.first:
            self._log = Log(self.directory, self.step)
        self._since = time.monotonic()
        steps, every = self.loop.steps, self.options.eval_every or max(1, ceil(self.order.steps(1)))
        exhausted = False
        while self.step < steps and not exhausted:
            self._train_step()
            if self.dev and (self.step % every == 0 or self.step == steps):
                self._evaluate()
                exhausted = self.options.patience is not None and self.looks >= self.options.patience
            if self._any_process(stopped()):
                break
            if self.step % self.options.save_every == 0 and self.step < steps:
                self._save()
        finished = exhausted or self.step >= steps
        self._end(finished=finished)
        return {"step": self.step, "steps": steps, "finished": finished, "figures": self.best}

    def _train_step(self) -> None:
        epoch, examples = self.order.at(self.step)
        done = self.loop.step(self.step, epoch, examples.tolist())
        self.step += 1
        for place, value in enumerate((done.loss, done.places, done.tokens)):
            self._pending[place] += value
        if self.step % self.options.log_every == 0 or self.step in (1, self.loop.steps):
            self._report(epoch, done)

    def _report(self, epoch: int, done: StepResult) -> None:
        now = time.monotonic()
        loss, places, tokens = self._pending
        seconds = self._before + now - self._began
        self._record(
            Trained(
                step=self.step,
                steps=self.loop.steps,
                epoch=epoch + 1,
                loss=loss / max(1.0, places),
                learning_rate=done.learning_rate,
                gradient_norm=done.gradient_norm,
                tokens_per_second=tokens / max(now - self._since, 1e-9),
                seconds=seconds,
                seconds_left=seconds / self.step * (self.loop.steps - self.step),
            )
        )
        self._pending, self._since = [0.0, 0.0, 0.0], now

    def _evaluate(self) -> None:
        """Score the dev file; keep the model if it is the best."""
        assert self.dev is not None
        began = time.monotonic()
        with self._averaged():
            figures = self.loop.dev_figures(self.dev)
            if self.machine.first and self.options.dev_metric != "loss":
                figures |= self._written()
            metric = self.options.dev_metric
            sign = -1.0 if metric == "loss" else 1.0
            highest = sign * self.best.get(metric, -sign * inf)
            better = self._any_process(self.machine.first and sign * figures[metric] > highest)
            self.looks = 0 if better else self.looks + 1
            if better:
                self.best = figures
                self._keep()
        self._record(Scored(self.step, figures, better))
        self._since += time.monotonic() - began  # the time of a look is not that of steps

    def _written(self) -> dict[str, float]:
        """Figures of what the model writes for the rows of the dev file."""
        self.loop.network.eval()
        with self.machine.on_device():
            return self.recipe.score(self.recipe.loaded(self.directory, self.loop.network), self.rows)

    def _keep(self) -> None:
        """Write the model as it is now."""
        if self.machine.first:
            with merged(self.loop.network):
                self.recipe.save(self.directory, self.loop.network)

    def _end(self, *, finished: bool) -> None:
        """Leave a model and, if there is more to do, a checkpoint."""
        if not finished:
            self._save()
        if not self.best:
            with self._averaged():
                self._keep()
        try:
            if self.machine.first and draw_curve(self.directory) is None:
                self.tell(Note("no curve.png: pip install '.[train]' brings matplotlib"))
        except OSError as error:  # the run is worth more than its picture
            self.tell(Note("no curve.png: {reason}", reason=error.strerror or error))

    def _save(self) -> None:
        if self.machine.first:
            progress = {
                "step": self.step,
                "best": self.best,
                "looks": self.looks,
                "seconds": self._before + time.monotonic() - self._began,
                "pending": self._pending,
            }
            save_checkpoint(self.directory, self.step, Checkpoint(progress, self.loop.tensors()))
        self.machine.wait()

    def _any_process(self, said: bool) -> bool:
        """True if any process says so."""
        return bool(self.machine.total(torch.tensor(int(said), device=self.machine.device)))

    def _record(self, event: Trained | Scored) -> None:
        if self._log is not None:
            self._log.write(event)
        self.tell(event)

    def _averaged(self) -> AbstractContextManager[None]:
        average = self.loop.average
        return average.in_place(self.loop.weights) if average else nullcontext()
