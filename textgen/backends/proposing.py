"""The models that propose pieces to a chain of edits."""

from __future__ import annotations

from dataclasses import dataclass

from textgen.errors import UsageError
from textgen.mcmc.contexts import ForwardContext, MaskedContext, TwoWayContext
from textgen.mcmc.proposals import ContextModel
from textgen.mcmc.similarity import Similarity
from textgen.models.bert import Bert
from textgen.models.catalog import find_model
from textgen.models.load import LoadedModel, load_model
from textgen.models.unilm import UniLM


@dataclass(frozen=True)
class Proposer:
    """A model that judges pieces by their context.

    Attributes:
        model: The view that chains see.
        label: What records say of it.
        longest: Positions it reads, frame included.
    """

    model: ContextModel
    label: str
    longest: int


def load_proposer(name: str, language_model: LoadedModel) -> Proposer:
    """Load what proposes pieces.

    Args:
        name: An embedded name or a directory: a BERT (both sides at once), a title model (left to right
            and right to left, with nothing to be a title of), or a GPT-2 (the left side).
        language_model: Whose pieces it must share.

    Raises:
        UsageError: There is no such model, it is of another kind, or has another vocabulary.
    """
    same = name == language_model.files.name
    model = language_model if same else _same_pieces(load_model(find_model(name)), language_model)
    specials = model.tokenizer.specials
    network = model.network
    if isinstance(network, Bert):
        masked = MaskedContext(network, specials.cls, specials.sep, specials.mask)
        return Proposer(masked, model.label, network.config.max_position_embeddings)
    if isinstance(network, UniLM):
        source = [specials.cls, specials.sep]
        two_way = TwoWayContext(
            ForwardContext(network, source, [specials.l2r]), ForwardContext(network, source, [specials.r2l])
        )
        return Proposer(two_way, model.label, network.network.config.max_position_embeddings - len(source))
    newline = model.tokenizer.vocabulary.newline
    forward = ForwardContext(network, [], [specials.bos, newline])
    return Proposer(forward, model.label, network.config.n_positions)


def load_similarity(language_model: LoadedModel, name: str = "bert") -> Similarity:
    """What compares texts with their source. Raises UsageError if `name` is no BERT of the same pieces."""
    model = _same_pieces(load_model(find_model(name)), language_model)
    if not isinstance(model.network, Bert):
        raise UsageError(f"{name} is a {model.files.kind} model", hint="similarity takes a BERT")
    return Similarity(model.network, model.tokenizer.specials.cls, model.tokenizer.specials.sep)


def _same_pieces(model: LoadedModel, other: LoadedModel) -> LoadedModel:
    if model.tokenizer.vocabulary.pieces != other.tokenizer.vocabulary.pieces:
        raise UsageError(
            f"{model.files.name} and {other.files.name} have different vocabularies",
            hint="a chain needs models that share their pieces",
        )
    return model
