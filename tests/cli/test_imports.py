"""What a command imports beside torch: nothing that only others use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ARTICLE = Path(__file__).parents[2] / "data" / "samples" / "articles" / "news.txt"
PACKAGES = "accelerate chardet filelock jieba matplotlib opencc pyarrow ray sympy torch._dynamo transformers"
OURS = "textgen.backends.editing textgen.mcmc textgen.options.evaluation textgen.train"
SCRIPT = """
import sys
from textgen.cli.main import run
code = run(sys.argv[2:])
sys.exit(code or ' '.join(sorted({*sys.argv[1].split()} & {*sys.modules})) or 0)
"""


@pytest.mark.parametrize(
    ("command", "others"),
    [
        (["title", str(ARTICLE), "--decode", "greedy"], "textgen.options.cgmh textgen.options.gibbs"),
        (["sample", "春天", "--max-new-tokens", "2", "--seed", "1"], "textgen.backends.title"),
    ],
)
def test_a_command_imports_nothing_that_only_others_use(command: list[str], others: str) -> None:
    unused = f"{PACKAGES} {OURS} {others}"
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, unused, *command], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.replace("seed 1\n", "")) == (0, "")
    assert ran.stdout.strip()
