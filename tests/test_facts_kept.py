"""The checker of facts, apart from the locks that are to keep them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = "昨天下午三点，市图书馆的3趟专车没有发车。"
PATH = Path(__file__).parents[1] / "benchmarks" / "facts_kept.py"


@pytest.fixture(scope="module")
def checker() -> Any:
    spec = importlib.util.spec_from_file_location("facts_kept", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["facts_kept"] = module  # where dataclasses look for annotations
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("rewrite", "lost", "added"),
    [
        ("市图书馆的3趟专车昨天下午三点没有发车。", (), ()),
        ("昨天下午三点，市图书馆的３趟专车全都没有发车，一直等。", (), ()),
        ("昨天上午三点，市图书馆的3趟专车没有发车。", ("下午",), ("上午",)),
        ("昨天下午三点，市图书馆的第3趟专车没有发车。", ("3趟",), ("第3趟",)),
        ("昨天下午三点，市图书馆的3趟专车发车了。", ("没",), ()),
        ("昨天下午三点，市图书馆的3趟专车不可能没有发车。", (), ("不", "可能")),
        ("昨天下午三点，省图书馆的3趟专车没有发车。", ("市图书馆",), ()),
    ],
)
def test_what_is_lost_and_what_is_added(
    checker: Any, rewrite: str, lost: tuple[str, ...], added: tuple[str, ...]
) -> None:
    found = checker.compared(SOURCE, rewrite, ["市图书馆"])
    assert (found.lost, found.added) == (lost, added)
    assert found.kept == (not lost and not added)


def test_rows_are_summed(checker: Any) -> None:
    texts = [{"id": n, "text": "我有三本书。", "facts": ["三本"]} for n in ("a", "b", "c")]
    rewrites = {"a": ["书我有三本。"], "b": ["我有四本书。"], "c": []}
    records = [{"id": n, "candidates": [{"text": text} for text in found]} for n, found in rewrites.items()]
    found = checker.verdicts(texts, records)
    assert [one.changed for one in found["a"]] == [pytest.approx(1 / 6)]
    assert checker.summary(found) == {
        "rows": 3,
        "rewritten": 2,
        "facts kept": 1,
        "kept and changed": 1,
        "mean change": pytest.approx(1 / 6),
    }
