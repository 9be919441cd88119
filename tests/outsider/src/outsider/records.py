"""What textgen learns of this package; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from textgen.files.formats.base import File, Format, Records, Selection, Value
from textgen.metrics.metric import Evaluated, Metric
from textgen.metrics.statistics import Statistics, mean
from textgen.models.family import Family, Keys
from textgen.models.views import LanguageModel
from textgen.options.fields import DECODING, OptionGroup, field
from textgen.options.strategies.strategy import Strategy


class NthBestOptions(OptionGroup):
    nth: int = field(2, "Which of the most probable tokens is taken.", DECODING, ge=1, le=9)


NTH_BEST = Strategy(
    name="nth-best",
    description="the n-th most probable token at every step",
    choose="outsider.search:choose",
    groups=(NthBestOptions,),
    several=False,
)


def _read(file: File, selection: Selection) -> tuple[str, Iterator[Value]]:
    """A row a line: an id and a text with a bar between them."""
    lines = ((number, line.partition("|")) for number, line in file.lines() if isinstance(line, str))
    return "line", ((number, {"id": id, "text": text}) for number, (id, _, text) in lines)


def _write(records: Records, path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for record in records:
            texts = [" ".join(one["text"].split()) for one in record["candidates"]]
            out.write("|".join([record["id"], *texts]) + "\n")


PIPED = Format("piped", (".piped",), read=_read, write=_write)


def _commas(rows: Evaluated) -> Statistics:
    return mean("commas", [float(text.count("，")) for text in rows.texts])


COMMAS = Metric("commas", _commas)

BIGRAM = Family(
    "bigram",
    network="outsider.network:Bigram",
    sizes="outsider.network:BigramSizes",
    views=(LanguageModel,),
    keys=Keys(width="width", positions="span"),
    computed={"order": 2},
    tied=("copy.weight",),
    architecture="BigramLM",
    frame=("bos",),
)
