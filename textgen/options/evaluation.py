"""The options of evaluation."""

from __future__ import annotations

from typing import Literal

from textgen.options.batch import FieldName
from textgen.options.fields import RUN, OptionGroup, Seed, field

REFERENCE = "Reference"


class EvalOptions(OptionGroup):
    """The options of evaluation; all but the seed concern the reference."""

    reference_field: FieldName = field("title", "Its field with the text.", REFERENCE)
    source_field: FieldName | None = field(
        None, "Its field with what was read (default text, if there is one).", REFERENCE
    )
    keywords_field: FieldName | None = field(
        None, "Its field with keywords, a list or a string (default keywords, if there is one).", REFERENCE
    )
    id_field: FieldName | None = field(
        None, "Its field with the ids (default id, if there is one).", REFERENCE
    )
    rouge_variant: Literal["google", "set"] = field(
        "google", "Whose ROUGE: rouge-score's, or rouge 1.0.0's of published Chinese tables.", REFERENCE
    )
    segment: Literal["char", "jieba"] = field("char", "Units of ROUGE: characters, or words.", REFERENCE)
    seed: Seed = field(0, "Seed of the bootstrap and of sign flips.", RUN)
