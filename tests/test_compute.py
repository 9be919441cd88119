"""The import of torch: without collections of garbage, and without an end in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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


INTERRUPTED = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from textgen.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot wait")
@pytest.mark.parametrize("command", [["sample", "春天", "--seed", "1"], ["bench", "--only", "load"]])
def test_ctrl_c_while_torch_imports_numpy_is_not_lost(command: list[str]) -> None:
    """torch goes on where numpy cannot be imported."""
    told = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (130, "", "interrupted\n")
