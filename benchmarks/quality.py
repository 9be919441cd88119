"""How fit for use is what comes out? Measures it and writes docs/quality.md.

    python benchmarks/quality.py EVAL OUT [PART…]

EVAL is a folder with news, tech, science and web (`.jsonl`, rows of `title` and `text`) and plain.jsonl.
PART is `titles`, `known`, `samples` or `choices` (default: all). Figures and texts are kept in OUT, and what
is there is not computed again, so that a part can be measured alone; the sheet has all that is there. What
people counted when they read, and figures of earlier versions, are entered in quality_readings.toml.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from one_of import measured as choices_of
from sampling_table import rows as samples_of
from second_checks import failed

import textgen
from textgen.backends.reader import Reader
from textgen.errors import DataError
from textgen.metrics.report import evaluate
from textgen.metrics.tables import read_predictions, read_references
from textgen.options import EvalOptions
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.text.checks.editor import flags

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "docs" / "quality.md"
READINGS = Path(__file__).with_name("quality_readings.toml")
TEMPLATE = Path(__file__).with_name("quality_sheet.md")
UNKNOWN = ROOT / "tests" / "text" / "unknown_texts.jsonl"
SETS = ("news", "tech", "science", "web")


def main(folder: Path, out: Path, parts: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    figures = {}
    for name, (measure, _) in PARTS.items():
        kept = out / f"{name}.json"
        if not kept.exists() and (not parts or name in parts):
            text = json.dumps(measure(folder, out), ensure_ascii=False, indent=1)
            kept.write_text(text, encoding="utf-8")
        if kept.exists():
            figures[name] = json.loads(kept.read_text(encoding="utf-8"))
    SHEET.write_text(sheet(figures), encoding="utf-8")


def titles(folder: Path, out: Path) -> dict[str, Any]:
    """Of each set the share of first titles and of reference titles that fail a check, and ROUGE-L."""
    found = {}
    for name in SETS:
        file, records = folder / f"{name}.jsonl", out / f"titles.{name}.jsonl"
        if not records.exists():
            textgen.run_batch("title", str(file), records)
        references = read_references(file, EvalOptions())
        predictions = read_predictions(records)
        firsts = [(predictions[key].text, row) for key, row in references.items()]
        found[name] = {
            "rows": len(references),
            "flagged": share(bool(flags(text, row.source or "")) for text, row in firsts),
            "flagged by the second hand": share(bool(failed(text, row.source or "")) for text, row in firsts),
            "references flagged": share(bool(flags(row.text, row.source or "")) for _, row in firsts),
            "rouge-l": evaluate(predictions, references).metrics["rouge-l"],
        }
    return found


def known(folder: Path, out: Path) -> dict[str, Any]:
    """How many texts are warned of, and how many refused: articles, and texts of unknown kinds."""
    reader = Reader(load_model(find_model("title")))
    found = {name: judged(reader, folder / f"{name}.jsonl") for name in SETS}
    return found | {"unknown kinds": judged(reader, UNKNOWN)}


def judged(reader: Reader, file: Path) -> dict[str, int]:
    counts = {"rows": 0, "warned": 0, "refused": 0}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["text"]
        counts["rows"] += 1
        try:
            counts["warned"] += bool(reader.text_notes(reader.read(text).text, text))
        except DataError:
            counts["refused"] += 1
    return counts


def samples(folder: Path, out: Path) -> dict[str, Any]:
    """Free samples by setting beside real text; see sampling_table.py."""
    return {
        model: list(samples_of(model, folder / "plain.jsonl", out / "samples", COUNT, settings))
        for model, settings in SAMPLES.items()
    }


def choices(folder: Path, out: Path) -> dict[str, Any]:
    """How often --one-of chooses rightly; see one_of.py."""
    return choices_of(folder / "news.jsonl")


def share(values: Any) -> float:
    """Of some truths, in percent."""
    listed = list(values)
    return 100 * sum(listed) / len(listed)


def sheet(figures: Mapping[str, Any]) -> str:
    """The page, of whatever parts there are."""
    read = tomllib.loads(READINGS.read_text(encoding="utf-8"))
    page = TEMPLATE.read_text(encoding="utf-8").replace("{{reading}}", readings_table(read["reading"]))
    for name, (_, told) in PARTS.items():
        cells = told(figures[name], read) if name in figures else "Not measured."
        page = page.replace("{{" + name + "}}", cells)
    return page


def readings_table(readings: list[dict[str, Any]]) -> str:
    rows = [
        [one["what"], one["texts"], one["usable"], one["small_edit"], one["wrong"], one["remark"]]
        for one in readings
    ]
    head = ["what was read", "texts", "usable", "small edit", "wrong", ""]
    return table(head, rows)


def titles_table(found: Mapping[str, Any], read: Mapping[str, Any]) -> str:
    before = read["titles_before"]
    rows = [
        [
            name,
            one["rows"],
            percent(before[name]["flagged"]) if name in before else "",
            percent(one["flagged"]),
            percent(one["flagged by the second hand"]),
            percent(one["references flagged"]),
            f"{before[name]['rouge-l']:.2f}" if name in before else "",
            f"{one['rouge-l']:.2f}",
        ]
        for name, one in found.items()
    ]
    head = ["set", "rows", "flagged before", "flagged", "by the second hand", "references flagged"]
    return table([*head, "ROUGE-L before", "ROUGE-L"], rows)


def known_table(found: Mapping[str, Any], read: Mapping[str, Any]) -> str:
    rows = [[name, one["rows"], one["warned"], one["refused"]] for name, one in found.items()]
    return table(["texts", "rows", "warned of", "refused"], rows)


def samples_tables(found: Mapping[str, Any], read: Mapping[str, Any]) -> str:
    tables = []
    for model, rows in found.items():
        cells = [
            [
                f"`{row['setting']}`",
                *(f"{own:.2f} ({real:.2f})" for own, real in zip(row["own"], row["real"], strict=True)),
                f"{row['distance']:.3f}",
                f"{row['characters']:.0f}",
            ]
            for row in rows
        ]
        head = [model, "judge (real)", "distinct-2 (real)", "self-BLEU (real)", "distance", "characters"]
        tables.append(table(head, cells))
    return "\n\n".join(tables)


def choices_table(found: Mapping[str, Any], read: Mapping[str, Any]) -> str:
    before = read["choices_before"]
    rows = [[name, one["rows"], before.get(name, ""), one["right"]] for name, one in found.items()]
    return table(["list", "articles", "right before", "right"], rows)


def percent(value: float) -> str:
    return f"{value:.1f} %"


def table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)


Part = tuple[Callable[[Path, Path], dict[str, Any]], Callable[[Mapping[str, Any], Mapping[str, Any]], str]]
PARTS: dict[str, Part] = {
    "titles": (titles, titles_table),
    "known": (known, known_table),
    "samples": (samples, samples_tables),
    "choices": (choices, choices_table),
}
COUNT = 64  # samples of a setting
SAMPLES = {
    "gpt2": [
        "default",
        "temperature=1.0",
        "temperature=0.8",
        "temperature=0.7:top_k=40",
        "temperature=1.0:min_p=0.1:top_p=1.0",
        "temperature=0.8:repetition_penalty=1.1",
        "temperature=1.0:rank=blend:best_of=2",
        "rank=logprob:best_of=2",
        "decode=contrastive",
    ],
    "bert": ["default", "temperature=0.8:best_of=1", "temperature=1.0:best_of=1"],
}


if __name__ == "__main__":
    folder, out, *parts = sys.argv[1:]
    main(Path(folder), Path(out), parts)
