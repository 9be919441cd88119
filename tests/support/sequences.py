"""Models of texts and of places that are tables, and the exact transition matrix of a chain over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import permutations, product
from math import exp, inf

import torch
from torch import Tensor

from textgen.mcmc.cgmh.edits import FREE, NO_SUBJECT, PARAPHRASE, Context, Ids, State, Subject
from textgen.mcmc.cgmh.kernel import Cgmh
from textgen.mcmc.cgmh.moves import Choice, choices, log_proposals, log_ways
from textgen.mcmc.cgmh.proposals import ContextProposals
from textgen.mcmc.cgmh.target import Point
from textgen.mcmc.chain import Chain, Course, Step, run
from textgen.mcmc.schedule import Schedule
from textgen.models.views import Scored

ONE = Schedule()
# log of the reverse proposal's probability less that of the proposal
Ratio = Callable[[State, State, Choice, Tensor, int], float]
DistributionOf = Callable[[State, Choice], Tensor]


def normal(size: int, *parts: object) -> Tensor:
    """Normal numbers in float64, a pure function of what they are for."""
    digest = blake2b(repr(parts).encode(), digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
    return torch.randn(size, generator=generator, dtype=torch.float64)


@dataclass
class BigramModel:
    """A `SequenceModel`: every token depends on the one before it, and so does the end.

    Attributes:
        table: Log-probabilities `(vocab + 1, vocab + 1)`; the last row is the beginning, the last column the
            end.
        calls: For every call the texts, and the texts that the parents were of.
    """

    table: Tensor
    calls: list[tuple[list[Ids], list[Ids | None]]] = field(default_factory=list)
    known: dict[Ids, float] = field(default_factory=dict)

    def score(
        self, texts: Sequence[Ids], parents: Sequence[Scored | None], *, remember: bool = True
    ) -> list[Scored]:
        assert len(texts) == len(parents)
        self.calls.append((list(texts), [parent.memory if parent else None for parent in parents]))
        return [Scored(self.logprob(tuple(text)), tuple(text) if remember else None) for text in texts]

    def logprob(self, text: Ids) -> float:
        if text not in self.known:
            edge = len(self.table) - 1
            assert all(0 <= token < edge for token in text)
            self.known[text] = float(self.table[[edge, *text], [*text, edge]].sum())
        return self.known[text]


def random_bigrams(vocab: int, seed: int, scale: float = 1.0) -> BigramModel:
    rows = [scale * normal(vocab + 1, "bigram", seed, row) for row in range(vocab + 1)]
    return BigramModel(torch.stack(rows).log_softmax(-1))


@dataclass
class TabularContext:
    """A `ContextModel`: normal logits, another draw for every context.

    Attributes:
        vocab: Pieces.
        seed: Of the draws.
        rows: Those drawn so far, by context.
        calls: How many contexts each call had.
    """

    vocab: int
    seed: int
    scale: float = 1.5
    rows: dict[Context, int] = field(default_factory=dict)
    drawn: list[Tensor] = field(default_factory=list)
    stacked: Tensor = field(default_factory=lambda: torch.empty(0))
    calls: list[int] = field(default_factory=list)

    def logits(self, contexts: Sequence[Context]) -> Tensor:
        self.calls.append(len(contexts))
        for context in contexts:
            if context not in self.rows:
                self.rows[context] = len(self.drawn)
                self.drawn.append(
                    self.scale * normal(self.vocab, self.seed, tuple(context.left), tuple(context.right))
                )
        if len(self.stacked) < len(self.drawn):
            self.stacked = torch.stack(self.drawn)
        return self.stacked[[self.rows[context] for context in contexts]]


@dataclass
class PrefixModel:
    """A `NextTokenModel`: normal logits, another draw for every prefix, the source included.

    Attributes:
        vocab_size: Pieces.
        seed: Of the draws.
        calls: The tokens of each call.
    """

    vocab_size: int
    seed: int
    calls: list[list[list[int]]] = field(default_factory=list)

    def start(self, sources: Sequence[Ids]) -> list[Ids]:
        return [tuple(source) for source in sources]

    def step(self, state: list[Ids], tokens: Tensor) -> Tensor:
        return self.extend(state, tokens[:, None])[:, 0]

    def extend(self, state: list[Ids], tokens: Tensor) -> Tensor:
        assert len(tokens) == len(state)
        self.calls.append(tokens.tolist())
        rows = []
        for n, row in enumerate(tokens.tolist()):
            rows.append(torch.stack([self.after((*state[n], *row[: m + 1])) for m in range(len(row))]))
            state[n] = (*state[n], *row)
        return torch.stack(rows)

    def after(self, prefix: Ids) -> Tensor:
        """Raw logits `(vocab,)`."""
        return 1.5 * normal(self.vocab_size, "prefix", self.seed, tuple(prefix))


def everything(vocab: int) -> Tensor:
    return torch.ones(vocab, dtype=torch.bool)


def proposals(
    vocab: int, *, top_k: int = 0, epsilon: float = 0.1, temperature: float = 1.0
) -> ContextProposals:
    """The distribution of a token from a random context model."""
    return ContextProposals(
        TabularContext(vocab, 5), everything(vocab), temperature=temperature, top_k=top_k, epsilon=epsilon
    )


def walk(
    kernel: Cgmh,
    chains: Sequence[Chain[Point]],
    steps: int,
    on_step: Callable[[Chain[Point], Step[Point]], None] = lambda chain, step: None,
    *,
    schedule: Schedule = ONE,
) -> None:
    """Run chains for some steps."""
    run(kernel, chains, Course(steps, thin=0, schedule=schedule), on_step)


def at_most(most: int) -> Callable[[State], bool]:
    """A constraint."""
    return lambda state: len(state.ids) <= most


def states_of(
    keywords: Sequence[Ids],
    vocab: int,
    most: int,
    *,
    any_order: bool = False,
    open_left: bool = True,
    open_right: bool = True,
    subject: Subject = NO_SUBJECT,
) -> list[State]:
    """All texts of at most `most` tokens with the keywords, locked wherever they may be."""
    spans = [(tuple(tokens), label) for label, tokens in enumerate(keywords, 1)]
    orders = list(permutations(spans)) if any_order else [tuple(spans)]
    room = most - sum(len(tokens) for tokens, _ in spans)
    return [
        State.of(_parts(order, blanks), open_left=open_left, open_right=open_right, subject=subject)
        for order in orders
        for blanks in _blanks(len(spans) + 1, room, vocab)
        if (open_left or not blanks[0]) and (open_right or not blanks[-1])
    ]


def _parts(order: Sequence[tuple[Ids, int]], blanks: Sequence[Ids]) -> list[tuple[Ids, int]]:
    """Spans with blanks before, between and behind them."""
    parts = [(blanks[0], FREE)]
    for span, blank in zip(order, blanks[1:], strict=True):
        parts += [span, (blank, FREE)]
    return parts


def _blanks(count: int, room: int, vocab: int) -> Iterator[tuple[Ids, ...]]:
    """All ways to write `count` blanks of together at most `room` tokens."""
    if not count:
        yield ()
        return
    for length in range(room + 1):
        for first in product(range(vocab), repeat=length):
            for rest in _blanks(count - 1, room - length, vocab):
                yield (first, *rest)


@dataclass(frozen=True)
class Space:
    """The states that a distribution holds, and where they are in the matrix.

    Attributes:
        points: The states, judged.
        number: Their numbers.
    """

    points: list[Point]
    number: dict[State, int]

    def distribution(self, temperature: float = 1.0) -> Tensor:
        """The distribution at a temperature, normalised."""
        energies = [point.log_target / temperature for point in self.points]
        return torch.tensor(energies, dtype=torch.float64).softmax(0)

    def shares(self, states: Sequence[State]) -> Tensor:
        """How often each state is among some."""
        counts = torch.tensor([self.number[state] for state in states]).bincount(minlength=len(self.points))
        return counts.double() / counts.sum()


def space_of(chain: Cgmh, states: Sequence[State]) -> Space:
    assert len(set(states)) == len(states)
    points = chain.target.points(states, [None] * len(states))
    possible = [point for point in points if point.log_target > -inf]
    return Space(possible, {point.state: n for n, point in enumerate(possible)})


def transitions(
    chain: Cgmh,
    space: Space,
    temperature: float = 1.0,
    *,
    ratio: Ratio | None = None,
    distribution_of: DistributionOf | None = None,
) -> Tensor:
    """The transition matrix, made of the functions of the kernel; what is refused stays.

    Args:
        chain: The kernel.
        space: Its states.
        temperature: Of the distribution.
        ratio: Stands for `log_proposals`.
        distribution_of: Stands for the distribution of the token.
    """
    if ratio is None:

        def ratio(before: State, after: State, choice: Choice, distribution: Tensor, token: int) -> float:
            if choice.move == PARAPHRASE:
                return log_ways(before, after, chain.neighbours(before), chain.neighbours(after))
            return log_proposals(before, after, choice, distribution, token, chain.operations)

    found = torch.zeros(len(space.points), len(space.points), dtype=torch.float64)
    tried = [
        (n, choice, chance / len(places))
        for n, point in enumerate(space.points)
        for move, chance in vars(chain.operations).items()
        if chance
        for places in [choices(point.state, move, chain.neighbours(point.state))]
        for choice in places
    ]
    distributions = _distributions(chain, space, [(n, choice) for n, choice, _ in tried], distribution_of)
    assert (torch.stack(distributions).exp().sum(1) - 1).abs().max() < 1e-12
    for (n, choice, chance), distribution in zip(tried, distributions, strict=True):
        before = space.points[n]
        for token, drawn in enumerate(_draws(choice, distribution)):
            state = choice.apply(before.state, token)
            if not drawn or state not in space.number:
                assert not drawn or not _possible(chain, state), f"{state} was not enumerated"
                continue
            after = space.points[space.number[state]]
            change = (after.log_target - before.log_target) / temperature
            change += ratio(before.state, state, choice, distribution, token)
            found[n, space.number[state]] += chance * drawn * exp(min(0.0, change))
    return found + torch.diag(1 - found.sum(1))


def _distributions(
    chain: Cgmh, space: Space, tried: Sequence[tuple[int, Choice]], distribution_of: DistributionOf | None
) -> list[Tensor]:
    if distribution_of is not None:
        return [distribution_of(space.points[n].state, choice) for n, choice in tried]
    contexts = [choice.context(space.points[n].state) for n, choice in tried]
    return list(chain.proposals.distributions(contexts, [space.points[n].scored for n, _ in tried]))


def _draws(choice: Choice, distribution: Tensor) -> list[float]:
    """The probability of every token that may be drawn; a move that needs none has one way."""
    return distribution.exp().tolist() if choice.move in ("replace", "insert") else [1.0]


def _possible(chain: Cgmh, state: State) -> bool:
    return all(holds(state) for holds in chain.target.constraints) and (
        chain.target.points([state], [None])[0].log_target > -inf
    )


def closed_classes(matrix: Tensor) -> int:
    """How many sets of states there are that are never left and in which every state leads to every other."""
    reached = (matrix > 0).double() + torch.eye(len(matrix), dtype=torch.float64)
    for _ in range(len(matrix).bit_length()):
        reached = ((reached @ reached) > 0).double()
    both = reached * reached.T
    closed = (both == reached).all(1)
    return len({tuple(row) for row in both[closed].tolist()})


def unit_eigenvalues(matrix: Tensor) -> int:
    return int(((torch.linalg.eigvals(matrix) - 1).abs() < 1e-9).sum())


def stationary(matrix: Tensor) -> Tensor:
    """The distribution that the chain ends in; it has only one."""
    assert closed_classes(matrix) == 1
    system = torch.cat([matrix.T - torch.eye(len(matrix)), torch.ones(1, len(matrix))])
    wanted = torch.zeros(len(matrix) + 1, 1, dtype=torch.float64)
    wanted[-1] = 1.0
    return torch.linalg.lstsq(system, wanted).solution[:, 0]


def distance(one: Tensor, other: Tensor) -> float:
    """Total variation."""
    return float((one - other).abs().sum() / 2)
