"""Stochastic beam search: samples without replacement (Kool et al. 2019, https://arxiv.org/abs/1903.06059)."""

from textgen.options.strategies.beams import BeamOptions
from textgen.options.strategies.sampling import SamplingOptions
from textgen.options.strategies.strategy import Strategy

STOCHASTIC = Strategy(
    name="stochastic",
    description="different texts drawn all at once, without replacement",
    search="textgen.decoding.search.stochastic:search",
    groups=(SamplingOptions, BeamOptions),
    width=1,  # every hypothesis is a draw, so there are as many as texts
    draws=True,
)
