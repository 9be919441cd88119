"""The texts of a row's chains among their states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textgen.backends.chain_reports import Reports
from textgen.mcmc.cgmh.target import Point
from textgen.mcmc.chain import Chain, Visit
from textgen.messages import Message
from textgen.options import CgmhOptions

MOST_CHAINS = 4  # times the chains asked for, where some end at no text that may be shown

FEW = "{count} of {wanted} texts were found"

Chains = Sequence[Chain[Point]]
Found = tuple[Chain[Point], Visit[Point]]


def last_states(chains: Chains) -> list[Found]:
    """The last state of every chain that may be shown, in the order of the chains."""
    return [(chain, Visit(chain.point, chain.steps)) for chain in chains if chain.reportable(chain.point)]


def best_states(chains: Chains, decode: Callable[[list[int]], str]) -> list[Found]:
    """Different texts: the best of every chain, best first, then, to fill up, what else the chains saw.

    Args:
        chains: The chains.
        decode: Writes their ids, some of which may write the same.
    """
    found: dict[str, Found] = {}
    for rank in range(max((len(chain.best) for chain in chains), default=0)):
        visits = [(chain, chain.best[rank]) for chain in chains if rank < len(chain.best)]
        for chain, visit in sorted(visits, key=lambda pair: -pair[1].point.log_target):
            found.setdefault(decode(list(visit.point.ids)), (chain, visit))
    return list(found.values())


def further_chains(chains: Chains, options: CgmhOptions) -> int:
    """The number of chains that are still to be run for a row.

    A chain of a sample that ended at no text that may be shown is replaced by one of its own random
    numbers, which is sampling by rejection: the texts shown have the distribution of the target, given that
    they may be shown.

    Args:
        chains: Those that were run.
        options: What was asked for.
    """
    if not chains:
        return options.parallel
    if options.searching:
        return 0
    lacking = options.num_candidates - len(last_states(chains))
    return max(0, min(lacking, MOST_CHAINS * options.parallel - len(chains)))


def chain_notes(chains: Chains, options: CgmhOptions, texts: int, reports: Reports) -> tuple[str, ...]:
    """Notes for a person on the texts of a row's chains."""
    notes = []
    if texts < options.num_candidates:
        notes.append(Message(FEW, count=texts, wanted=options.num_candidates))
    if not options.searching and (lost := len(chains) - len(last_states(chains))):
        template = "{lost} of {all} chains ended at no text that may be shown"
        notes.append(Message(template, lost=lost, all=len(chains)))
    return (*notes, *reports.doubts("steps"))
