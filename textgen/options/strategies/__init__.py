"""The search strategies by name: a record each, ours and those of other packages."""

from __future__ import annotations

from functools import cache

from textgen.options.strategies.beam import BEAM
from textgen.options.strategies.bidirectional import BIDIRECTIONAL
from textgen.options.strategies.contrastive import CONTRASTIVE
from textgen.options.strategies.diverse import DIVERSE
from textgen.options.strategies.greedy import GREEDY
from textgen.options.strategies.sample import SAMPLE
from textgen.options.strategies.stochastic import STOCHASTIC
from textgen.options.strategies.strategy import Strategy
from textgen.plugins import with_installed

GROUP = "textgen.strategies"
OURS = (GREEDY, SAMPLE, BEAM, DIVERSE, STOCHASTIC, CONTRASTIVE, BIDIRECTIONAL)


@cache
def strategies() -> dict[str, Strategy]:
    """All strategies, in the order in which they are shown."""
    return with_installed(GROUP, {strategy.name: strategy for strategy in OURS}, Strategy)
