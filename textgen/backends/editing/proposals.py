"""The models that propose tokens to a chain of edits."""

from __future__ import annotations

from dataclasses import dataclass

from textgen.errors import UsageError
from textgen.mcmc.cgmh.contexts import ForwardContext, MaskedContext, TwoWayContext
from textgen.mcmc.cgmh.proposals import ContextModel
from textgen.models.views import LanguageModel, MaskedLanguageModel, TitleModel
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_model
from textgen.tokenizers.base import ABSENT, present


@dataclass(frozen=True)
class Proposer:
    """A model that judges tokens by their context.

    Attributes:
        model: The view that chains see.
        longest: Positions it reads, frame included.
    """

    model: ContextModel
    longest: int


def load_beside(name: str, language_model: LoadedModel) -> LoadedModel:
    """Load a model that works beside a language model. Raises UsageError if there is no such model.

    Args:
        name: An embedded name or a directory.
        language_model: The model, which may be of that name itself.
    """
    if name == language_model.files.name:
        return language_model
    return load_model(find_model(name, language_model.files.precision))


def share_vocabulary(one: LoadedModel, other: LoadedModel) -> bool:
    """Whether the ids of two models write the same."""
    same = one.tokenizer.vocabulary.pieces == other.tokenizer.vocabulary.pieces
    return same and bool(one.network.vocab_size == other.network.vocab_size)


def proposer_of(model: LoadedModel) -> Proposer:
    """The proposer that a model makes, by the view it offers.

    Args:
        model: A masked language model (sees both sides at once), a title model (left to right and right to
            left, with nothing to be a title of), or a language model (sees the left side).

    Raises:
        UsageError: It proposes nothing, as a title model that writes in one direction alone.
    """
    specials, network = model.tokenizer.specials, model.network
    if isinstance(network, MaskedLanguageModel):
        masked = MaskedContext(network, specials.cls, specials.sep, specials.mask)
        return Proposer(masked, network.positions)
    if isinstance(network, TitleModel):
        if specials.r2l == ABSENT:
            template = "{@proposals} {name} writes from left to right alone, behind an article"
            raise UsageError(template, name=model.files.name, hint="take a masked or a causal model")
        source = [specials.cls, specials.sep]
        two_way = TwoWayContext(
            ForwardContext(network, source, [specials.l2r]), ForwardContext(network, source, [specials.r2l])
        )
        return Proposer(two_way, network.source_room(0) - len(source))
    if isinstance(network, LanguageModel):
        newline = model.tokenizer.vocabulary.newline
        forward = ForwardContext(network, [], present(specials.bos, newline))
        return Proposer(forward, network.positions)
    raise UsageError(
        "a {kind} model proposes nothing", kind=model.files.kind, hint="{@proposals} bert, title or gpt2"
    )
