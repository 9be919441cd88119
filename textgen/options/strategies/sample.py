"""Sampling: every token drawn from the filtered distribution."""

from textgen.options.strategies.sampling import SamplingOptions
from textgen.options.strategies.strategy import Strategy

SAMPLE = Strategy(
    name="sample",
    description="every token drawn from the filtered distribution",
    choose="textgen.decoding.search.sample:choose",
    groups=(SamplingOptions,),
    draws=True,
)
