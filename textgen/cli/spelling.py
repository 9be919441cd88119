"""The spelling of options on the command line."""

from __future__ import annotations

# where it is not made of the name; messages use the first
FLAGS = {
    "num_candidates": ("-n", "--num-candidates"),
    "workers": ("--workers", "--num-workers"),
    "lines": ("--lines/--whole",),
    "input": ("-i", "--input"),
    "inputs": ("-i", "--input"),
    "output": ("-o", "--output"),
    "as_json": ("--json",),
    "quiet": ("--quiet", "-q"),
    "text_field": ("--text-field", "--field"),
}


def flag(name: str) -> str:
    """The flag of an option: `--top-p` of `top_p`."""
    return FLAGS[name][0].partition("/")[0] if name in FLAGS else "--" + name.replace("_", "-")
