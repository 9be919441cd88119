"""The place where a model computes, entered for as long as it does and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from textgen.compute import import_torch, threads
from textgen.errors import UsageError

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The place of a model; the rest of the process keeps its own.

    Attributes:
        device: Where its tensors lie, such as `cpu`; None is torch's default.
        threads: How many it takes; None are those that are the process's share.

    Raises:
        UsageError: A number of threads is none.
    """

    device: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and not (isinstance(self.threads, int) and self.threads > 0):
            given = repr(self.threads)
            raise UsageError("{@threads} {given}: it is no number of threads", given=given, hint="1 or more")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Compute in this place. Raises UsageError: the environment variable has no number of threads."""
        with threads(self.threads), self._on_device():
            yield

    def each(self, steps: Iterator[T]) -> Iterator[T]:
        """The same steps, each of them made in this place; whoever takes them stays where they are."""
        while True:
            with self.entered():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step

    def _on_device(self) -> AbstractContextManager[object]:
        import torch

        # where it is the default anyway, tensors are made faster without a context
        if self.device is None or self.device == torch.get_default_device().type:
            return nullcontext()
        # with a number, torch can tell its default device also where there is none
        number = ":0" if self.device == CUDA and not has_gpu() else ""
        return torch.device(self.device + number)


def choose_device(asked: str = AUTO) -> str:
    """The device to compute on: the one asked for; for `auto` a GPU where there is one, else the processor.

    Raises:
        UsageError: There is no such device here.
    """
    if asked not in (AUTO, CPU, CUDA):
        known = [AUTO, CPU, CUDA]
        raise UsageError("there is no device {asked}", asked=asked, hint="one of: {known}", known=known)
    if asked == CUDA and not has_gpu():
        hint = "{@device} auto takes what the machine has"
        raise UsageError("{@device} cuda: torch finds no GPU here", hint=hint)
    return CUDA if asked != CPU and has_gpu() else CPU


def has_gpu() -> bool:
    """Whether torch can compute on a GPU here."""
    import_torch()  # what is asked first of it
    import torch

    return torch.cuda.is_available()
