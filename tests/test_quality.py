"""The titles are as good as they were: ROUGE-L on held-out articles, where those are at hand."""

import json
from pathlib import Path

import pytest

import textgen
from textgen.metrics.overlap import mean_rouge

EVAL = Path(__file__).parents[2] / "shared" / "data" / "eval"


# the first rows of each set that were measured, and what the default gave then, less half a point
MEASURED = [("news", 500, 58.7), ("tech", 81, 46.4), ("science", 97, 49.2), ("web", 100, 47.7)]


def rouge_l(name, rows, **options):
    path = EVAL / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("no evaluation text here")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:rows]]
    records = textgen.load("title").generate([row["text"] for row in rows], **options)
    titles = [record.candidates[0].text for record in records]
    return 100 * mean_rouge(titles, [row["title"] for row in rows]).rougeL


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows", "floor"), MEASURED)
def test_rouge_l_of_the_default(name, rows, floor):
    assert rouge_l(name, rows) >= floor


@pytest.mark.slow
@pytest.mark.parametrize(("name", "floor"), [("news", 57.1), ("tech", 45.1)])
def test_rouge_l_of_a_beam(name, floor):
    assert rouge_l(name, None, decode="beam") >= floor
