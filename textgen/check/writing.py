"""A model at work: a text, how fast it is written, and whether it depends on others."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from textgen.backends.registry import backend_class
from textgen.backends.sameness import TOLERANCE, sameness
from textgen.check.finding import NOTE, OK, SKIPPED, Finding
from textgen.check.subject import Subject
from textgen.errors import DataError
from textgen.messages import Message
from textgen.options import composed

ARTICLES = (
    "市图书馆昨天宣布，下月起延长开放时间，读者可以借书到晚上十点。",
    "红队以三比二胜蓝队。",
    "研究人员做出一种新电池，充电十分钟可以行驶四百公里。团队说，量产还要两年左右。",
    "明天有小雨，气温下降五度，请大家出门带伞。",
)
SENTENCES = ("春天来了，", "今天的天气很好，我们去公园", "他说：", "图书馆下月起开放到晚上十点，大家都")
TEXTS = {"title": ARTICLES, "sample": SENTENCES}
SHORT = {"seed": 1, "max_new_tokens": 12, "end_at": "any", "sweeps": 1}  # those of them that a backend has
GREEDY = {"decode": "greedy"}  # titles: a search would rank what it finds by scores of another kind


def of_sample(subject: Subject) -> Iterator[Finding]:
    """A text of its own task, written a second time to see how long it takes."""
    files = subject.files
    if files.family.purpose is not None:
        yield Finding("sample", SKIPPED, Message("a {kind} model writes nothing itself", kind=files.kind))
        return
    subject.backend = backend = backend_class(files.kind).open(files)
    source, options = TEXTS[backend.task][0], _options(backend)
    backend.generate(source, **options)
    began = time.perf_counter()
    (record,) = backend.generate(source, **options)
    took = time.perf_counter() - began
    if record.error:
        raise DataError("{error}", error=record.error)
    [candidate, *_] = record.candidates
    rate = candidate.tokens / took
    text = Message(
        "{text}: {tokens} tokens, {rate} tokens a second at one row in {precision}",
        text=repr(candidate.text),
        tokens=candidate.tokens,
        rate=f"{rate:.1f}",
        precision=files.precision,
    )
    facts = {"text": candidate.text, "tokens": candidate.tokens, "rate": rate, "precision": files.precision}
    yield Finding("sample", OK, text, facts=facts)


def of_sameness(subject: Subject) -> Iterator[Finding]:
    """Texts alone and in batches, of several paddings."""
    if (backend := subject.backend) is None:
        yield Finding("sameness", SKIPPED, Message("it writes nothing itself"))
        return
    texts = TEXTS[backend.task]
    found = sameness(backend, texts, **_options(backend))
    facts = {
        "same": found.texts,
        "difference": found.difference if math.isfinite(found.difference) else None,
        "tolerance": TOLERANCE,
    }
    template = "{count} texts alone and in batches: the same, log-probabilities within {difference}"
    if not found.texts:
        template = "of {count} texts some are others alone than in batches: texts may depend on the batch"
    elif not found.holds:
        template = "{count} texts: log-probabilities differ by {difference}: texts may depend on the batch"
    text = Message(template, count=len(texts), difference=f"{found.difference:.1e}")
    yield Finding("sameness", OK if found.holds else NOTE, text, facts=facts)


def _options(backend: Any) -> dict[str, Any]:
    known = composed(backend.options).model_fields
    wanted = SHORT | (GREEDY if backend.task == "title" else {})
    return {name: value for name, value in wanted.items() if name in known}
