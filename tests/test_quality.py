"""The titles are as good as they were: ROUGE-L on held-out articles, where those are at hand."""

import json
from pathlib import Path

import pytest

import textgen
from textgen.metrics.overlap import mean_rouge

EVAL = Path(__file__).parents[2] / "shared" / "data" / "eval"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "floor"), [("news", 57.1), ("tech", 45.1)])
def test_rouge_l_of_the_default_beam(name, floor):
    path = EVAL / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("no evaluation text here")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    records = textgen.load("title").generate([row["text"] for row in rows])
    titles = [record.candidates[0].text for record in records]
    assert 100 * mean_rouge(titles, [row["title"] for row in rows]).rougeL >= floor
