"""The options model: flags, TOML files and keyword arguments are views of it.

One class a backend; what a backend cannot use is not among its fields and is refused, never ignored.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from textgen.options.base import Options, parse
from textgen.options.batch import InputOptions, RunOptions
from textgen.options.chains import ChainOptions
from textgen.options.composed import composed
from textgen.options.decoding import ContinueOptions, DecodingOptions

if TYPE_CHECKING:
    from textgen.options.cgmh import (
        CgmhOptions,
        ComposeOptions,
        FillOptions,
        RewriteOptions,
        SourceOptions,
    )
    from textgen.options.correct import CorrectOptions
    from textgen.options.evaluation import EvalOptions
    from textgen.options.gibbs import GibbsOptions
    from textgen.options.prompted import PromptedTitleOptions
    from textgen.options.title import TitleOptions

# imported on use, since no command uses them all: making a model of options takes milliseconds
_MODULES = {
    "CgmhOptions": "cgmh",
    "ComposeOptions": "cgmh",
    "CorrectOptions": "correct",
    "FillOptions": "cgmh",
    "RewriteOptions": "cgmh",
    "SourceOptions": "cgmh",
    "EvalOptions": "evaluation",
    "GibbsOptions": "gibbs",
    "PromptedTitleOptions": "prompted",
    "TitleOptions": "title",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
