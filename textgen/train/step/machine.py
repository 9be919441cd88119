"""The hardware of a run: device, precision and processes, by accelerate.

`accelerate launch` starts one process a device; alone, there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from textgen.errors import UsageError

PRECISIONS = {"fp32": "no", "bf16": "bf16"}


class Machine:
    """The devices of a run.

    Args:
        precision: `fp32` or `bf16`; None is what the launcher says.

    Attributes:
        device: Of this process.
        processes: How many there are.
        process: The number of this one.
        precision: Of the forward pass.
        autocast: Gives a context in which the forward pass has that precision.

    Raises:
        UsageError: accelerate is not installed, or the launcher wants another precision.
    """

    def __init__(self, precision: str | None = None) -> None:
        try:
            from accelerate import Accelerator
            from accelerate.state import AcceleratorState
            from accelerate.utils import InitProcessGroupKwargs
        except ImportError:
            raise UsageError("training needs accelerate", hint="pip install '.[train]'") from None
        # it is remembered for the whole process, and refuses another precision for a second run
        AcceleratorState._reset_state()
        # the others wait while the first reads a corpus, or writes candidates for one
        waiting = InitProcessGroupKwargs(timeout=timedelta(days=7))
        wanted = None if precision is None else PRECISIONS[precision]
        self._accelerator = Accelerator(mixed_precision=wanted, kwargs_handlers=[waiting])
        names = {theirs: ours for ours, theirs in PRECISIONS.items()}
        if (given := self._accelerator.mixed_precision) not in names:
            # fp16 would need its losses scaled
            hint = "{@precision} bf16, or fp32"
            raise UsageError("accelerate's mixed precision is {given}", given=given, hint=hint)
        self.precision = names[given]
        self.device: torch.device = self._accelerator.device
        self.processes: int = self._accelerator.num_processes
        self.process: int = self._accelerator.process_index
        self.autocast: Callable[[], AbstractContextManager[None]] = self._accelerator.autocast

    @property
    def first(self) -> bool:
        """Whether this process writes and tells."""
        return self.process == 0

    def wait(self) -> None:
        """Wait for the other processes."""
        self._accelerator.wait_for_everyone()

    def total(self, value: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.processes == 1:
            return value
        summed: Tensor = self._accelerator.reduce(value, "sum")
        return summed

    def add_over_processes(self, tensors: Iterable[Tensor]) -> None:
        """Make every tensor the sum over the processes, all of them in one message."""
        if self.processes == 1:
            return
        tensors = list(tensors)
        flat = self.total(torch.cat([tensor.flatten() for tensor in tensors]))
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    @contextmanager
    def on_device(self, *, twice_differentiable: bool = False) -> Iterator[None]:
        """Let tensors be made on the device.

        Args:
            twice_differentiable: Attention by plain operations: the fused kernels have no second derivative.
        """
        device = nullcontext() if self.device.type == "cpu" else self.device
        kernel = sdpa_kernel(SDPBackend.MATH) if twice_differentiable else nullcontext()
        with device, kernel:
            yield
