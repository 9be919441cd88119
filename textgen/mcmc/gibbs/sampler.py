"""Gibbs sampling on a masked language model, plain or corrected by Metropolis-Hastings, over ids alone.

苏剑林, 搜出来的文本（三）：基于BERT的文本采样, https://kexue.fm/archives/8119: mask one place, draw its
piece from the model's conditional, put it back. A masked model's conditionals need not come from one joint
law; a plain chain still has a law of its own, that of its scan, and a temperature or a cut on what is drawn
changes that law. Corrected, the same draws are proposals, and the law is exp(-E) of an energy that is
known (Goyal et al. 2021, https://arxiv.org/abs/2106.02736); a temperature or a cut changes only how fast
the chain gets there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import torch

from textgen.choice.categorical import invert_cdf
from textgen.mcmc.acceptance import accepts
from textgen.mcmc.gibbs.chain import ACCEPT, FILL, ORDER, SITE, TOKEN, Chain, Course, Proposal, Update
from textgen.mcmc.gibbs.energy import Conditionals, ProposalLaw, Site, View, local, log_ratio
from textgen.mcmc.scan import Scan
from textgen.mcmc.schedule import Schedule

Move = tuple[Chain, list[int]]  # a chain, and the places to draw anew
Drawn = tuple[int, float, float]  # a piece, its log q, and that of the piece that was there


@dataclass(frozen=True)
class GibbsSampler:
    """Draws places anew, and accepts what was drawn.

    Attributes:
        conditionals: What the model says of masked places.
        scan: Which places are drawn together.
        proposal: The law they are drawn from.
        energy: Scores whose negative sum is the energy of the law to sample, `energy.raw` or `local`; None
            is plain Gibbs sampling, which accepts everything.
        schedule: Temperatures of that law over the sweeps: 1 for a sample, falling for a search.
    """

    conditionals: Conditionals
    scan: Scan = field(default_factory=Scan)
    proposal: ProposalLaw = field(default_factory=ProposalLaw)
    energy: View | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def run(self, chains: Sequence[Chain], course: Course) -> None:
        """Run chains of one padded length.

        Places that start as masks are first filled once each in random order, everything accepted, which
        is no sweep.
        """
        self._fill(chains)
        self.measure(chains)
        ends = [course.sweeps * self.steps(chain) for chain in chains]
        for step in range(max(ends)):
            going = [chain for chain, end in zip(chains, ends, strict=True) if step < end]
            proposals = self.propose([(chain, self._places(chain, step)) for chain in going], step)
            temperatures = [self.schedule.at(step // self.steps(chain), course.sweeps) for chain in going]
            judged = self.judge(proposals, temperatures)
            for proposal, (energy, ratio) in zip(proposals, judged, strict=True):
                accepted = accepts(ratio, proposal.chain.uniform(step, ACCEPT))
                self._settle(proposal, energy, accepted, step, course)

    def steps(self, chain: Chain) -> int:
        """Steps of a sweep."""
        return len(self.scan.sizes(len(chain.free)))

    def measure(self, chains: Sequence[Chain]) -> None:
        """Compute the energies of the present states; plain Gibbs sampling has none."""
        if self.energy is None:
            return
        stays = [Proposal(chain, [], chain.ids, 0.0, 0.0) for chain in chains]
        for chain, (energy, _) in zip(chains, self._measured(stays, self.energy), strict=True):
            chain.energy = energy

    def sites(self, chain: Chain, places: Sequence[int], *, opening: bool = False) -> list[Site]:
        """What is looked at to draw the places anew, or to fill them first."""
        allowed = chain.opening if opening and chain.opening is not None else chain.allowed
        return self.conditionals.sites(chain.ids, places, allowed, together=self.scan.together)

    def propose(self, moves: Sequence[Move], step: int, stream: int = TOKEN) -> list[Proposal]:
        """Draw some places of every chain from the proposal law."""
        sites = [
            site for chain, places in moves for site in self.sites(chain, places, opening=stream == FILL)
        ]
        uniforms = [chain.uniform(step, stream, n) for chain, places in moves for n in range(len(places))]
        present = torch.tensor([chain.ids[place] for chain, places in moves for place in places])
        drawn: list[Drawn] = []
        for part, logits in self.conditionals.parts(sites):
            law = self.proposal(logits)
            tokens = invert_cdf(law.exp(), uniforms[part])
            both = law.gather(1, torch.stack([tokens, present[part]], 1)).tolist()
            drawn += [(token, *logs) for token, logs in zip(tokens.tolist(), both, strict=True)]
        at = iter(drawn)
        return [self.proposed(chain, places, [next(at) for _ in places]) for chain, places in moves]

    def proposed(self, chain: Chain, places: list[int], drawn: Sequence[Drawn]) -> Proposal:
        """The proposal of what was drawn at each place."""
        ids = list(chain.ids)
        for place, (token, _, _) in zip(places, drawn, strict=True):
            ids[place] = token
        reverse = sum(back for _, _, back in drawn) if self.scan.together else None
        return Proposal(chain, places, ids, sum(forth for _, forth, _ in drawn), reverse)

    def judge(
        self, proposals: Sequence[Proposal], temperatures: Sequence[float]
    ) -> list[tuple[float | None, float]]:
        """The energy of each proposed state, and the logarithm of its acceptance ratio."""
        if self.energy is None:
            return [(None, 0.0 if proposal.held else -inf) for proposal in proposals]
        found: list[tuple[float | None, float]] = [
            (inf, -inf) if proposal.changed else (proposal.chain.energy, 0.0) for proposal in proposals
        ]
        # l masked copies are a lot to compute for what is there already, or for what has no way back
        numbers = [n for n, proposal in enumerate(proposals) if proposal.changed and proposal.possible]
        measured = self._measured([proposals[n] for n in numbers], self.energy)
        for n, (energy, reverse) in zip(numbers, measured, strict=True):
            before, forward = proposals[n].chain.energy, proposals[n].forward
            assert before is not None  # from `measure`
            found[n] = energy, log_ratio(before, energy, forward, reverse, temperatures[n])
        return found

    def pseudo_logprob(self, chain: Chain, ids: list[int]) -> float:
        """Sum over the free places of the log-probability of their piece in `ids` given all others."""
        sites = self.conditionals.sites(ids, chain.free, chain.allowed)
        return float(self.conditionals.scores(sites, [(local, [ids[place] for place in chain.free])]).sum())

    def _measured(self, proposals: Sequence[Proposal], energy: View) -> list[tuple[float, float]]:
        """Energies of the proposed states, and log q of the way back."""
        weighed = [(proposal, place) for proposal in proposals for place in proposal.chain.weighed]
        sites = [
            site
            for proposal in proposals
            for site in self.conditionals.sites(proposal.ids, proposal.chain.weighed, proposal.chain.allowed)
        ]
        asked = [(energy, [proposal.ids[place] for proposal, place in weighed])]
        if not self.scan.together:
            asked.append((self.proposal, [proposal.chain.ids[place] for proposal, place in weighed]))
        scores = self.conditionals.scores(sites, asked)
        found, start = [], 0
        for proposal in proposals:
            end = start + len(proposal.chain.weighed)
            back = proposal.reverse
            if back is None:
                drawn = [place in proposal.places for place in proposal.chain.weighed]
                back = float(scores[1, start:end][drawn].sum())
            found.append((-float(scores[0, start:end].sum()), back))
            start = end
        return found

    def _settle(
        self, proposal: Proposal, energy: float | None, accepted: bool, step: int, course: Course
    ) -> None:
        chain, changed = proposal.chain, accepted and proposal.changed
        novel = [place for place in proposal.places if proposal.ids[place] != chain.ids[place]]
        places = novel or proposal.places
        if accepted:
            chain.ids, chain.energy = proposal.ids, energy
        chain.drawn += proposal.forward
        chain.moves.count(self.scan.kind, accepted=accepted, changed=changed)
        sweep, update = divmod(step, self.steps(chain))
        chain.record(sweep + 1, course, ended=update + 1 == self.steps(chain))
        if course.on_update:
            target = proposal.forward if chain.energy is None else -chain.energy
            course.on_update(Update(chain, step + 1, self.scan.kind, places, accepted, changed, target))

    def _fill(self, chains: Sequence[Chain]) -> None:
        orders = [self._masked(chain) for chain in chains]
        for step in range(max(map(len, orders))):
            moves = [(c, [order[step]]) for c, order in zip(chains, orders, strict=True) if step < len(order)]
            for proposal in self.propose(moves, step, FILL):
                proposal.chain.ids = proposal.ids

    def _masked(self, chain: Chain) -> list[int]:
        masked = [place for place in chain.free if chain.ids[place] == self.conditionals.mask]
        return sorted(masked, key=lambda place: chain.uniform(place, ORDER))

    def _places(self, chain: Chain, step: int) -> list[int]:
        update = step % self.steps(chain)
        return self.scan.places(chain.free, update, lambda n: chain.uniform(step, SITE, n))
