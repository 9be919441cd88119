"""A step computes what it needs, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sequences import TabularContext, at_most, everything, proposals, random_bigrams, walk

from textgen.mcmc.cgmh.edits import FREE, REPLACE, SWAP, Operations, State
from textgen.mcmc.cgmh.kernel import REMEMBERED, Cgmh
from textgen.mcmc.cgmh.proposals import ContextProposals
from textgen.mcmc.cgmh.target import Point, Target
from textgen.mcmc.chain import Chain, Step
from textgen.mcmc.schedule import Schedule
from textgen.rng import row_key

KEY = row_key(3, "chain")
MOVES = Operations(0.3, 0.25, 0.2, 0.2)
START = State.of([((0, 1), 2), ((1, 2), FREE), ((1,), 1)])


def test_where_nothing_can_be_done_nothing_is_computed() -> None:
    model, context = random_bigrams(1, 1), TabularContext(1, 5)
    distributions = ContextProposals(context, everything(1))
    asked = len(context.calls)
    still = Cgmh(Target(model), distributions, Operations(0.0, 0.0, 0.0, 0.5))
    chain = still.start(KEY, 0, State.of([((0,), FREE)]))
    walk(still, [chain], 30)
    assert set(chain.moves.proposed) == {SWAP, "none"}
    assert (len(model.calls), len(context.calls)) == (1, asked)
    # a token replaced by itself is no other text: it is accepted, and not scored again
    same = Cgmh(Target(model), distributions, Operations(1.0, 0.0, 0.0))
    walk(same, [chain], 30)
    assert chain.moves.accepted[REPLACE] == 30
    assert chain.moves.novel == 0
    assert len(model.calls) == 1


def test_texts_are_scored_from_texts_that_begin_like_them() -> None:
    model = random_bigrams(3, 1)
    kernel = Cgmh(Target(model, constraints=[at_most(6)]), proposals(3), MOVES)
    chains = [kernel.start(KEY, candidate, START) for candidate in range(3)]
    own = 0
    for _ in range(100):
        model.calls.clear()
        known = [(chain.point.state.ids, chain.point.scored.memory) for chain in chains]
        # that of the text, or of the one it was made of, if it was proposed before it was accepted
        own += sum(memory == ids for ids, memory in known)
        walk(kernel, chains, 1)
        for texts, parents in model.calls:
            assert [parent for parent in parents if parent not in [memory for _, memory in known]] == []
            assert len(texts) == len(parents) <= 3
            assert None not in parents
    assert 200 < own <= 300


def test_a_chain_that_stands_still_computes_nothing_twice() -> None:
    """It proposes the same again and again; what that is worth was found the first time."""
    model, context = random_bigrams(2, 1), TabularContext(2, 5)
    kernel = Cgmh(Target(model), ContextProposals(context, everything(2)), MOVES)
    chain = kernel.start(KEY, 0, State.of([((1, 0), 1)]))
    still = kernel.start(KEY, 1, State.of([((1, 1), 1)]))
    walk(kernel, [chain, still], 300, schedule=Schedule(1e-3, 1e-3))
    model.calls.clear()
    context.calls.clear()
    walk(kernel, [chain, still], 300, schedule=Schedule(1e-3, 1e-3))
    for one in (chain, still):
        assert one.series[-300:] == [one.point.log_target] * 300
    assert sum(len(texts) for texts, _ in model.calls) == 0
    assert sum(context.calls) == 0
    # an edit later what was known of the old text is not that of the new one
    other = kernel.start(KEY, 1, State.of([((1, 0), 1), ((1,), FREE)]))
    walk(kernel, [chain, other], 300, schedule=Schedule(3.0, 3.0))
    for one in (chain, other):
        again = kernel.target.points([one.point.state], [None])[0]
        assert one.point.log_target == again.log_target
        assert all(visit.point.log_target == model.logprob(visit.point.state.ids) for visit in one.best)
    assert len(set(chain.series)) > 20


def test_what_is_remembered_is_of_the_present_state_alone() -> None:
    model = random_bigrams(3, 1)
    kernel = Cgmh(Target(model, constraints=[at_most(30)]), proposals(3), MOVES)
    chain = kernel.start(KEY, 0, State.of([((0, 1, 2, 0) * 6, FREE)]))
    most = Counter[str]()

    def check(chain: Chain[Point], step: Step[Point]) -> None:
        memory = chain.point.memory
        assert len(memory.distributions) <= REMEMBERED
        scored = chain.point.scored
        assert all(point.scored.memory is scored.memory for point in memory.proposed.values())
        if step.changed:
            assert not memory.distributions
            assert not memory.proposed
        most["distributions"] = max(most["distributions"], len(memory.distributions))
        most["seen"] = max(most["seen"], len(memory.proposed))

    walk(kernel, [chain], 200, check)
    assert min(most["distributions"], most["seen"]) > 3
    # and of so many places: one state alone has a probability, which has more
    only = State.of([(tuple(range(3)) * 13, FREE)])
    still = replace(kernel, target=replace(kernel.target, constraints=[only.__eq__]))
    chain = still.start(KEY, 0, only)
    walk(still, [chain], 1000, check)
    assert most["distributions"] == REMEMBERED
