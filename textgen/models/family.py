"""The record of a model family: all that is known of its models before torch is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from reprlib import repr as short
from typing import Any, Self

from textgen.errors import ModelError
from textgen.messages import Message
from textgen.plugins import resolved
from textgen.tokenizers.base import Specials

LARGEST_SIZE = 2**24  # that a config may name: the elements of a matrix can be counted


@dataclass(frozen=True)
class Sizes:
    """The base of the dataclasses of a network's sizes, whose fields are named as in its `config.json`."""

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """Read the sizes from a parsed `config.json`. Raises KeyError on a missing one."""
        return cls(**{size.name: config[size.name] for size in fields(cls)})


@dataclass(frozen=True)
class Keys:
    """Names of sizes in a family's `config.json`; None for a size that it does not have.

    Attributes:
        width: Size of a hidden state.
        heads: Attention heads, which share the width.
        layers: Layers.
        positions: Most ids that a network reads and writes together.
    """

    width: str | None = None
    heads: str | None = None
    layers: str | None = None
    positions: str | None = None


@dataclass(frozen=True)
class Family:
    """Models of one architecture, alike in their files and in what they can do.

    Only `name` is needed for models that a backend of another package loads by itself. Strings of the form
    `module:name` are imported on use.

    Attributes:
        name: What users call the kind of these models.
        network: `module:Class` of the network, an `nn.Module` with a `vocab_size`.
        sizes: `module:Class` of its `Sizes`; config.json must have all their fields.
        builder: `module:function` that makes a network of `(config, specials, file)`, where the sizes alone
            do not: the parsed config.json, the special tokens' ids, and config.json's path for errors.
        views: The protocols of `textgen.models.views` that the network offers.
        keys: Where config.json names the sizes.
        model_type: What config.json says the model is; by default the family's name.
        marker: A key that config.json has beside, where families share a model_type.
        computed: Settings of config.json and the one value of each that the network computes.
        tied: Tensors that some files have and the network shares with others.
        unused: What the names of tensors match that some files have beside and the network does without, such
            as tables that it computes, or heads of other tasks.
        prefix: What the network's tensors are called by, beyond their names in the file.
        prior: Whether there may be a copy prior in a file of its own.
        styles: Whether the network can be taught styles by conditional layer normalisation.
        architecture: The class of transformers that computes the same; None if it has none.
        frame: The special tokens around a text that transformers' tokenizer is to add.
        loader: `module:function` that makes a `LoadedModel` of `ModelFiles`, where the network is not ours.
        sequences: `module:Class` that offers the view `SequenceModel` of `(network, before, ends, allowed)`.
        purpose: What models are for that write nothing themselves.
    """

    name: str
    network: str | None = None
    sizes: str | None = None
    builder: str | None = None
    views: tuple[type, ...] = ()
    keys: Keys = field(default_factory=Keys)
    model_type: str | None = None
    marker: str | None = None
    computed: Mapping[str, Any] = field(default_factory=dict)
    tied: tuple[str, ...] = ()
    unused: str | None = None
    prefix: str = ""
    prior: bool = False
    styles: bool = False
    architecture: str | None = None
    frame: tuple[str, ...] = ()
    loader: str | None = None
    sequences: str | None = None
    purpose: str | None = None

    def fits(self, config: Mapping[str, Any]) -> bool:
        """Whether a config.json is of a model of this family."""
        named = config.get("model_type") == (self.model_type or self.name)
        return named and (self.marker is None or self.marker in config)

    def offers(self, view: type) -> bool:
        """Whether its networks offer a view, or one that includes it."""
        return any(view in offered.__mro__ for offered in self.views)

    def leaves(self, name: str) -> bool:
        """Whether a tensor of a file is one that the network does without."""
        return self.unused is not None and re.search(self.unused, name) is not None

    def uncomputed(self, config: Mapping[str, Any]) -> Iterator[Message]:
        """Settings of a config.json with which the network would compute something else."""
        for name, value in self.computed.items():
            if (given := config.get(name, value)) != value:
                template = "{name} {given} is not supported: textgen computes {value}"
                yield Message(template, name=name, given=short(given), value=repr(value))

    def size(self, config: Mapping[str, Any], name: str) -> int | None:
        """A size of `Keys` in a parsed config.json; None if there is none."""
        key = getattr(self.keys, name)
        return None if key is None else config.get(key)

    def build(self, config: Mapping[str, Any], specials: Specials, file: Path) -> Any:
        """Make the network that a config.json describes.

        Args:
            config: The parsed config.json, its sizes checked.
            specials: The special tokens' ids.
            file: The path of config.json, for errors.

        Raises:
            ModelError: There can be no such network.
        """
        if self.builder is not None:
            return resolved(self.builder)(config, specials, file)
        if self.network is not None and self.sizes is not None:
            return resolved(self.network)(resolved(self.sizes).from_dict(config))
        raise ModelError("{file}: textgen has no network for {name} models", file=file, name=self.name)
