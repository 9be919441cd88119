"""The models of a chain of edits, and the vocabulary of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from torch import Tensor

from textgen.backends.editing.proposals import Proposer, proposer_of, share_vocabulary
from textgen.choice.allowed import line_ids, punctuation_ids, text_ids
from textgen.choice.lengths import text_length, token_lengths
from textgen.choice.read_ids import ids_read_by, own_ids
from textgen.errors import DataError, UsageError
from textgen.mcmc.cgmh.edits import Ids
from textgen.mcmc.cgmh.similarity import Similarity
from textgen.models.text_scores import TextScores
from textgen.models.views import FRAME, MaskedLanguageModel, SequenceModel
from textgen.plugins import resolved
from textgen.store.load import LoadedModel
from textgen.tokenizers.base import Tokenizer, present


@dataclass(frozen=True, eq=False)
class ChainModels:
    """A language model and what proposes tokens to it.

    Where their vocabularies differ, states are ids of the proposals, and the language model is a function of
    their text.

    Attributes:
        writer: The model whose vocabulary the states are of.
        language_model: Scores the states.
        proposer: Judges tokens of them.
    """

    writer: LoadedModel
    language_model: SequenceModel
    proposer: Proposer

    @classmethod
    def of(cls, model: LoadedModel, scores: SequenceModel, proposals: LoadedModel) -> ChainModels:
        """The models of a chain.

        Args:
            model: The language model.
            scores: The same, as it scores its own ids.
            proposals: What proposes.

        Raises:
            UsageError: That proposes nothing, or nothing that the language model reads.
        """
        proposer = proposer_of(proposals)
        if share_vocabulary(model, proposals):
            return cls(model, scores, proposer)
        through_text = TextScores(scores, model.tokenizer, proposals.tokenizer)
        found = cls(proposals, through_text, proposer)
        if not bool(found.drawable(spaces=True).any()):
            template = "{name} reads nothing that {other} writes"
            hint = "take a model that writes the same language"
            raise UsageError(template, name=model.files.name, other=proposals.files.name, hint=hint)
        return found

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the states."""
        return self.writer.tokenizer

    @property
    def vocab_size(self) -> int:
        """Ids that a state may be made of."""
        return int(self.writer.network.vocab_size)

    @property
    def longest(self) -> int:
        """The most tokens that both models read."""
        return min(self.language_model.longest, self.proposer.longest - FRAME)

    @property
    def reader(self) -> Tokenizer | None:
        """The tokenizer by which the language model reads their text; None where it knows their ids."""
        return self.language_model.reader if isinstance(self.language_model, TextScores) else None

    @cached_property
    def allowed(self) -> Tensor:
        """`(vocab,)`, true for what a text may hold."""
        return text_ids(self.tokenizer, self.vocab_size)

    @cached_property
    def marks(self) -> frozenset[int]:
        """Tokens that are punctuation."""
        return punctuation_ids(self.tokenizer.vocabulary)

    @cached_property
    def sizes(self) -> Tensor:
        """`(vocab,)`, the characters of every token."""
        return token_lengths(self.tokenizer.vocabulary, self.vocab_size)

    @cached_property
    def measure(self) -> Callable[[Ids], int]:
        """The characters of the text of ids."""
        return partial(text_length, self.tokenizer)

    @cached_property
    def characters(self) -> Mapping[str, int]:
        """The tokens that write one character each, by that; of two the first."""
        found: dict[str, int] = {}
        for token in self.allowed.nonzero().flatten().tolist():
            piece = self.tokenizer.vocabulary.pieces[token].decode("utf-8", "replace")
            if len(piece) == 1 and token not in self.tokenizer.vocabulary.byte_ids:
                found.setdefault(piece, token)
        return found

    def drawable(self, *, spaces: bool) -> Tensor:
        """`(vocab,)`, true for what may be written into a text.

        Args:
            spaces: Whether tokens with a space may.
        """
        return line_ids(self.tokenizer, self.vocab_size, spaces=spaces) & self._readable

    @cached_property
    def _readable(self) -> Tensor:
        found = own_ids(self.tokenizer, self.vocab_size)
        return found if self.reader is None else found & ids_read_by(self.reader, self.tokenizer, len(found))

    def check_read(self, text: str) -> None:
        """Check that the language model reads a text of a row.

        Raises:
            DataError: It loses a character, or has more tokens for it than it reads.
        """
        if self.reader is None:
            return
        if lost := self.reader.lost(text):
            raise DataError(
                "the language model has no token for {characters}",
                characters=repr("".join(lost)),
                hint="take them out of the text",
            )
        if (tokens := len(self.reader.encode(text))) > (longest := self.language_model.longest):
            raise too_long(tokens, longest)

    def similar(self, usual: LoadedModel) -> LoadedModel:
        """The model that compares states: the usual one, or the writer if it can and has other ids."""
        network = self.writer.network
        masked = isinstance(network, MaskedLanguageModel) and getattr(network, "shows_hidden", True)
        return self.writer if masked and not share_vocabulary(usual, self.writer) else usual

    def similarity(self, model: LoadedModel) -> Similarity:
        """The similarity of states to a model, which reads their text where it has other ids."""
        specials, network = model.tokenizer.specials, model.network
        if share_vocabulary(model, self.writer):
            return Similarity(network, specials.cls, specials.sep)
        most, write, encode = network.positions - FRAME, self.tokenizer.decode, model.tokenizer.encode

        def read(ids: Ids) -> Ids:
            return tuple(encode(write(list(ids)))[:most])

        return Similarity(network, specials.cls, specials.sep, read)


def scores_behind(model: LoadedModel, before: Sequence[int] = ()) -> SequenceModel:
    """A language model as it scores its own ids, lines behind what is given, or behind nothing."""
    tokenizer, network = model.tokenizer, model.network
    before = before or present(tokenizer.specials.bos, tokenizer.vocabulary.newline)
    ends = present(tokenizer.specials.eos, tokenizer.vocabulary.newline)
    scores: SequenceModel = resolved(str(model.files.family.sequences))(
        network, before, ends, text_ids(tokenizer, network.vocab_size)
    )
    return scores


def too_long(tokens: int, longest: int) -> DataError:
    """The error of a text that is longer than the models read."""
    return DataError(
        "{tokens} tokens are more than the models read",
        tokens=tokens,
        hint="at most {longest}; split the text into sentences",
        longest=longest,
    )
