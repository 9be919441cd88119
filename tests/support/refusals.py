"""What a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from textgen.errors import TextgenError


def refusal(action: Callable[[], object]) -> TextgenError:
    with pytest.raises(TextgenError) as caught:
        action()
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value
