"""How seconds grow with the length of texts, beams, rows, candidates and chains: a table and log-log plots.

    python benchmarks/growth.py OUT.png [--only JOB …] [--most 512] [--repeats 1]

Each line of the Markdown table varies one size over powers of two and keeps the others; texts have a fixed
number of tokens. The slope is that of log seconds against log size, by least squares: 1 is proportional, and
what grows more slowly than its work still has room in a batch. Needs the extra `plot`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from contestants.in_turn import machine
from matplotlib.figure import Figure

import textgen
from textgen.compute import WAITING

SENTENCE = "去年冬天，城北的旧厂房改建成了一座图书馆，周末常有附近的居民带着孩子来这里读书、写字、听讲座。"
WORDS = ("春天", "公园")
TITLE = {"decode": "beam", "checks": False, "min_new_tokens": 15, "max_new_tokens": 16}
load = cache(textgen.load)


@dataclass(frozen=True)
class Growth:
    """A job, the size of it that grows, and how to do it at a size."""

    job: str
    what: str
    sizes: tuple[int, ...]
    run: Callable[[int], Any]


@dataclass(frozen=True)
class Measured:
    """The seconds of a job by size."""

    growth: Growth
    seconds: dict[int, float]

    @property
    def slope(self) -> float:
        """The exponent of the size; not a number for a single one."""
        if len(self.seconds) < 2:
            return float("nan")
        return float(np.polyfit(np.log([*self.seconds]), np.log([*self.seconds.values()]), 1)[0])


def powers(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**n for n in range(first.bit_length() - 1, last.bit_length()))


GROWTHS = [
    Growth("titles", "tokens of the article", powers(16, 256), lambda n: titles(length=n)),
    Growth("titles", "beams", powers(1, 32), lambda n: titles(beams=n)),
    Growth("titles", "articles", powers(1, 32), lambda n: titles(articles=n)),
    Growth("gpt2", "tokens", powers(8, 512), lambda n: samples(tokens=n)),
    Growth("gpt2", "rows", powers(1, 128), lambda n: samples(rows=n)),
    Growth("gpt2", "candidates of a row", powers(1, 64), lambda n: samples(candidates=n)),
    Growth("gibbs", "tokens", powers(8, 64), lambda n: gibbs(length=n)),
    Growth("gibbs", "chains", powers(1, 32), lambda n: gibbs(chains=n)),
    Growth("cgmh", "tokens", powers(8, 64), lambda n: rewrites(length=n)),
    Growth("cgmh", "chains", powers(1, 16), lambda n: compositions(chains=n)),
    Growth("cgmh", "candidates", powers(4, 128), lambda n: compositions(candidates=n)),
]


def titles(length: int = 128, beams: int = 4, articles: int = 1) -> None:
    """One title each, of 16 tokens."""
    texts = [text_of(length, str(number)) for number in range(articles)]
    load("title").generate(texts, beams=beams, batch_size=articles, **TITLE)


def samples(tokens: int = 16, rows: int = 1, candidates: int = 1) -> None:
    given = [textgen.Row("春天来了，", id=str(number)) for number in range(rows)]
    length = {"min_new_tokens": tokens - 1, "max_new_tokens": tokens, "end_at": "any"}
    load("gpt2").generate(given, num_candidates=candidates, batch_size=rows, seed=1, **length)


def gibbs(length: int = 16, chains: int = 4) -> None:
    """One sweep from masks."""
    options = {"num_candidates": chains, "batch_size": chains, "length": (length, length)}
    load("bert").generate([""], sweeps=1, seed=1, **options)


def rewrites(length: int) -> None:
    """Eight edits of four chains."""
    load("rewrite").generate([text_of(length)], chains=4, steps=8, seed=1)


def compositions(chains: int = 4, candidates: int = 16) -> None:
    """Eight edits a chain, behind the words that are drawn before the first."""
    row = textgen.Row("", keywords=WORDS)
    load("compose").generate([row], chains=chains, candidates=candidates, steps=8, seed=1)


def text_of(length: int, beginning: str = "") -> str:
    """A text of about so many tokens."""
    tokenizer = load("title").tokenizer
    long = beginning + SENTENCE * (length * 2 // len(SENTENCE) + 1)
    found: str = tokenizer.decode(tokenizer.encode(long)[:length])
    return found


def measured(growth: Growth, most: int, repeats: int) -> Measured:
    sizes = [size for size in growth.sizes if size <= most]
    growth.run(sizes[0])  # what is loaded once
    return Measured(growth, {size: min(seconds(growth, size, repeats)) for size in sizes})


def seconds(growth: Growth, size: int, repeats: int) -> Iterable[float]:
    for _ in range(repeats):
        began = time.perf_counter()
        growth.run(size)
        yield time.perf_counter() - began


def draw(found: list[Measured], file: Path) -> None:
    """One plot a job, a line a size that grows."""
    jobs = list(dict.fromkeys(one.growth.job for one in found))
    rows = -(-len(jobs) // 2)
    figure = Figure(figsize=(9, 3.4 * rows), layout="constrained")
    for number, job in enumerate(jobs, 1):
        axes = figure.add_subplot(rows, 2, number)
        for one in (one for one in found if one.growth.job == job):
            label = f"{one.growth.what}, slope {one.slope:.2f}"
            axes.plot([*one.seconds], [*one.seconds.values()], marker="o", label=label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:.3g}")
        axes.set(title=job, xlabel="size", ylabel="seconds")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(file, dpi=120)


def main() -> None:
    jobs = list(dict.fromkeys(growth.job for growth in GROWTHS))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--only", nargs="+", choices=jobs, default=jobs, metavar="JOB", help=", ".join(jobs))
    parser.add_argument("--most", type=int, default=512, help="largest size")
    parser.add_argument("--repeats", type=int, default=1, help="times each is done; the fastest counts")
    given = parser.parse_args()
    os.environ |= WAITING  # torch reads it when it is imported
    print(f"before: {machine()}\n")
    sizes = [size for size in powers(1, 512) if size <= given.most]
    print("| job | grows with | " + " | ".join(map(str, sizes)) + " | slope |")
    print("|---|---|" + "---:|" * (len(sizes) + 1))
    found = []
    wanted = [growth for growth in GROWTHS if growth.job in given.only and growth.sizes[0] <= given.most]
    for growth in wanted:
        found.append(one := measured(growth, given.most, given.repeats))
        cells = [f"{one.seconds[size]:.2f}" if size in one.seconds else "" for size in sizes]
        print(f"| {growth.job} | {growth.what} | " + " | ".join(cells) + f" | {one.slope:.2f} |", flush=True)
    draw(found, given.out)
    print(f"\nafter: {machine()}")


if __name__ == "__main__":
    main()
