"""The search strategies that textgen brings: a record each."""

from __future__ import annotations

from textgen.options.strategies.beam import BEAM
from textgen.options.strategies.bidirectional import BIDIRECTIONAL
from textgen.options.strategies.contrastive import CONTRASTIVE
from textgen.options.strategies.diverse import DIVERSE
from textgen.options.strategies.stochastic import STOCHASTIC
from textgen.options.strategies.token_by_token import GREEDY, SAMPLE

GROUP = "textgen.strategies"
OURS = (GREEDY, SAMPLE, BEAM, DIVERSE, STOCHASTIC, CONTRASTIVE, BIDIRECTIONAL)
