"""Which of the states of a row's chains are its texts."""

from __future__ import annotations

from collections.abc import Sequence

from textgen.mcmc.cgmh.chain import Chain, Visit
from textgen.mcmc.cgmh.edits import Ids
from textgen.mcmc.cgmh.sampler import Cgmh
from textgen.options import CgmhOptions

MOST_CHAINS = 4  # times the chains asked for, where some end at no text that may be shown


def last_states(chains: Sequence[Chain], kernel: Cgmh) -> list[tuple[Chain, Visit]]:
    """The last state of every chain that may be shown, in the order of the chains."""
    return [
        (chain, Visit(chain.point, chain.steps)) for chain in chains if kernel.reportable(chain.point.state)
    ]


def best_states(chains: Sequence[Chain]) -> list[tuple[Chain, Visit]]:
    """Different texts: the best of every chain, best first, then, to fill up, what else the chains saw."""
    found: dict[Ids, tuple[Chain, Visit]] = {}
    for rank in range(max((len(chain.best) for chain in chains), default=0)):
        visits = [(chain, chain.best[rank]) for chain in chains if rank < len(chain.best)]
        for chain, visit in sorted(visits, key=lambda pair: -pair[1].point.log_target):
            found.setdefault(visit.point.state.ids, (chain, visit))
    return list(found.values())


def wanting(chains: Sequence[Chain], kernel: Cgmh, options: CgmhOptions) -> int:
    """How many chains are still to be run for a row.

    A chain of a sample that ended at no text that may be shown is replaced by one of its own random
    numbers, which is sampling by rejection: what is shown has the law, given that it may be shown.

    Args:
        chains: Those that were run.
        kernel: Theirs.
        options: What was asked for.
    """
    if not chains:
        return options.parallel
    if options.searching:
        return 0
    lacking = options.num_candidates - len(last_states(chains, kernel))
    return max(0, min(lacking, MOST_CHAINS * options.parallel - len(chains)))


def told(chains: Sequence[Chain], kernel: Cgmh, options: CgmhOptions, texts: int) -> tuple[str, ...]:
    """What a person should know of the texts of a row's chains."""
    notes = []
    if texts < options.num_candidates:
        notes.append(f"{texts} of {options.num_candidates} texts were found")
    if not options.searching and (lost := len(chains) - len(last_states(chains, kernel))):
        notes.append(f"{lost} of {len(chains)} chains ended at no text that may be shown")
    return tuple(notes)
