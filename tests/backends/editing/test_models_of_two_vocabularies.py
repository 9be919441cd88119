"""Chains whose models have different vocabularies give the same texts whatever they are computed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_checkpoints import causal, masked

from textgen.backends.registry import editor_class
from textgen.schema import Row
from textgen.store.catalog import find_model

TEXTS = ["今日小雨，明早转晴。", "明早天气", "今日小雨，明早转晴，的天气在山上。"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    causal(folder / "causal")
    masked(folder / "bert")
    return folder


@pytest.mark.parametrize("pair", [("causal", ""), ("", "bert")], ids="-".join)
@pytest.mark.parametrize("candidates", [0, 3])
@pytest.mark.usefixtures("small_as_shipped")
def test_rows_do_not_depend_on_each_other(folder: Path, pair: tuple[str, str], candidates: int) -> None:
    def texts(rows: list[Row], **more: Any) -> dict[str, list[tuple[str, float]]]:
        editor = editor_class("rewrite").open(find_model(str(folder / pair[0]) if pair[0] else "gpt2"))
        proposals = {"proposals": str(folder / pair[1])} if pair[1] else {}
        drawn = {"paraphrase": 0, "candidates": candidates}  # by the proposals alone
        options = {"steps": 12, "seed": 5, "num_candidates": 2} | drawn | proposals | more
        records = editor.generate(rows, **options)
        return {r.id: [(c.text, c.score) for c in r.candidates] for r in records}

    rows = [Row(text, name=str(n)) for n, text in enumerate(TEXTS)]
    wanted = texts(rows)
    assert all(wanted.values())
    for other in (texts(rows, batch_size=1), texts(rows[::-1]), texts(rows[1:2])):
        for name, found in other.items():
            assert [text for text, _ in found] == [text for text, _ in wanted[name]]
            assert [score for _, score in found] == pytest.approx([s for _, s in wanted[name]], abs=1e-5)
