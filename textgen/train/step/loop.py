"""The training loop: gradients and updates of weights, step by step.

A step's examples are computed in parts, shared out among the processes; all sums are divided by what the
whole step predicts. So the number of parts and of processes changes nothing but rounding, where nothing is
dropped at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from textgen.errors import TextgenError
from textgen.models.layers.dropout import set_dropout
from textgen.options.train import TrainOptions
from textgen.train.data.arrays import Arrays
from textgen.train.data.noise import torch_seed
from textgen.train.objectives.loss import (
    Prediction,
    embedded_inputs,
    gradient_penalty,
    perturbed,
    symmetric_kl,
)
from textgen.train.recipes.base import Recipe
from textgen.train.step.ema import MovingAverage
from textgen.train.step.machine import Machine
from textgen.train.step.schedule import learning_rate

BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class StepResult:
    """The result of a step.

    Attributes:
        loss: Sum over the predictions.
        places: How many there were.
        tokens: Ids that were read and predicted.
        learning_rate: Of the step.
        gradient_norm: Before it was cut.
    """

    loss: float
    places: int
    tokens: int
    learning_rate: float
    gradient_norm: float


class Loop:
    """A network in training.

    Args:
        recipe: What it learns.
        network: On the machine's device.
        arrays: The examples.
        machine: What computes.
        steps: How many there will be.
    """

    def __init__(
        self, recipe: Recipe[Any, Any], network: nn.Module, arrays: Arrays, machine: Machine, steps: int
    ) -> None:
        self.recipe, self.network, self.arrays = recipe, network, arrays
        self.machine, self.steps = machine, steps
        self.options: TrainOptions = recipe.options
        self.noise = torch.Generator(machine.device)
        set_dropout(network, self.options.dropout, self.noise)
        self.weights = {name: w for name, w in network.named_parameters() if w.requires_grad}
        # what the adversarial step moves along its gradient, be it trained or not
        self._table = recipe.embedding(network).weight.requires_grad_() if self.options.fgm else None
        self.optimizer = _optimizer(self.weights, recipe)
        self.average = MovingAverage(self.weights, self.options.ema) if self.options.ema else None
        self._lengths = arrays.lengths()

    def step(self, number: int, epoch: int, examples: Sequence[int]) -> StepResult:
        """One optimizer step.

        Raises:
            TextgenError: The loss, or its gradient, is no number any more.
        """
        self.network.train()
        rate = learning_rate(
            number,
            self.steps,
            highest=self.options.learning_rate,
            warmup=self.options.warmup,
            scheduler=self.options.scheduler,
        )
        with self.machine.on_device(twice_differentiable=self.options.gradient_penalty > 0):
            loss, places = self._backward(number, epoch, examples)
        norm = float(nn.utils.clip_grad_norm_(self.weights.values(), self.options.clip or torch.inf))
        for what, value in (("loss", loss), ("gradient", norm)):
            if not isfinite(value):
                step, hint = number + 1, "a smaller {@learning_rate}, or a longer {@warmup}"
                template = "step {step}: the {what} is {value}"
                raise TextgenError(template, step=step, what=what, value=value, hint=hint)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["pace"]
        self.optimizer.step()
        self.network.zero_grad(set_to_none=True)
        if self.average:
            self.average.update(self.weights, number + 1)
        tokens = int(self._lengths[np.asarray(examples) % len(self._lengths)].sum())
        return StepResult(loss, places, tokens, rate, norm)

    def dev_figures(self, arrays: Arrays) -> dict[str, float]:
        """The recipe's figures of other examples, without what only training adds."""
        size = -(-self.options.batch_size // self._parts)
        starts = range(0, len(arrays), size)[self.machine.process :: self.machine.processes]
        names = self.recipe.figures
        total = torch.zeros(len(names), 2, device=self.machine.device, dtype=torch.float64)
        self.network.eval()
        with torch.no_grad(), self.machine.on_device(), self.machine.autocast():
            for at in starts:
                batch = self.recipe.batch(arrays, range(at, min(at + size, len(arrays))), None)
                total += self.recipe.dev_sums(self.network, batch)
        sums = self.machine.total(total).tolist()
        return {name: float(whole / max(1, count)) for name, (whole, count) in zip(names, sums, strict=True)}

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """The tensors of a checkpoint, by group."""
        moments = {
            f"{name}.{kind}": tensor
            for name, weight in self.weights.items()
            for kind, tensor in self.optimizer.state[weight].items()
        }
        found = {"weights": {name: w.detach() for name, w in self.weights.items()}, "optimizer": moments}
        return found | ({"average": self.average.averages} if self.average else {})

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from a checkpoint."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(tensors["weights"][name])
                kinds = ("step", "exp_avg", "exp_avg_sq")
                moments = {kind: tensors["optimizer"][f"{name}.{kind}"] for kind in kinds}
                self.optimizer.state[weight] = {
                    kind: moment.clone() if kind == "step" else moment.to(weight.device).clone()
                    for kind, moment in moments.items()
                }
            if self.average:
                for name, average in self.average.averages.items():
                    average.copy_(tensors["average"][name])

    def _backward(self, number: int, epoch: int, examples: Sequence[int]) -> tuple[float, int]:
        """Gradients of a step in place; the summed loss and how many predictions it is of."""
        machine, recipe = self.machine, self.recipe
        shares = list(enumerate(np.array_split(np.asarray(examples), self._parts)))
        parts = [
            (index, recipe.batch(self.arrays, share.tolist(), epoch))
            for index, share in shares[machine.process :: machine.processes]
            if len(share)
        ]
        counted = torch.tensor(sum(recipe.places(batch) for _, batch in parts), device=machine.device)
        places = int(machine.total(counted))
        loss = self._passes(number, parts, places)
        if (table := self._table) is not None:
            # a process may have had nothing to do
            own = torch.zeros_like(table) if table.grad is None else table.grad.clone()
            with perturbed(table, machine.total(own), self.options.fgm):
                self._passes(number, parts, places)
        for weight in self.weights.values():
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        machine.add_over_processes(w.grad for w in self.weights.values() if w.grad is not None)
        return float(machine.total(torch.tensor(loss, device=machine.device))), places

    @property
    def _parts(self) -> int:
        """The number of parts that a step is computed in: as many for every process."""
        processes = self.machine.processes
        return -(-self.options.accumulate // processes) * processes

    def _passes(self, number: int, parts: Sequence[tuple[int, Any]], places: int) -> float:
        total = 0.0
        for index, batch in parts:
            self.noise.manual_seed(torch_seed(self.options.seed, "dropout", number, index))
            with self.machine.autocast():
                objective, loss = self._objective(batch, places)
            objective.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _objective(self, batch: Any, places: int) -> tuple[Tensor, Tensor]:
        """The objective, and the plain sum of the loss."""
        objective, loss, prediction = self._pass(batch, places)
        if not (weight := self.options.rdrop):
            return objective, loss
        again, other_loss, other = self._pass(batch, places)
        apart = symmetric_kl(prediction.logits, other.logits) / places
        return (objective + again) / 2 + weight * apart, (loss + other_loss) / 2

    def _pass(self, batch: Any, places: int) -> tuple[Tensor, Tensor, Prediction]:
        """The objective of one pass, the sum of its loss, and its prediction."""
        table = self.recipe.embedding(self.network).weight
        with embedded_inputs(self.network, table) as embedded:
            loss, prediction = self.recipe.loss(self.network, batch, self.options.label_smoothing)
        objective = loss / places
        if weight := self.options.gradient_penalty:
            objective = objective + weight * gradient_penalty(objective, embedded)
        return objective, loss, prediction


def _optimizer(weights: Mapping[str, nn.Parameter], recipe: Recipe[Any, Any]) -> torch.optim.AdamW:
    """Decay for matrices alone: not for biases, norms and priors."""
    options: TrainOptions = recipe.options
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in weights.items():
        decay = options.weight_decay if weight.dim() > 1 else 0.0
        groups.setdefault((decay, recipe.rate_factor(name)), []).append(weight)
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay, "pace": pace} for (decay, pace), p in groups.items()],
        lr=options.learning_rate,
        betas=BETAS,
    )
