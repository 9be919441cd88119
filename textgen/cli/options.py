"""The flags, each spelled once. None means: not given, the model's default holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DECODING = "Decoding"
SAMPLING = "Sampling (--decode sample)"
RUN = "Run"


def option(help: str, *names: str, panel: str | None = None, metavar: str | None = None) -> Any:
    """A flag whose default is the model's."""
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


NumCandidates = Annotated[int | None, option("How many texts for each input [1].", "-n", "--num-candidates")]
Seed = Annotated[
    int | None, option("Seed of the random numbers; the same seed gives the same texts.", panel=RUN)
]
Decode = Annotated[str | None, option("How to search.", panel=DECODING, metavar="greedy|sample|beam")]
Beams = Annotated[int | None, option("Hypotheses the beam keeps [4].", panel=DECODING)]
LengthPenalty = Annotated[
    float | None, option("Exponent of the length that divides a beam's score [1.0].", panel=DECODING)
]
MaxNewTokens = Annotated[int | None, option("Most pieces to write [title 46, gpt2 120].", panel=DECODING)]
RepetitionPenalty = Annotated[
    float | None, option("Above 1, discourages pieces already there [1.0].", panel=DECODING)
]
NoRepeatNgram = Annotated[
    int | None, option("Forbid a run of so many pieces to occur twice [off].", panel=DECODING)
]
Temperature = Annotated[float | None, option("Divides the logits [1.0].", panel=SAMPLING)]
TopK = Annotated[int | None, option("Keep the k most probable pieces [all].", panel=SAMPLING)]
TopP = Annotated[float | None, option("Keep the most probable pieces of mass p [gpt2 0.95].", panel=SAMPLING)]
MinP = Annotated[
    float | None, option("Keep pieces this share as probable as the best [off].", panel=SAMPLING)
]
TypicalP = Annotated[float | None, option("Keep the most typical pieces of mass p [off].", panel=SAMPLING)]
BatchSize = Annotated[
    int | None, option("Rows computed together [16]; no influence on the texts.", panel=RUN)
]
Threads = Annotated[int | None, option("Threads to compute with [all cores].", panel=RUN)]
Config = Annotated[
    Path | None, option("Options from a TOML file; flags win over it.", panel=RUN, metavar="FILE.toml")
]
Output = Annotated[Path | None, option("Write records to this file.", "-o", "--output", metavar="OUT.jsonl")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON record a line.", show_default=False)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, notes or warnings.", show_default=False)
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", show_default=False, rich_help_panel=RUN),
]
Field = Annotated[str, option("The field of a JSONL or CSV row that holds the text [text].")]
