"""textgen writes Chinese: titles, continuations and samples, with models that ship in the package.

    >>> import textgen
    >>> model = textgen.load("title")                                # doctest: +SKIP
    >>> model.generate(["……"], num_candidates=3)[0].candidates[0].text  # doctest: +SKIP

Importing this package loads neither torch nor transformers; `load` does what a model needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textgen.errors import DataError, ModelError, TextgenError, UsageError
from textgen.schema import Row
from textgen.version import __version__

if TYPE_CHECKING:
    from textgen.backends.base import Backend
    from textgen.batch.planner import run_batch as run_batch

__all__ = ["DataError", "ModelError", "Row", "TextgenError", "UsageError", "__version__", "load", "run_batch"]


def load(
    model: str,
    *,
    task: str | None = None,
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    adapter: str | None = None,
) -> Backend[Any, Any]:
    """Load a model, ready to generate.

    Args:
        model: An embedded name (`title`, `gpt2`, `bert`) or the path of a model directory; or what writes by
            editing under the embedded models: `compose`, `rewrite`, `correct`, `fill`. A name wins over a
            folder of the same name; `./bert` is the folder.
        task: `title` or `sample`, what it is to do; by default what models of its kind usually do. A causal
            model of another make, such as a Qwen, does both.
        precision: What its matrices are multiplied in: `fp32`, `bf16`, `int8`, or `auto`, which is int8 where
            the processor and torch can, bf16 on a GPU (fp32 for Markov chains), else fp32. Texts may differ
            between precisions.
        device: Where it computes: `cpu`, `cuda`, or `auto`, which is a GPU where there is one. What torch's
            default device is for the rest of the process does not matter, and stays.
        threads: How many it computes with, while it does; by default those that the process may use, or as
            many as the environment variable TEXTGEN_THREADS says.
        adapter: The directory of a PEFT adapter, such as LoRA, that was trained on the model.

    Returns:
        The backend of the model's kind; see its `generate` (and `stream`, where it can).

    Raises:
        UsageError: There is no such model or device, the model cannot do the task, the machine cannot compute
            in that precision, or a number of threads is none.
        ModelError: The directory is not a model of a known kind, or its files are broken.
    """
    from textgen.backends.loading import open_backend

    return open_backend(model, precision, device, threads, task, adapter)


def __getattr__(name: str) -> Any:
    if name == "run_batch":  # what it imports takes a while
        from textgen.batch.planner import run_batch

        return run_batch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
