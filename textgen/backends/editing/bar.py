"""The bar: what a text must reach beside its source to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from textgen.messages import Message
from textgen.text.checks.editor import Editor
from textgen.text.facts.fact import Kind
from textgen.text.facts.found import facts

REMEMBERED = 4096  # texts: a chain comes back to where it was
SOURCES = 64

_IDLE = frozenset("之以的")  # 之后 says what 后 does


@dataclass(frozen=True)
class Measures:
    """What models say of a text.

    Attributes:
        similarity: To its source; 1 for the source.
        fluency: The mean log-probability of its tokens.
    """

    similarity: float
    fluency: float


@dataclass(frozen=True)
class Bar:
    """The least that is asked of a text.

    Attributes:
        similarity: The least similarity to the source.
        loss: The most that its fluency may be below that of the source, in nats a token.
        checks: Whether it may add no facts, nor fail an editor's check that the source passes.
        kinds: Of these facts.
    """

    similarity: float
    loss: float
    checks: bool
    kinds: tuple[Kind, ...]

    def failings(self, text: str, measures: Measures, source: str, of_source: Measures) -> tuple[str, ...]:
        """The names of what a text fails; none if it may be shown.

        Args:
            text: The text.
            measures: Of it.
            source: What it is to say.
            of_source: The measures of that.
        """
        failed: list[str] = []
        if measures.similarity < self.similarity:
            failed.append("similarity")
        if measures.fluency < of_source.fluency - self.loss:
            failed.append("fluency")
        return (*failed, *(unsound(text, source, self.kinds) if self.checks else ()))


@lru_cache(REMEMBERED)
def unsound(text: str, source: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    """What a text fails by its characters: `facts` it adds, and editor's checks its source passes."""
    editor = _editor(source)
    own = editor.flags(source)
    flags = (flag for flag in editor.flags(text) if flag not in own)
    return (*["facts"] * added(text, source, kinds), *flags)


_editor = lru_cache(SOURCES)(Editor)


def added(text: str, source: str, kinds: Collection[Kind]) -> bool:
    """Whether a text has facts of some kinds that its source has not, as 第三本 has beside 三本.

    Args:
        text: The text.
        source: What it is to say.
        kinds: Of the facts. Those of a kind count as one string: two that come to stand side by side may be
            one expression there.
    """
    new, old = ({kind: Counter[str]() for kind in kinds} for _ in range(2))
    for where, count in ((text, new), (source, old)):
        for fact in facts(where, kinds):
            count[fact.kind].update(where[fact.start : fact.end])
    # jieba may have hidden a fact of the source in a longer word, as 后 in 电后
    more = Counter(text) - Counter(source)
    return any((new[kind] - old[kind]).keys() & more.keys() - _IDLE for kind in kinds)


def left_out_notes(failed: Mapping[str, int], left_out: int, texts: int) -> tuple[str, ...]:
    """A note on texts that were left out, if there are any.

    Args:
        failed: How many failed what; one may fail several things.
        left_out: How many were left out.
        texts: Of how many.
    """
    if not left_out:
        return ()
    template = "{left_out} of {texts} texts left out: {why}"
    return (Message(template, left_out=left_out, texts=texts, why=reasons(failed)),)


def reasons(failed: Mapping[str, int]) -> str:
    """What was failed, and how often: `similarity 3, facts 1`."""
    return ", ".join(f"{name} {count}" for name, count in sorted(failed.items(), key=lambda one: -one[1]))
