"""Patterns of sentences that say the same: two forms with the same slots, either of which becomes the other.

A form is literals and slots: `^{s:n}把{o:n}{R:rs}$`. `^` is the beginning of a sentence, `$` its end; `|`
is either of a clause. A slot is a name and a kind, see `slots`, or a class of words; `{x}` without one is a
run inside a clause, `{X}` a clause, `{XX}` one or several with commas between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textgen.text.paraphrase.agreement import agree
from textgen.text.paraphrase.closed_classes import OPENING
from textgen.text.paraphrase.locked_text import LockedText, Piece, carries, carrying
from textgen.text.paraphrase.slots import (
    CLAUSE_MARKS,
    CLAUSES,
    KINDS,
    LISTED,
    MARKS,
    NOMINAL,
    SENTENCE_MARKS,
    TIMES,
    fits,
)

_PART = re.compile(r"\{(\w+)(?::(\w+))?\}|([^{}]+)")
MOST = 200  # matches of a form in a text
LONGEST_TIME = 16  # characters that a time may have
BEGINS, ENDS = "^|", "$|"
TRIES = 4000  # ends of slots that are looked at for them

LOCKED = "="  # before a locked part of a literal, among the names of slots

Found = dict[str, range]  # what a match put into each slot, and the locked parts of its literals


@dataclass(frozen=True)
class Slot:
    """A slot of a form.

    Attributes:
        name: Its name, which the other form of the pattern has too.
        kind: What may stand in it.
        words: If not empty, these alone.
        least: Characters.
        most: Characters.
        marks: Marks that it may hold.
    """

    name: str
    kind: str
    words: frozenset[str]
    least: int = 1
    most: int = 12
    marks: str = "《》"

    def holds(self, text: LockedText, start: int, stop: int) -> bool:
        """Whether a part of a text may stand in it."""
        string = text.string[start:stop]
        if self.words:
            return string in self.words
        if string.count("《") != string.count("》") or string[0] in "、，》" or string[-1] in "、，《":
            return False
        return len(string) >= self.least and fits(self.kind, tuple(text.tokens(start, stop)))


@dataclass(frozen=True)
class Form:
    """One side of a pattern.

    Attributes:
        parts: Literals and slots, in order.
        begins: What begins with it: ^ a sentence, | a clause; nothing of these otherwise.
        ends: What ends with it: $ a sentence, | a clause.
    """

    parts: tuple[str | Slot, ...]
    begins: str
    ends: str

    @property
    def literals(self) -> list[str]:
        """What stands between the slots."""
        return [part for part in self.parts if isinstance(part, str)]

    @property
    def slots(self) -> dict[str, Slot]:
        """The slots by name."""
        return {part.name: part for part in self.parts if isinstance(part, Slot)}


@dataclass(frozen=True)
class Pattern:
    """Two forms of a sentence.

    Attributes:
        left: One.
        right: The other, with the same slots.
        source: As it was written.
    """

    left: Form
    right: Form
    source: str

    def ways(self, text: LockedText) -> Iterator[LockedText]:
        """The texts in which one form has become the other; each once a direction."""
        for one, other in ((self.left, self.right), (self.right, self.left)):
            found: dict[LockedText, None] = {}
            for start, stop, slots in _matches(one, text):
                way = _filled(text, start, stop, (one, other), slots)
                if way is not None and way != text:
                    found[way] = None
            yield from found


def pattern_of(left: str, right: str, classes: Mapping[str, frozenset[str]]) -> Pattern:
    """Read a pattern.

    Raises:
        ValueError: A slot is in one form alone, twice in one, of another kind there, or of no kind.
    """
    one, other = _form(left, classes), _form(right, classes)
    source = f"{left} = {right}"
    if one.slots != other.slots:
        raise ValueError(f"the forms have different slots: {source}")
    if (one.begins, one.ends) != (other.begins, other.ends):
        raise ValueError(f"the forms have different ends: {source}")
    return Pattern(one, other, source)


def _form(source: str, classes: Mapping[str, frozenset[str]]) -> Form:
    begins = source[:1] if source[:1] in BEGINS else ""
    ends = source[-1:] if source[-1:] in ENDS else ""
    inner = source[len(begins) : len(source) - len(ends)]
    parts: list[str | Slot] = []
    at = 0
    for found in _PART.finditer(inner):
        name, kind, literal = found.groups()
        parts.append(literal or _slot(name, kind or "", classes, source))
        if found.start() != at:
            raise ValueError(f"a brace is alone in {source}")
        at = found.end()
    names = [part.name for part in parts if isinstance(part, Slot)]
    if at < len(inner) or not parts or len(set(names)) < len(names):
        raise ValueError(f"a brace is alone, a slot is there twice, or nothing is in {source}")
    return Form(tuple(parts), begins, ends)


def _slot(name: str, kind: str, classes: Mapping[str, frozenset[str]], source: str) -> Slot:
    if kind in classes:
        return Slot(name, kind, classes[kind], most=max(map(len, classes[kind])))
    if kind not in KINDS:
        raise ValueError(f"no kind of slot: {kind} in {source}")
    clause, nominal = name[0].isupper(), kind in NOMINAL
    least = (
        3
        if kind in ("c", "e", "ow")
        else 2
        if kind in ("b", "f", "g", "vp", "pd")
        else 3
        if clause and not nominal
        else 1
    )
    most = 60 if clause and len(name) > 1 else 30 if clause else 16 if nominal or kind in TIMES else 12
    marks = "《》" + "、" * (clause or kind in LISTED) + "，" * (clause and len(name) > 1)
    return Slot(name, kind, frozenset(), least, most, marks)


def _matches(form: Form, text: LockedText) -> Iterator[tuple[int, int, Found]]:
    """Where a form is in a text: from where to where, and its slots."""
    string = text.string
    if not all(literal in string for literal in form.literals):
        return
    search = _Search(form, text)
    count = 0
    for start in search.starts():
        for stop, slots in search.from_(0, start, {}):
            yield start, stop, slots
            count += 1
            if count == MOST:
                return


class _Search:
    """The search for a form in a text, which looks at a bounded number of places.

    Args:
        form: The form.
        text: The text.
    """

    def __init__(self, form: Form, text: LockedText) -> None:
        self.form = form
        self.text = text
        self.left = TRIES

    def starts(self) -> Iterator[int]:
        """Where it may begin."""
        string, first = self.text.string, self.form.parts[0]
        places = (place for place in self.text.borders if place < len(string))
        if isinstance(first, str):
            places = (place for place in places if string.startswith(first, place))
        if self.form.begins == "^":
            return (place for place in places if not place or string[place - 1] in SENTENCE_MARKS)
        if self.form.begins:
            return (place for place in places if self._clause_begins(place))
        return (place for place in places if isinstance(first, str) or self._open_before(first, place))

    def from_(self, number: int, at: int, slots: Found) -> Iterator[tuple[int, Found]]:
        """The ends of matches whose parts from `number` on begin at a place."""
        string, parts = self.text.string, self.form.parts
        if number == len(parts):
            if self._ends(at):
                yield at, slots
            return
        part = parts[number]
        if isinstance(part, str):
            stop = at + len(part)
            locked = self.text.locked_inside(at, stop) if string.startswith(part, at) else None
            if locked is not None and self.text.is_border(stop):
                named = {LOCKED + own: place for own, place in locked.items()}
                if slots.keys().isdisjoint(named):
                    yield from self.from_(number + 1, stop, {**slots, **named})
            return
        behind = parts[number + 1] if number + 1 < len(parts) else None
        for stop in self.text.borders_behind(at, part.most):
            if string[stop - 1] in MARKS and string[stop - 1] not in part.marks:
                return
            if isinstance(behind, str) and not string.startswith(behind, stop):
                continue
            if behind is None and not self._ends(stop):
                continue
            self.left -= 1
            if self.left < 0:
                return
            if part.holds(self.text, at, stop) and not (
                part.kind in TIMES and self._goes_on(part.kind, at, stop)
            ):
                yield from self.from_(number + 1, stop, {**slots, part.name: range(at, stop)})

    def _goes_on(self, kind: str, at: int, stop: int) -> bool:
        """Whether a time goes on behind a place, as 昨天下午 in 昨天下午三点."""
        return any(
            fits(kind, tuple(self.text.tokens(at, further)))
            for further in self.text.borders_behind(at, LONGEST_TIME)
            if further > stop
        )

    def _clause_begins(self, place: int) -> bool:
        if place and (token := self.text.before(place)) and token[0] in OPENING:
            place -= len(token[0])
        return not place or self.text.string[place - 1] in CLAUSE_MARKS

    def _open_before(self, slot: Slot, place: int) -> bool:
        """Whether a slot may begin a form there: nothing that could belong to it stands before."""
        token = self.text.before(place)
        if token is None or token[0] in MARKS - {"《", "》"}:
            return True
        if slot.kind in (*NOMINAL, "lo"):
            return token[1] == "v" and token[0] not in ("是", "有", "在")
        if slot.kind in ("vp", "pd"):
            return token[0] not in ("的", "地", "得")
        return bool(slot.words) or slot.kind not in ("", "s", *TIMES, "m", "vo", "rs", *CLAUSES)

    def _ends(self, at: int) -> bool:
        string = self.text.string
        if self.form.ends:
            return at == len(string) or string[at] in (
                SENTENCE_MARKS if self.form.ends == "$" else CLAUSE_MARKS
            )
        last = self.form.parts[-1]
        if isinstance(last, str) or at == len(string):
            return True
        if last.kind in TIMES:
            return self.text.tokens(at, len(string))[0][1] not in ("t", "m")
        return string[at] in MARKS - {"、", "《"}


def _filled(
    text: LockedText, start: int, stop: int, forms: tuple[Form, Form], found: Found
) -> LockedText | None:
    """The text with the second of two forms from `start` to `stop`; None if it is not read as it is written.

    Locked parts of literals go to where the other form has the same, as 请 does.
    """
    slots = {name: at for name, at in found.items() if not name.startswith(LOCKED)}
    locked = {name.removeprefix(LOCKED): at for name, at in found.items() if name not in slots}
    if not all(carries(form.literals, locked) for form in forms):
        return None
    form = forms[1]
    filled = [(form.slots[name].kind, tuple(text.tokens(at.start, at.stop))) for name, at in slots.items()]
    if not agree(filled):
        return None
    at, edges = start, [start]
    pieces: list[Piece] = []
    for part in form.parts:
        pieces += carrying(part, locked) if isinstance(part, str) else [slots[part.name]]
        at += len(part) if isinstance(part, str) else len(slots[part.name])
        edges.append(at)
    way = text.rebuilt(range(start, stop), pieces)
    if way.string.count("了了") != text.string.count("了了"):  # a slot has taken the 了 beside it
        return None
    return way if all(map(way.is_border, edges)) else None
