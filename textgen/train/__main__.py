"""`accelerate launch -m textgen.train RECIPE …`: the same as `textgen train RECIPE …`."""

import sys

from textgen.cli.main import run

if __name__ == "__main__":
    sys.exit(run(["train", *sys.argv[1:]]))
