"""textgen against what else one can write the same with, each in a process of its own, in turn.

    python benchmarks/peers.py sample [--rows 1,16,64] [--tokens 128]
    python benchmarks/peers.py titles [FILE.jsonl] [-n 200] [--every 10]

Samples of gpt2: transformers and CTranslate2 (`pip install '.[bench]'`), which is left out where it is not.
Titles by a beam of four: transformers' BERT that encodes everything anew at each step (as scripts do, it
titles one of ten articles only), and the best loop on transformers' cache; they write the same titles.

    python benchmarks/peers.py gibbs [--chains 32] [--length 20] [--sweeps 10]
    python benchmarks/peers.py cgmh [--chains 16] [--candidates 64] [--steps 100]

Markov chains on bert, and of edits around words: the published scripts, ported to transformers.

In every round each contestant does the work once, so a busy machine disturbs all alike; told are the
medians of the speeds, of the ratios to every peer, and the load of the machine before and after. textgen
runs with the environment that its command sets; peers have the user's own, in which threads wait by spinning:
on a busy machine that slows them down a lot, and `--same-environment` gives them textgen's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contestants import cgmh, gibbs, sampling, titles
from contestants.in_turn import Contestant, Match, Turn, print_table

from textgen.compute import WAITING
from textgen.files.lines import lines_in
from textgen.resources import data_dir
from textgen.text.model_input import as_read

Play = Callable[[argparse.Namespace, Path], None]


def play_samples(given: argparse.Namespace, folder: Path) -> None:
    with Match(chosen(sampling.contestants(folder), given), (1, 4)) as match:
        for rows in map(int, given.rows.split(",")):
            turns = match.play((rows, given.tokens), given.rounds)
            print_table(turns, f"{rows} rows of {given.tokens} tokens", "tokens", sampling.PEERS)


def play_titles(given: argparse.Namespace, folder: Path) -> None:
    texts = articles(given.file)[: given.n]
    with Match(chosen(titles.contestants(folder, given.every), given), [texts[0][:50]]) as match:
        turns = match.play(texts, given.rounds)
        print_table(turns, f"{len(texts)} articles", "titles", titles.PEERS)
        print_agreement(turns)


def play_gibbs(given: argparse.Namespace, folder: Path) -> None:
    with Match(chosen(gibbs.contestants(folder), given), (2, 4, 2)) as match:
        turns = match.play((given.chains, given.length, given.sweeps), given.rounds)
        print_table(turns, f"{given.chains} chains of {given.length} tokens", "moves", gibbs.PEERS)


def play_cgmh(given: argparse.Namespace, folder: Path) -> None:
    with Match(chosen(cgmh.contestants(), given), (2, 4, 2)) as match:
        turns = match.play((given.chains, given.candidates, given.steps), given.rounds)
        print_table(turns, f"{given.chains} chains, {given.candidates} candidates", "edits", cgmh.PEERS)


def articles(file: Path | None) -> list[str]:
    """The texts of a JSONL file, or else the sample articles, as a model reads them."""
    if file:
        texts = [json.loads(line)["text"] for line in lines_in(file.read_text(encoding="utf-8"))]
    else:
        found = sorted((data_dir() / "samples" / "articles").glob("*.txt"))
        texts = [path.read_text(encoding="utf-8") for path in found]
    return [as_read(text).text for text in texts]


def print_agreement(turns: dict[str, list[Turn]]) -> None:
    """Print how many titles are those of the first textgen: nearly all, or who wrote them is no peer."""
    first = next((name for name in turns if name.startswith("textgen")), None)
    for name, own in turns.items():
        if first and name != first:
            written = own[0].result
            same = sum(turns[first][0].result[number] == text for number, text in written.items())
            print(f"{name}: {same} of {len(written)} titles are those of {first}")


def chosen(contestants: list[Contestant], given: argparse.Namespace) -> list[Contestant]:
    """Those whose names have one of the words, or all if there are none, in the environment asked for."""
    found = [one for one in contestants if not given.only or any(word in one.name for word in given.only)]
    return [replace(one, environment=WAITING) for one in found] if given.same_environment else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)

    def command(name: str, play: Play, rounds: int, about: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=about)
        found.set_defaults(play=play)
        found.add_argument("--rounds", type=int, default=rounds)
        found.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of names")
        found.add_argument("--same-environment", action="store_true", help="peers have textgen's")
        return found

    of_samples = command("sample", play_samples, 5, "texts of gpt2")
    of_samples.add_argument("--rows", default="1,16,64")
    of_samples.add_argument("--tokens", type=int, default=128)
    of_titles = command("titles", play_titles, 3, "titles of articles")
    of_titles.add_argument("file", nargs="?", type=Path, metavar="FILE.jsonl")
    of_titles.add_argument("-n", type=int, metavar="ARTICLES")
    of_titles.add_argument("--every", type=int, default=10, help="articles for one that is encoded anew")
    of_gibbs = command("gibbs", play_gibbs, 3, "chains on bert")
    of_gibbs.add_argument("--chains", type=int, default=32)
    of_gibbs.add_argument("--length", type=int, default=20)
    of_gibbs.add_argument("--sweeps", type=int, default=10)
    of_cgmh = command("cgmh", play_cgmh, 3, "chains of edits around words")
    of_cgmh.add_argument("--chains", type=int, default=16)
    of_cgmh.add_argument("--candidates", type=int, default=64)
    of_cgmh.add_argument("--steps", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given.play(given, Path(folder))


if __name__ == "__main__":
    main()
