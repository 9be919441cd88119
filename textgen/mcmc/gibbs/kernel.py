"""Gibbs sampling on a masked language model, plain or corrected by Metropolis-Hastings, over ids alone.

苏剑林, 搜出来的文本（三）：基于BERT的文本采样, https://kexue.fm/archives/8119: mask one place, draw its
token from the model's conditional, put it back. A masked model's conditionals need not come from one joint
distribution; a plain chain still has one of its own, that of its scan, and a temperature or a cut on what is
drawn changes it. Corrected, the same draws are proposals, and the chain samples exp(-E) of an energy that is
known (Goyal et al. 2021, https://arxiv.org/abs/2106.02736); a temperature or a cut changes only how fast it
gets there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

import torch

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.chain import Chain, Step, accepts
from textgen.mcmc.gibbs.energy import Conditionals, ProposalDistribution, Site, TokenScores, local, log_ratio
from textgen.mcmc.gibbs.point import Point, Proposal, Template
from textgen.mcmc.scan import Scan

# which of a chain's streams of random numbers a draw comes from
ORDER, FILL, SITE, TOKEN, LENGTH, ACCEPT = range(6)

Move = tuple[Point, list[int]]  # a point, and the places to draw anew
Drawn = tuple[int, float, float]  # a token, its log q, and that of the token that was there


@dataclass(frozen=True)
class Gibbs:
    """A kernel that draws places anew, and accepts what was drawn or not.

    Attributes:
        conditionals: The model's distributions at masked places.
        scan: Which places are drawn together.
        proposal: The distribution they are drawn from.
        energy: Scores whose negative sum is the energy of the distribution to sample, `energy.raw` or
            `local`; None is plain Gibbs sampling, which accepts everything.
    """

    conditionals: Conditionals
    scan: Scan = field(default_factory=Scan)
    proposal: ProposalDistribution = field(default_factory=ProposalDistribution)
    energy: TokenScores | None = None

    def chain(
        self, key: bytes, candidate: int, ids: list[int], template: Template, *, name: str = ""
    ) -> Chain[Point]:
        """A chain that is to be started by `start`; see `Chain` for the arguments."""
        places = template.free if self.energy is None else template.energy_places
        period = len(self.scan.sizes(len(template.free)))
        return Chain(key, candidate, Point(ids, template), period, len(places), name=name)

    def start(self, chains: Sequence[Chain[Point]]) -> None:
        """Bring chains of one padded length to their first points.

        Masked places are filled once each in random order, everything accepted, which is no sweep.
        """
        orders = [self._masked(chain) for chain in chains]
        for number in range(max(map(len, orders))):
            filled = [
                (chain, [order[number]])
                for chain, order in zip(chains, orders, strict=True)
                if number < len(order)
            ]
            uniforms = [chain.uniform(FILL, step=number) for chain, _ in filled]
            moves = [(chain.point, places) for chain, places in filled]
            for (chain, _), proposal in zip(filled, self.propose(moves, uniforms, opening=True), strict=True):
                chain.point = replace(chain.point, ids=proposal.ids)
        points = self.with_energies([chain.point for chain in chains])
        for chain, point in zip(chains, points, strict=True):
            chain.point = point

    def step(self, chains: Sequence[Chain[Point]]) -> list[Step[Point]]:
        """One step of every chain; see `Kernel`."""
        places = [self._places(chain) for chain in chains]
        uniforms = [
            chain.uniform(TOKEN, n)
            for chain, drawn in zip(chains, places, strict=True)
            for n in range(len(drawn))
        ]
        moves = [(chain.point, drawn) for chain, drawn in zip(chains, places, strict=True)]
        proposals = self.propose(moves, uniforms)
        judged = self.judge(proposals, [chain.temperature for chain in chains])
        return [
            self._step(proposal, energy, accepted=accepts(ratio, chain.uniform(ACCEPT)))
            for chain, proposal, (energy, ratio) in zip(chains, proposals, judged, strict=True)
        ]

    def with_energies(self, points: Sequence[Point]) -> list[Point]:
        """The points with their energies; plain Gibbs sampling has none."""
        if self.energy is None:
            return list(points)
        stays = [Proposal(point, [], point.ids, 0.0, 0.0) for point in points]
        energies = self._energies(stays, self.energy)
        return [replace(point, energy=energy) for point, (energy, _) in zip(points, energies, strict=True)]

    def sites(self, point: Point, places: Sequence[int], *, opening: bool = False) -> list[Site]:
        """The masked places to look at to draw the places anew, or to fill them first."""
        template = point.template
        allowed = template.opening if opening and template.opening is not None else template.allowed
        return self.conditionals.sites(point.ids, places, allowed, together=self.scan.together)

    def propose(
        self, moves: Sequence[Move], uniforms: Sequence[float], *, opening: bool = False
    ) -> list[Proposal]:
        """Draw some places of every point, with a random number each, from the proposal distribution."""
        sites = [site for point, places in moves for site in self.sites(point, places, opening=opening)]
        present = torch.tensor([point.ids[place] for point, places in moves for place in places])
        drawn: list[Drawn] = []
        for part, logits in self.conditionals.parts(sites):
            logprobs = self.proposal(logits)
            tokens = invert_cdf(logprobs.exp(), uniforms[part])
            both = logprobs.gather(1, torch.stack([tokens, present[part]], 1)).tolist()
            drawn += [(token, *logs) for token, logs in zip(tokens.tolist(), both, strict=True)]
        at = iter(drawn)
        return [self.proposed(point, places, [next(at) for _ in places]) for point, places in moves]

    def proposed(self, point: Point, places: list[int], drawn: Sequence[Drawn]) -> Proposal:
        """The proposal of what was drawn at each place."""
        ids = list(point.ids)
        for place, (token, _, _) in zip(places, drawn, strict=True):
            ids[place] = token
        reverse = sum(back for _, _, back in drawn) if self.scan.together else None
        return Proposal(point, places, ids, sum(forth for _, forth, _ in drawn), reverse)

    def judge(
        self, proposals: Sequence[Proposal], temperatures: Sequence[float]
    ) -> list[tuple[float | None, float]]:
        """The energy of each proposed state, and the logarithm of its acceptance ratio."""
        if self.energy is None:
            return [(None, 0.0 if proposal.reachable else -inf) for proposal in proposals]
        found: list[tuple[float | None, float]] = [
            (inf, -inf) if proposal.changed else (proposal.point.energy, 0.0) for proposal in proposals
        ]
        # l masked copies are a lot to compute for what is there already, or for what has no way back
        numbers = [n for n, proposal in enumerate(proposals) if proposal.changed and proposal.possible]
        measured = self._energies([proposals[n] for n in numbers], self.energy)
        for n, (energy, reverse) in zip(numbers, measured, strict=True):
            before, forward = proposals[n].point.energy, proposals[n].forward
            assert before is not None  # from `measured`
            found[n] = energy, log_ratio(before, energy, forward, reverse, temperatures[n])
        return found

    def pseudo_logprob(self, point: Point) -> float:
        """Sum over the free places of the log-probability of their token given all others."""
        ids, free = point.ids, point.template.free
        sites = self.conditionals.sites(ids, free, point.template.allowed)
        return float(self.conditionals.scores(sites, [(local, [ids[place] for place in free])]).sum())

    def _energies(self, proposals: Sequence[Proposal], energy: TokenScores) -> list[tuple[float, float]]:
        """Energies of the proposed states, and log q of the way back."""
        weighed = [proposal.point.template.energy_places for proposal in proposals]
        pairs = [
            (proposal, place) for proposal, places in zip(proposals, weighed, strict=True) for place in places
        ]
        sites = [
            site
            for proposal, places in zip(proposals, weighed, strict=True)
            for site in self.conditionals.sites(proposal.ids, places, proposal.point.template.allowed)
        ]
        asked = [(energy, [proposal.ids[place] for proposal, place in pairs])]
        if not self.scan.together:
            asked.append((self.proposal, [proposal.point.ids[place] for proposal, place in pairs]))
        scores = self.conditionals.scores(sites, asked)
        found = []
        parts = torch.split_with_sizes(scores, [len(places) for places in weighed], 1)
        for proposal, places, part in zip(proposals, weighed, parts, strict=True):
            back = proposal.reverse
            if back is None:
                back = float(part[1][[place in proposal.places for place in places]].sum())
            found.append((-float(part[0].sum()), back))
        return found

    def _step(self, proposal: Proposal, energy: float | None, *, accepted: bool) -> Step[Point]:
        point = replace(proposal.point, ids=proposal.ids, energy=energy) if accepted else proposal.point
        ids, before = proposal.ids, proposal.point.ids
        # the places whose token is another; where none is, those that were drawn
        edited = [place for place in proposal.places if ids[place] != before[place]] or proposal.places
        log_target = proposal.forward if point.log_target is None else point.log_target
        changed = accepted and proposal.changed
        return Step(point, self.scan.kind, accepted, changed, (min(edited), max(edited) + 1), log_target)

    def _masked(self, chain: Chain[Point]) -> list[int]:
        masked = [n for n in chain.point.template.free if chain.point.ids[n] == self.conditionals.mask]
        return sorted(masked, key=lambda place: chain.uniform(ORDER, step=place))

    def _places(self, chain: Chain[Point]) -> list[int]:
        update = chain.steps % chain.period
        return self.scan.places(chain.point.template.free, update, lambda n: chain.uniform(SITE, n))
