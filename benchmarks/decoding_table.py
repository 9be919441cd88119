"""Every way to search titles, compared: python benchmarks/decoding_table.py OUT FILE… [-- rows=100]

For each JSONL file with `text` and `title` and each method, the records go to OUT/FILE.METHOD.jsonl (which
`textgen eval` reads) and the seconds to OUT/FILE.seconds.json; what is there is not computed again. Then a
Markdown table of each file is printed. An article is read once for all methods, and the seconds
of reading it count for each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

import textgen
from textgen.backends.title.backend import TitleBackend
from textgen.backends.title.search import TitleSearch
from textgen.events import ignore
from textgen.files.lines import lines_in
from textgen.metrics.report import evaluate
from textgen.metrics.tables import read_predictions, read_references
from textgen.models.batching import same_size_batches
from textgen.models.layers.attention import padded_length
from textgen.models.shared_prefix import Read
from textgen.options import EvalOptions, TitleOptions
from textgen.schema import Record, Row

METHODS: dict[str, dict[str, Any]] = {
    "greedy": {"decode": "greedy"},
    "beam 4": {"decode": "beam"},
    "diverse": {"decode": "diverse"},
    "contrastive": {"decode": "contrastive"},
    "agree": {"decode": "agree"},
    "mbr": {"rank": "mbr"},
    "bidirectional": {"decode": "bidirectional"},
    "bidirectional, interaction": {"decode": "bidirectional", "interaction": True},
    "default": {},
}
BATCH = 8
COLUMNS = ("rouge-1", "rouge-2", "rouge-l", "bleu", "length-ratio", "distinct-2")


def main() -> None:
    names, _, settings = " ".join(sys.argv[1:]).partition(" -- ")
    out, *files = map(Path, names.split())
    rows = int(settings.partition("rows=")[2] or 0) or None
    out.mkdir(exist_ok=True)
    backend = textgen.load("title")
    for file in files:
        if not (out / f"{file.stem}.seconds.json").exists():
            compute(backend, file, out, rows)
    for file in files:
        table(out / f"{file.stem}.seconds.json", file)


def compute(backend: TitleBackend, file: Path, out: Path, most: int | None) -> None:
    """All methods on one file."""
    lines = lines_in(file.read_text(encoding="utf-8"))[:most]
    rows = [Row(row["text"], name=row["id"], id=row["id"]) for row in map(json.loads, lines)]
    prepared = [(n, backend.prepare(row, TitleOptions(), ignore)) for n, row in enumerate(rows)]
    records: dict[str, dict[int, Record]] = {method: {} for method in METHODS}
    seconds = dict.fromkeys(METHODS, 0.0)
    for batch in same_size_batches(prepared, lambda pair: padded_length(pair[1].size), lambda _: BATCH):
        with torch.inference_mode():
            search_all(backend, batch, records, seconds)
        done = len(records["greedy"])
        print(f"{file.stem} {done}/{len(rows)}", file=sys.stderr, flush=True)
    for method, found in records.items():
        text = "".join(found[n].to_json() + "\n" for n in range(len(rows)))
        (out / f"{file.stem}.{method}.jsonl").write_text(text, encoding="utf-8")
    (out / f"{file.stem}.seconds.json").write_text(json.dumps(seconds | {"rows": len(rows)}))


def search_all(
    backend: TitleBackend, batch: list[Any], records: dict[str, dict[int, Record]], seconds: dict[str, float]
) -> None:
    """One batch by every method, over one reading."""
    views = [backend._views(article, 0)[0] for _, article in batch]
    found: dict[Any, tuple[Any, float]] = {}  # methods that only rank differently share their search
    started = time.perf_counter()
    model = Read(backend.network, [view.source for view in views])
    reading = time.perf_counter() - started
    for method, given in METHODS.items():
        options = TitleOptions(**given)
        search = TitleSearch(backend.network, backend.tokenizer, backend.allowed, options)
        key = options.strategy_name, options.directions, options.width, options.interaction
        if key not in found:
            started = time.perf_counter()
            pools = [
                search.logprobs(model, view.source, titles, backend._needed(options))
                for view, titles in zip(views, search.titles(model, views), strict=True)
            ]
            found[key] = pools, time.perf_counter() - started
        pools, searching = found[key]
        started = time.perf_counter()
        for titles, (n, article) in zip(pools, batch, strict=True):
            outcome = backend._outcome(article, titles, options, search)
            records[method][n] = backend._record(article, outcome, options, 0)
        seconds[method] += reading + searching + time.perf_counter() - started


def table(seconds: Path, file: Path) -> None:
    """The figures of one file."""
    name = file.stem
    taken = json.loads(seconds.read_text())
    print(f"\n| {name} | ROUGE-1 | ROUGE-2 | ROUGE-L | BLEU | length | distinct-2 | articles/s |")
    print("|---|---|---|---|---|---|---|---|")
    for method in METHODS:
        predictions = read_predictions(seconds.parent / f"{name}.{method}.jsonl")
        references = {
            key: row for key, row in read_references(file, EvalOptions()).items() if key in predictions
        }
        found = evaluate(predictions, references).metrics
        figures = " | ".join(f"{found[column]:.1f}" for column in COLUMNS)
        print(f"| {method} | {figures} | {taken['rows'] / taken[method]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
