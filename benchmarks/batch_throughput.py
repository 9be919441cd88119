"""Articles per second: a batch by one process and by two, against a loop over the articles.

    python benchmarks/batch_throughput.py FILE.jsonl [ROWS [PARTS]] [-- OPTION=VALUE …]

The loop is what one would write without a batch command: the model is loaded once, and each article is titled
by itself, with all cores. The rows are cut into parts; on every part the three run in turn, start-up and
loading of the model included, and all must give the same titles.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import textgen
from textgen.compute import peak_memory
from textgen.files.lines import lines_in


def looped(rows: list[dict[str, str]], options: dict[str, Any]) -> list[str]:
    model = textgen.load("title")
    return [model.generate(row["text"], **options)[0].candidates[0].text for row in rows]


def batched(rows: list[dict[str, str]], workers: int, options: dict[str, Any]) -> tuple[list[str], int]:
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "rows.jsonl"), Path(folder, "titles.jsonl")
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        summary = textgen.run_batch("title", str(source), output, workers=workers, **options)
        records = [json.loads(line) for line in lines_in(output.read_text(encoding="utf-8"))]
    return [record["candidates"][0]["text"] for record in records], summary.memory


def main() -> None:
    arguments, _, settings = " ".join(sys.argv[1:]).partition(" -- ")
    file, *numbers = arguments.split()
    options = {
        name: json.loads(value) if value[0].isdigit() else value
        for name, _, value in (setting.partition("=") for setting in settings.split())
    }
    count, parts = [*map(int, numbers), *(300, 3)[len(numbers) :]]
    lines = lines_in(Path(file).read_text(encoding="utf-8"))[:count]
    rows = [json.loads(line) for line in lines]
    seconds = {"loop": 0.0, "1 worker": 0.0, "2 workers": 0.0}
    memory = 0
    for part in range(parts):
        some = rows[part::parts]
        found = []
        for name in seconds:
            started = time.perf_counter()
            if name == "loop":
                found.append(looped(some, options))
            else:
                titles, most = batched(some, int(name[0]), options)
                found.append(titles)
                memory = max(memory, most if name == "2 workers" else 0)
            seconds[name] += time.perf_counter() - started
        different = sum(len(set(titles)) > 1 for titles in zip(*found, strict=True))
        told = "  ".join(f"{name} {len(some) * (part + 1) / seconds[name]:.2f}/s" for name in seconds)
        print(f"{told}  titles that differ: {different}", flush=True)
    one, two = seconds["loop"] / seconds["1 worker"], seconds["loop"] / seconds["2 workers"]
    print(
        f"as fast as the loop: 1 worker {one:.2f} times, 2 workers {two:.2f}; two against one {two / one:.2f}"
    )
    print(
        f"most memory of a worker {memory / 2**30:.2f} GiB, of this process {peak_memory() / 2**30:.2f} GiB"
    )


if __name__ == "__main__":
    main()
