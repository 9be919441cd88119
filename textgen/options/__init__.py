"""The options model: flags, TOML files and keyword arguments are views of it.

One class a backend; what a backend cannot use is not among its fields and is refused, never ignored.
"""

from textgen.options.base import Options, parse
from textgen.options.batch import InputOptions, RunOptions
from textgen.options.cgmh import (
    CgmhOptions,
    ComposeOptions,
    CorrectOptions,
    FillOptions,
    RewriteOptions,
    SourceOptions,
)
from textgen.options.chains import ChainOptions
from textgen.options.composed import composed
from textgen.options.decoding import ContinueOptions, DecodingOptions
from textgen.options.evaluation import EvalOptions
from textgen.options.gibbs import GibbsOptions
from textgen.options.title import TitleOptions
