"""An automaton that finds patterns in a sequence of symbols, such as keywords in a text of tokens.

It watches all patterns at once: a state is the longest end of the sequence that begins some pattern, so a
partial match that breaks falls back to the longest part that still counts, and patterns that overlap or
hold each other are all seen. Aho & Corasick 1975, "Efficient string matching: an aid to
bibliographic search", https://doi.org/10.1145/360825.360855.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice

ROOT = 0
EXACT = 8  # labels up to which `remaining` tries every order; 2 ** labels cases

Pattern = tuple[int, ...]
Labels = frozenset[int]


class AhoCorasick:
    """An automaton over tokens, or bytes.

    Args:
        patterns: Symbols of each pattern, at least one.
        labels: The keyword that each pattern spells; several patterns may spell one.
        ordered: A label counts only behind all lower ones; what is written before its turn does not.
        once: An occurrence of a pattern counts for one label; by default for all, in its order.

    Raises:
        ValueError: A pattern is empty, or the two differ in length.
    """

    def __init__(
        self,
        patterns: Sequence[Sequence[int]],
        labels: Sequence[int],
        *,
        ordered: bool = False,
        once: bool = False,
    ) -> None:
        self.ordered = ordered
        self.once = once
        self.labels: Labels = frozenset(labels)
        self._children: list[dict[int, int]] = [{}]
        self._fail = [ROOT]
        self.prefixes: list[Pattern] = [()]  # by state, the beginning of a pattern that it stands for
        self._ends: list[set[int]] = [set()]
        self._leads: list[set[int]] = [set()]  # labels of the patterns that go on behind a node
        self._paths: dict[int, list[tuple[Pattern, list[int]]]] = {}  # patterns of a label, nodes of each
        for pattern, label in zip(patterns, labels, strict=True):
            path = self._add(tuple(pattern), label)
            self._paths.setdefault(label, []).append((tuple(pattern), path))
        self._link()
        self._shortest = {label: min(len(p) for p, _ in paths) for label, paths in self._paths.items()}
        self._needed: dict[tuple[int, Labels], int] = {}

    def step(self, state: int, token: int) -> int:
        """The state after one more symbol; `ROOT` is that of an empty text."""
        while state != ROOT and token not in self._children[state]:
            state = self._fail[state]
        return self._children[state].get(token, ROOT)

    def table(self, symbols: int) -> list[list[int]]:
        """The state after every state and each of the symbols from 0."""
        after = [[ROOT] * symbols] * len(self.prefixes)
        # shorter states are ready before those that fall back to them
        for state in sorted(range(len(after)), key=lambda state: len(self.prefixes[state])):
            after[state] = after[self._fail[state]].copy()
            for symbol, child in self._children[state].items():
                after[state][symbol] = child
        return after

    def left(self, state: int, unmet: Labels) -> Labels:
        """The unmet labels of which no pattern ends here, within a longer one or not."""
        ended = unmet & self._ends[state]
        if self.once:
            first = min(ended, default=None)
            return unmet if first is None or not {first} <= self._open(unmet) else unmet - {first}
        if not self.ordered:
            return unmet - ended
        while ended and (following := self._open(unmet)) <= ended:
            unmet, ended = unmet - following, ended - following
        return unmet

    def wanted(self, state: int, unmet: Labels) -> set[int]:
        """Tokens that continue a partial match of an unmet label, or begin one."""
        goals = self._open(unmet)
        return {
            token
            for node in self._suffixes(state)
            for token, child in self._children[node].items()
            if goals & (self._leads[child] | self._ends[child])
        }

    def matched(self, state: int, unmet: Labels) -> int:
        """Tokens of the longest partial match of an unmet label."""
        goals = self._open(unmet)
        return next((len(self.prefixes[n]) for n in self._suffixes(state) if goals & self._leads[n]), 0)

    def remaining(self, state: int, unmet: Labels) -> int:
        """The least number of tokens that complete all unmet labels.

        Exact for up to `EXACT` labels (the shortest common superstring that begins with the partial
        match); else at most what it takes to write them one after the other. In either case some wanted
        token lowers it by one. Labels without a pattern are not counted.
        """
        unmet &= self.labels
        if not unmet:
            return 0
        if (state, unmet) not in self._needed:
            self._needed[state, unmet] = self._least(state, unmet)
        return self._needed[state, unmet]

    def _least(self, state: int, unmet: Labels) -> int:
        if len(unmet) > EXACT:
            total = sum(self._shortest[label] for label in unmet)
            return min(
                len(next(self._rests(state, pattern, path))) + total - self._shortest[label]
                for label in self._open(unmet)
                for pattern, path in self._paths[label]
            )
        found = []
        # where the order counts, the longest match may end before its turn, and a shorter one in it
        most = None if self.ordered else 1
        for label in unmet:
            spellings = (islice(self._rests(state, *spelt), most) for spelt in self._paths[label])
            for rest in chain.from_iterable(spellings):
                at, still = state, unmet
                for token in rest:
                    at = self.step(at, token)
                    still = self.left(at, still)
                # out of turn it completes nothing by itself
                if still != unmet:
                    found.append(len(rest) + self.remaining(at, still))
        return min(found)

    def _rests(self, state: int, pattern: Pattern, path: list[int]) -> Iterator[Pattern]:
        """The rests of a pattern behind the ends of the text that begin it, the longest end first."""
        for node in self._suffixes(state):
            depth = len(self.prefixes[node])
            if depth < len(pattern) and path[depth] == node:
                yield pattern[depth:]

    def _open(self, unmet: Labels) -> Labels:
        """The unmet labels that may come next; none that has no pattern."""
        unmet &= self.labels
        return frozenset([min(unmet)]) if self.ordered and unmet else unmet

    def _suffixes(self, state: int) -> Iterator[int]:
        """The partial matches that end here, the longest first, the empty one last."""
        while state != ROOT:
            yield state
            state = self._fail[state]
        yield ROOT

    def _add(self, pattern: Pattern, label: int) -> list[int]:
        """Put a pattern into the trie; the nodes of its prefixes, by length."""
        if not pattern:
            raise ValueError("an empty pattern would end everywhere")
        path = [ROOT]
        for token in pattern:
            node = path[-1]
            self._leads[node].add(label)
            if token not in self._children[node]:
                self._children[node][token] = len(self._children)
                self._children.append({})
                self._fail.append(ROOT)
                self.prefixes.append((*self.prefixes[node], token))
                self._ends.append(set())
                self._leads.append(set())
            path.append(self._children[node][token])
        self._ends[path[-1]].add(label)
        return path

    def _link(self) -> None:
        """Set where a broken match falls back to, and let every node end what that one ends."""
        queue = deque(self._children[ROOT].values())
        while queue:
            node = queue.popleft()
            for token, child in self._children[node].items():
                self._fail[child] = self.step(self._fail[node], token)
                self._ends[child] |= self._ends[self._fail[child]]
                queue.append(child)
