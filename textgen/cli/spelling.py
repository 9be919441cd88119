"""The spelling of options on the command line."""

from __future__ import annotations

# where it is not made of the name
FLAGS = {
    "num_candidates": ("-n", "--num-candidates"),
    "workers": ("--workers", "--num-workers"),
    "lines": ("--lines/--whole",),
    "output": ("-o", "--output"),
    "as_json": ("--json",),
    "quiet": ("--quiet", "-q"),
    "text_field": ("--text-field", "--field"),
}
SHORT = {"num_candidates": "-n", "output": "-o", "input": "-i", "inputs": "-i", "as_json": "--json"}


def flag(name: str) -> str:
    """The flag of an option: `--top-p` of `top_p`."""
    return SHORT.get(name, "--" + name.replace("_", "-"))
