"""The editors on small models, and on the shipped ones with `-m slow`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_editors import small_editors

import textgen
from textgen.commands import EDITING


@pytest.fixture(scope="module", params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def editors(request: pytest.FixtureRequest, small_models: Path) -> Iterator[dict[str, Any]]:
    if request.param == "shipped":
        # tests compute scores in other ways, which agree in float32 alone
        yield {name: textgen.load(name, precision="fp32") for name in EDITING}
        return
    with small_editors(small_models) as editors:
        yield editors
