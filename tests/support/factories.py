"""A watch over the devices on which tensors are made."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

NOWHERE = "meta:0"  # with a number, so that to ask for the default device makes no tensor
# torch shows these to no mode; they give what lies in the memory of the processor
OF_MEMORY = ("frombuffer", "from_numpy")
READING = str(Path("store", "weights.py"))  # a network is moved once it has them
AWAY = (Tensor.cpu, Tensor.cuda, Tensor.numpy)


class Watch(TorchFunctionMode):
    """Notes where tensors are made elsewhere than on one device.

    It is to be entered before the device: what the device adds to a call can be told from what was left out.

    Args:
        device: The device, called by a name that nothing else uses, such as `cpu:1`.

    Attributes:
        made: How many tensors were made where they should be.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.made = 0
        self._strays: list[str] = []
        self._of_memory: list[tuple[Tensor, str]] = []  # those that have not been moved

    @property
    def strays(self) -> list[str]:
        """The calls that made tensors elsewhere, each with the lines that led to it."""
        return [*self._strays, *(stray for _, stray in self._of_memory)]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in _device_constructors():
            self._see(func, given.get("device"))
        elif func is Tensor.to:
            self._see_move(args, given)
        elif func in AWAY:
            self._strays.append(_told(func, "another device"))
        return func(*args, **given)

    def of_memory(self, func: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """A function that makes tensors in memory; what it makes is to be moved to the device."""

        def seen(*args: Any, **more: Any) -> Tensor:
            found = func(*args, **more)
            self._of_memory.append((found, _told(func, "the processor's memory")))
            return found

        return seen

    def _see(self, func: Callable[..., Any], device: Any) -> None:
        if device is not None and torch.device(device) == self.device:
            self.made += 1
        elif device != torch.device("meta"):  # that of networks to be filled
            told = _told(func, device)
            if READING not in told:
                self._strays.append(told)

    def _see_move(self, args: Sequence[Any], given: Mapping[str, Any]) -> None:
        whither = [x for x in (*args[1:], given.get("device")) if isinstance(x, str | torch.device)]
        if any(torch.device(device) != self.device for device in whither):
            self._strays.append(_told(Tensor.to, whither[0]))
        elif whither:
            self._of_memory = [(one, told) for one, told in self._of_memory if one is not args[0]]


def _told(func: Callable[..., Any], device: Any) -> str:
    lines = [line for line in traceback.format_stack() if f"{os.sep}textgen{os.sep}" in line][-3:]
    return f"{func.__name__} on {device}:\n{''.join(lines)}"


@contextmanager
def watched(device: str) -> Iterator[Watch]:
    """Watch, while torch's own default device is one on which nothing can be computed."""
    watch = Watch(device)
    torch.set_default_device(NOWHERE)
    try:
        with pytest.MonkeyPatch.context() as patch, watch:
            for name in OF_MEMORY:
                patch.setattr(torch, name, watch.of_memory(getattr(torch, name)))
            yield watch
    finally:
        torch.set_default_device(None)
