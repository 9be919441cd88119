"""Garbage collection while torch is imported."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
from textgen.compute import uncollected
with uncollected():
    during = gc.isenabled()
    import torch
frozen = gc.get_freeze_count()
with uncollected():
    again = gc.isenabled()
print(during, gc.isenabled(), frozen > 100_000, again, gc.get_freeze_count() <= frozen)
"""


def test_no_garbage_is_looked_for_while_torch_is_imported_the_first_time() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "True", "True", "True", "True"]
