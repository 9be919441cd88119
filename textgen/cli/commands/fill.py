"""`textgen fill`: blanks of unknown length."""

from __future__ import annotations

from textgen.cli.commands import edit

fill = edit.on_sentences(
    "fill", "Fill the blanks of a sentence, such as 今天___很好; they may be of any length.", edit.show_text
)
