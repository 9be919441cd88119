"""The type of functions that print the texts of a record."""

from __future__ import annotations

from collections.abc import Callable

from textgen.schema import Record, Row

Show = Callable[[Record, Row], None]
