"""Rows, which go into a backend, and records, which come out of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

SCORE_DECIMALS = 4
DIGEST_SIZE = 16  # bytes that stand for a row
# left out where they do not apply
SOME_FIELDS = ("choice", "probability", "flags", "direction", "copied", "support", "changes", "chain")


def finite(value: Any) -> Any:
    """A value with None for every number in it that JSON has no number for: NaN and the infinite ones."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Row:
    """One input.

    Attributes:
        text: The article, prompt or seed sentence.
        name: What the record is called: the explicit id, else the file's name or the row's number.
        id: The row's explicit id if it has one; it then keys the row's random numbers.
        error: Why the row could not be read; it becomes an error record.
        keywords: What its texts must contain; `generate` also takes them as one string, as files have them.
        choices: What its blank may be filled with, if with one of these; given like keywords.
        fields: What else came with it and goes into its record; None for nothing.
        place: Where it lies in its file, such as `line 3`; errors name it.
        blank_before: How many blank lines of its file lie between it and the row before.
        blank_after: How many of them lie behind it, if it is the last row of its file.
    """

    text: str
    name: str = ""
    id: str | None = None
    error: str | None = None
    keywords: Sequence[str] = ()
    choices: Sequence[str] = field(default=(), kw_only=True)
    fields: Mapping[str, Any] | None = None
    place: str = field(default="", compare=False)
    blank_before: int = field(default=0, compare=False)
    blank_after: int = field(default=0, compare=False)

    @property
    def digest(self) -> bytes:
        """A digest of all that its record is made of."""
        fields = None if self.fields is None else dict(self.fields)
        content = repr((self.text, self.name, self.id, self.error, self.keywords, fields))
        content += repr(self.choices) if self.choices else ""
        return blake2b(content.encode(), digest_size=DIGEST_SIZE).digest()


@dataclass(frozen=True)
class ChainReport:
    """The place on a Markov chain where a text was found.

    Attributes:
        kind: `sample`, a state of the chain, or `search`, the best state it visited: an optimum, not a draw.
        log_target: Unnormalised log-probability of the text under the sampled
            distribution; None where that is not known, as for plain Gibbs sampling.
        chain: The chain's number.
        step: The step after which the text was there: edits of CGMH, sweeps of a Gibbs sampler.
        steps: How many there were.
        acceptance: Share of the proposals accepted, by kind of move.
        novel: Share of the steps that led to another text.
        ess: Effective sample size of log pi (Gibbs sampling: a place) over all chains of the row; None for
            a search, which samples none, and where it cannot be told, as of fewer than eight draws a chain.
        rhat: Split R-hat of the same; near 1 where the chains agree.
    """

    kind: str
    log_target: float | None
    chain: int
    step: int
    steps: int
    acceptance: dict[str, float]
    novel: float
    ess: float | None
    rhat: float | None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, floats rounded to 4 decimals."""
        fields = {name: _rounded(value) for name, value in vars(self).items()}
        return fields | {"acceptance": {move: _rounded(share) for move, share in self.acceptance.items()}}


@dataclass(frozen=True)
class Lock:
    """A part of a text that no edit may change.

    Attributes:
        text: The part.
        start: Where it begins in the text as it was given.
        end: Where it ends.
        kind: What unlocks it: `numbers`, `names`, `negation`, `quotes` or `latin`; `keep` if it was named.
        reason: What it was taken for, such as `time` or `person`; for a part that was named, the option.
    """

    text: str
    start: int
    end: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Candidate:
    """One text that was generated.

    Attributes:
        text: The text.
        score: What ranks it, by the formula named `score_kind`.
        score_kind: The formula of the score, such as `mean_logprob` or `logprob_l2r+logprob_r2l`; see
            `decoding.rank`. `penalized_…` is after penalties, `bidirectional_…` no log-probability at all.
        logprob: Log-probability under the model restricted to the task's ids, before any filter; None
            for texts of a masked model, which has none.
        tokens: How many tokens were written, the end symbol included if it was.
        finish_reason: `stop`, `length`, `sentence` or `loop`.
        choice: Which of the choices fills its blank.
        probability: How likely that choice is among all of them.
        flags: Editor's checks that the text fails, by name; see `textgen.text.checks.editor`.
        direction: How a title was found: `l2r`, `r2l` or `both`.
        copied: The share of a title's characters that occur in the article, 0 to 1.
        support: Passages of the article that a title repeats, where that was asked for.
        changes: What differs from the text that was corrected.
        chain: Where a Markov chain found the text.
    """

    text: str
    score: float
    score_kind: str
    logprob: float | None
    tokens: int
    finish_reason: str
    choice: str | None = field(default=None, kw_only=True)
    probability: float | None = field(default=None, kw_only=True)
    flags: tuple[str, ...] = ()
    direction: str | None = None
    copied: float | None = None
    support: Sequence[Any] | None = None
    changes: Sequence[Any] | None = None
    chain: ChainReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, floats rounded to 4 decimals, without what does not apply."""
        fields = {name: _rounded(value) for name, value in vars(self).items()}
        for name in SOME_FIELDS:
            if fields[name] in (None, ()):
                del fields[name]
        if self.support is not None:
            fields["support"] = [asdict(span) for span in self.support]
        if self.changes is not None:
            fields["changes"] = [_without_none(asdict(change)) for change in self.changes]
        if self.chain is not None:
            fields["chain"] = self.chain.to_dict()
        return fields


@dataclass(frozen=True)
class Record:
    """The result of one row.

    Attributes:
        id: The row's name.
        candidates: Best first where they are ranked, else in the order drawn.
        model: Name and first digits of the sha256 of the weights.
        input_tokens: Tokens of the whole input, specials not counted.
        used_tokens: How many of them the model read.
        seed: The seed, or None where nothing was drawn.
        prompt: What was continued, where there was a prompt.
        error: Why there are no candidates, or None.
        notes: What a person should know of this row; left out of JSON where there is nothing.
        fields: What came with the row and was to be kept.
        locks: What of its text was locked, where that was asked for.
        made_of: The digest of the row; empty where nobody asks for it, and never written into the record.
    """

    id: str
    candidates: list[Candidate]
    model: str
    input_tokens: int = 0
    used_tokens: int = 0
    seed: int | None = None
    prompt: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    fields: Mapping[str, Any] | None = None
    locks: Sequence[Lock] | None = None
    made_of: bytes = field(default=b"", compare=False, repr=False)

    @property
    def tokens(self) -> int:
        """Tokens that were read and written."""
        return self.used_tokens + sum(candidate.tokens for candidate in self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, scores rounded to 4 decimals, without `prompt` and `fields` where none.

        Numbers that JSON has none for (NaN, infinite) are None.
        """
        fields: dict[str, Any] = {"id": self.id}
        if self.prompt is not None:
            fields["prompt"] = self.prompt
        fields |= {"input_tokens": self.input_tokens, "used_tokens": self.used_tokens}
        fields["candidates"] = [candidate.to_dict() for candidate in self.candidates]
        fields |= {"model": self.model, "seed": self.seed, "error": self.error}
        if self.notes:
            fields["notes"] = list(self.notes)
        if self.locks is not None:
            fields["locks"] = [asdict(lock) for lock in self.locks]
        if self.fields is not None:
            fields["fields"] = dict(self.fields)
        return {name: finite(value) for name, value in fields.items()}

    def to_json(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, default=str, allow_nan=False)


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _rounded(value: Any) -> Any:
    return round(value, SCORE_DECIMALS) if isinstance(value, float) else value
