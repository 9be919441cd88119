"""`textgen rewrite`: the same in other words."""

from __future__ import annotations

from typing import Annotated

from textgen.cli import flags as opt
from textgen.cli.commands import edit

REWRITE: opt.Flags = {
    "similarity": Annotated[float | None, edit.SIMILARITY],
    "changes": Annotated[
        float | None, edit.law("Share of the characters that should be edited (default 0.3).")
    ],
    "change_weight": Annotated[float | None, edit.law("Cost of an edit that is missing (default 4).")],
    "content": Annotated[float | None, edit.law("Cost of a content word that is lost (default 2).")],
    "shared": Annotated[
        float | None, edit.law("Weight of the share of common characters; below 0 others are wanted (0).")
    ],
    "distance": Annotated[float | None, edit.DISTANCE],
}


rewrite = edit.on_sentences(
    "rewrite",
    "Say the same in other words. The models are small: names and numbers may change; --keep them.",
    edit.show_text,
    edit.KEEP,
    REWRITE,
)
