"""What a step of gpt2 sampling is made of: the share of matrix products, attention, filters, Python.

    python benchmarks/profile_token.py [ROWS …] [--tokens 32] [--precision auto]

Operators are counted by the module that they ran in, with their own time only. What is left of the wall
time of the same texts without the profiler, which itself slows Python down, is Python and all that is not
listed; so the shares add up to the whole. Each is the fastest of five, with and without in turn: on a busy
machine the two may still not fit together, which a negative rest tells. Times are of the calling thread,
which waits for the others.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from contestants.in_turn import machine

import textgen
from textgen.compute import WAITING

REPEATS = 5
MATRICES, ATTENTION, NORMS, FILTERS = (
    "matrix products",
    "attention and its cache",
    "norms, activations, embeddings",
    "filters and sampling",
)
REST = "Python and the rest"
PRODUCTS = ("mm", "addmm", "linear", "matmul")  # outside of a module: the output layer
# kinds of modules, the innermost first; whatever else the network does counts as norms and the like
PARTS = {"Linear": MATRICES, "Conv1D": MATRICES, "LayerNorm": NORMS, "Mlp": NORMS, "Attention": ATTENTION}
NETWORK = ("start", "read", "step")  # what a search calls of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", type=int, default=[1, 16, 64], metavar="ROWS")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    os.environ |= WAITING  # torch reads it when it is imported
    model = textgen.load("gpt2", precision=given.precision)
    print(f"{machine()}; precision {model.model.files.precision}\n")
    head = "".join(f" {rows} rows: ms a step | % |" for rows in given.rows)
    columns = [steps_of(model, rows, given.tokens) for rows in given.rows]
    print(f"| |{head}\n|---|" + "---:|" * 2 * len(columns))
    for name in (MATRICES, ATTENTION, NORMS, FILTERS, REST):
        print(
            f"| {name} |"
            + "".join(f" {one[name]:.2f} | {100 * one[name] / one.total():.0f} |" for one in columns)
        )
    print("| together |" + "".join(f" {one.total():.2f} | 100 |" for one in columns))


def steps_of(model: Any, rows: int, tokens: int) -> Counter[str]:
    """Milliseconds of a step, by what they were spent on."""

    def write() -> None:
        given = [textgen.Row("春天来了，", id=str(number)) for number in range(rows)]
        length = {"min_new_tokens": tokens - 1, "max_new_tokens": tokens, "end_at": "any"}
        model.generate(given, batch_size=rows, top_p=0.95, seed=1, **length)

    write()
    walls, parts = [], []
    for _ in range(REPEATS):
        walls.append(seconds(write))
        with named(model.network):
            found = Counter[str]()
            for event in profiled(write):
                found[part_of(event)] += event.self_cpu_time_total / 1e3 / tokens
            parts.append(found)
    best = min(parts, key=Counter.total)
    best[REST] = min(walls) * 1e3 / tokens - best.total()
    return best


def seconds(write: Callable[[], None]) -> float:
    began = time.perf_counter()
    write()
    return time.perf_counter() - began


def profiled(write: Callable[[], None]) -> list[Any]:
    """The operators that ran; they know what they ran in."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as found:
        write()
    return [event for event in found.events() if "::" in event.name]


def part_of(event: Any) -> str:
    """What an operator belongs to, by the modules around it."""
    around = []
    while event is not None:
        around.append(event.name)
        event = event.cpu_parent
    if "network" not in around:
        return FILTERS
    for name in around:
        if name in PARTS:
            return PARTS[name]
    operators = [name.partition("::") for name in around if "::" in name]
    product = any(space == "quantized" or name in PRODUCTS for space, _, name in operators)
    return MATRICES if product else NORMS


@contextmanager
def named(network: Any) -> Iterator[None]:
    """Give what runs in the network, and in each of its modules, a name in the profile."""
    from torch.nn.modules import module
    from torch.profiler import record_function

    inside: list[Any] = []

    def enter(part: Any, inputs: Any) -> None:
        inside.append(record_function(type(part).__name__))
        inside[-1].__enter__()

    def leave(part: Any, inputs: Any, output: Any) -> None:
        inside.pop().__exit__(None, None, None)

    hooks = [module.register_module_forward_pre_hook(enter), module.register_module_forward_hook(leave)]
    for name in NETWORK:
        setattr(network, name, record_function("network")(getattr(network, name)))
    yield
    for hook in hooks:
        hook.remove()
    for name in NETWORK:
        delattr(network, name)


if __name__ == "__main__":
    main()
