"""Protocols of the networks, by which decoders, chains and backends see them.

Logits are raw everywhere: the log-softmax is taken where they are used. A tabular toy can offer these views,
so every strategy can be tested against answers found by enumeration. This module does without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from textgen.compute import threads

if TYPE_CHECKING:
    from torch import Tensor

    from textgen.models.layers.cache import CacheState

Ids = Sequence[int]
FRAME = 2  # special tokens around a text: <cls> and <sep>, or the start and the end symbol


class State(Protocol):
    """A model's memory of the rows it is writing.

    Rows come in groups of equal size, one group a source; `repeat` and `select` keep that.
    """

    @property
    def rows(self) -> int:
        """The number of rows."""

    def select(self, rows: Tensor) -> Self:
        """The rows of these numbers `(rows,)`: of each group that stays, as many of its rows as it had.

        Within its group a row may stand in any place, and in several.
        """

    def repeat(self, n: int) -> Self:
        """Every row n times, the copies side by side."""


@runtime_checkable
class NarrowingState(State, Protocol):
    """A state whose groups can shrink; in others a group keeps all of its rows until none is needed."""

    def narrowed(self, rows: Tensor, size: int) -> Self:
        """The rows of these numbers `(rows,)`, group by group: so many of each group that stays."""


class NextTokenModel(Protocol):
    """A model that writes after a source, one token a step."""

    vocab_size: int

    def start(self, sources: Sequence[Ids]) -> Any:
        """Read the sources, which share one padded length; a `State` with one row each."""

    def step(self, state: Any, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)` to every row; next-token logits `(rows, vocab)`."""

    def extend(self, state: Any, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""


class HiddenModel(NextTokenModel, Protocol):
    """A model that shows its last hidden states, those that its head turns into logits.

    `extend(state, tokens)` is `head(state, hidden(state, tokens))`.
    """

    def read(self, sources: Sequence[Ids]) -> tuple[Any, list[Tensor]]:
        """Like `start`, with the hidden states of what was read.

        Returns:
            The state, and for each source `(length, width)`: those of its ids that belong to the text, such
            as a prompt; none where the source is another text, such as an article.
        """

    def hidden(self, state: Any, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the hidden states after each, `(rows, count, width)`."""

    def head(self, state: Any, hidden: Tensor) -> Tensor:
        """Logits `(rows, count, vocab)` from hidden states `(rows, count, width)`.

        The rows need not be all rows of the state, only as many of every group, group by group.
        """


class ThroughHidden:
    """The steps of a `HiddenModel` by its hidden states; a mixin of networks."""

    def step(self: HiddenModel, state: Any, tokens: Tensor) -> Tensor:
        """Append a token `(rows,)`; next-token logits `(rows, vocab)`."""
        # a product with one row is over before another thread has woken
        with threads(1) if len(tokens) == 1 else nullcontext():
            return self.extend(state, tokens[:, None])[:, 0]

    def extend(self: HiddenModel, state: Any, tokens: Tensor) -> Tensor:
        """Append tokens `(rows, count)`; the logits after each, `(rows, count, vocab)`."""
        return self.head(state, self.hidden(state, tokens))


@runtime_checkable
class LanguageModel(HiddenModel, Protocol):
    """A model that continues texts: a source is a text's beginning without its last token."""

    @property
    def positions(self) -> int:
        """Most ids of a text, its beginning included."""


@runtime_checkable
class TitleModel(HiddenModel, Protocol):
    """A model that writes titles behind articles, in either direction.

    A source comes with its `<cls>` and `<sep>`; the first token of a target is `<l2r>` or `<r2l>`.
    """

    @property
    def two_way(self) -> bool:
        """True if it was trained to write in both directions at once."""

    def source_room(self, title: int) -> int:
        """Most ids of a source beside a title of so many."""


@runtime_checkable
class TitlePositions(Protocol):
    """What a title model offers whose titles have positions of their own, beside those of their sources."""

    @property
    def target_room(self) -> int:
        """Most tokens of a title, its end included."""


class PromptedTitleModel(TitleModel, Protocol):
    """A language model that writes titles behind a prompt.

    A source is the prompt without its last id, with the article in it; that id is the first of every target.
    """


@runtime_checkable
class TwoWayModel(TitleModel, Protocol):
    """A title model that tells the directions apart by token types, and can write in both at once.

    Attributes:
        target_types: Token types of titles by their first tokens.
    """

    target_types: Mapping[int, int]

    def start(self, sources: Sequence[Ids]) -> CacheState:
        """Read the sources, which share one padded length."""

    def hidden_of(self, state: CacheState, tokens: Tensor, types: Tensor) -> Tensor:
        """Append tokens `(rows, count)` of these token types; their hidden states `(rows, count, width)`."""


@runtime_checkable
class TitleRanker(Protocol):
    """A model that says how good titles are for an article."""

    def score(self, source: Ids, titles: Sequence[Ids]) -> Tensor:
        """Scores `(titles,)`, the higher the better; none depends on the others.

        Args:
            source: The article, with its `<cls>` and `<sep>`.
            titles: Without.
        """


class MaskedModel(Protocol):
    """A model that fills a masked place from both sides."""

    vocab_size: int

    def masked_logits(self, ids: Tensor, lengths: Tensor, positions: Tensor) -> Tensor:
        """Logits `(rows, vocab)` at one position a row.

        Args:
            ids: `(rows, length)`, padded on the right.
            lengths: `(rows,)`, how many ids of each row count.
            positions: `(rows,)`, where to look.
        """


@runtime_checkable
class MaskedLanguageModel(MaskedModel, Protocol):
    """A model of whole texts, each place seen from both sides."""

    @property
    def positions(self) -> int:
        """Most ids of a text, `<cls>` and `<sep>` included."""

    def encode(self, ids: Tensor, lengths: Tensor, positions: Tensor | None = None) -> Tensor:
        """Hidden states `(rows, length, width)` of texts padded on the right, or `(rows, 1, width)`.

        Args:
            ids: `(rows, length)`.
            lengths: `(rows,)`, how many ids of each row count.
            positions: `(rows,)`, the one place a row that is wanted; None is all of them.
        """


@dataclass(frozen=True)
class Scored:
    """A text's score by a `SequenceModel`.

    Attributes:
        logprob: Of its tokens and its end, in nats.
        memory: What the model keeps of it, for texts that begin alike.
        logprobs: Of each token and of the end; none if the model reads other tokens.
    """

    logprob: float
    memory: Any = None
    logprobs: tuple[float, ...] = ()


class SequenceModel(Protocol):
    """A model that scores whole texts, their end included."""

    @property
    def longest(self) -> int:
        """Most ids of a text."""

    def score(
        self, texts: Sequence[Ids], parents: Sequence[Scored | None], *, remember: bool = True
    ) -> list[Scored]:
        """Score texts.

        Args:
            texts: Ids without frame.
            parents: For each text, what was said of one that begins like it, or None; what they share is
                not computed again, and changes nothing but the time.
            remember: Whether the scores are to be parents of others; else they have no memory.
        """
