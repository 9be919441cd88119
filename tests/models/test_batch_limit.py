from __future__ import annotations

import pytest

from textgen.models.batching import BatchLimit


@pytest.mark.parametrize("size", [64, 0])  # texts written from nothing have no size
def test_half_as_many_rows_of_a_size_are_tried_next(size: int) -> None:
    limit = BatchLimit()
    assert limit.halve(8, size) == 4
    assert limit.rows(size, most_rows=32, most_tokens=10**6) == 4
