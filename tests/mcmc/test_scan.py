"""Scans of a Gibbs sampler: how many places an update draws, and which."""

from __future__ import annotations

import itertools

import pytest

from textgen.mcmc.scan import Scan


@pytest.mark.parametrize(
    ("scan", "sizes"),
    [
        (Scan("random"), [1, 1, 1, 1, 1]),
        (Scan("sequential"), [1, 1, 1, 1, 1]),
        (Scan("block", 2), [2, 2, 1]),
        (Scan("block", 5), [5]),
        (Scan("block", 9), [5]),
        (Scan("block", 1), [1, 1, 1, 1, 1]),
        (Scan("all"), [5]),
    ],
    ids=str,
)
def test_a_sweep_draws_as_many_places_in_every_scan(scan: Scan, sizes: list[int]) -> None:
    assert scan.sizes(5) == sizes
    free = [2, 3, 5, 7, 8]
    draws = itertools.cycle([0.99999, 0.3, 0.0, 0.7])
    for update, size in enumerate(sizes):
        places = scan.places(free, update, lambda _: next(draws))
        assert len(set(places)) == size
        assert places == sorted(places)
        assert set(places) <= set(free)


def test_scans_choose_alike_or_in_order() -> None:
    free, grid = [4, 1, 6, 9], [(n + 0.5) / 12 for n in range(12)]
    assert [Scan("sequential").places(free, n, lambda _: 0.9) for n in range(4)] == [[4], [1], [6], [9]]
    random_places = [Scan("random").places(free, 0, [u].__getitem__)[0] for u in grid]
    assert sorted(random_places) == sorted(free * 3)
    pairs = [Scan("block", 2).places(free, 0, [u, v].__getitem__) for u in grid for v in grid]
    counts = {
        pair: sum(found == list(pair) for found in pairs) for pair in itertools.combinations([1, 4, 6, 9], 2)
    }
    assert set(counts.values()) == {24}
