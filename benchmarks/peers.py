"""textgen against what else one can write the same with, each in a process of its own, in turn.

    python benchmarks/peers.py sample [--rows 1,16,64] [--tokens 128]

Samples of gpt2: transformers and CTranslate2 (`pip install '.[bench]'`), which is left out where it is not.
In every round each contestant does the work once, so a busy machine disturbs all alike; told are the
medians of the speeds, of the ratios to every peer, and the load of the machine before and after. textgen
runs with the environment that its command sets; peers have the user's own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from contestants import sampling
from contestants.in_turn import Contestant, Match, print_table

Play = Callable[[argparse.Namespace, Path], None]


def sample(given: argparse.Namespace, folder: Path) -> None:
    with Match(chosen(sampling.contestants(folder), given.only), (1, 4)) as match:
        for rows in map(int, given.rows.split(",")):
            turns = match.play((rows, given.tokens), given.rounds)
            print_table(turns, f"{rows} rows of {given.tokens} tokens", "tokens", sampling.PEERS)


def chosen(contestants: list[Contestant], only: list[str]) -> list[Contestant]:
    """Those whose names have one of the words; all, if there are none."""
    return [one for one in contestants if not only or any(word in one.name for word in only)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)

    def command(play: Play, help: str, rounds: int) -> argparse.ArgumentParser:
        found = commands.add_parser(play.__name__, help=help)
        found.set_defaults(play=play)
        found.add_argument("--rounds", type=int, default=rounds)
        found.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of names")
        return found

    of_samples = command(sample, "texts of gpt2", 5)
    of_samples.add_argument("--rows", default="1,16,64")
    of_samples.add_argument("--tokens", type=int, default=128)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given.play(given, Path(folder))


if __name__ == "__main__":
    main()
