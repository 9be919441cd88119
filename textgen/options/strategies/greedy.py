"""Greedy search: the most probable token at every step."""

from textgen.options.strategies.strategy import Strategy

GREEDY = Strategy(
    name="greedy",
    description="the most probable token at every step",
    choose="textgen.decoding.search.greedy:choose",
    several=False,
)
