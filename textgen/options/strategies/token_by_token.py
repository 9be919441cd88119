"""Strategies that write token by token: greedy search and sampling."""

from textgen.options.strategies.sampling import SamplingOptions
from textgen.options.strategies.strategy import Strategy

GREEDY = Strategy(
    name="greedy",
    description="the most probable token at every step",
    choose="textgen.decoding.search.token_by_token:greedy",
    several=False,
)
SAMPLE = Strategy(
    name="sample",
    description="every token drawn from the filtered distribution",
    choose="textgen.decoding.search.token_by_token:sample",
    groups=(SamplingOptions,),
    draws=True,
)
