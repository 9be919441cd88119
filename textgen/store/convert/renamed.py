"""What comes of the names of a checkpoint, and the sizes that its tensors tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from textgen.errors import ModelError
from textgen.store.convert.lazy import LazyTensor

Tensors = Mapping[str, LazyTensor]


@dataclass(frozen=True)
class Renamed:
    """A checkpoint under the names of what it is converted to.

    Attributes:
        kind: The kind of model.
        config: What config.json is to say.
        tensors: By their new names.
        left_out: The old names of those that have no place in such a model.
        specials: Words of BERT's vocabulary by the keys of the config that are to have their ids.
    """

    kind: str
    config: dict[str, Any]
    tensors: dict[str, LazyTensor]
    left_out: list[str]
    specials: Mapping[str, str] = field(default_factory=dict)


def check_whole(tensors: Tensors, wanted: Iterable[str]) -> None:
    """Refuse a checkpoint that lacks tensors. Raises ModelError with the name of the first."""
    missing = [name for name in wanted if name not in tensors]
    if missing:
        hint = "is it the whole checkpoint, and its last one?"
        template = (
            "the checkpoint lacks {name} and {more} more tensors"
            if len(missing) > 1
            else "the checkpoint lacks {name}"
        )
        raise ModelError(template, name=missing[0], more=len(missing) - 1, hint=hint)


def shape_of(tensors: Tensors, name: str, rank: int) -> tuple[int, ...]:
    """The shape of a tensor. Raises ModelError if it has another number of dimensions."""
    shape = tensors[name].shape
    if len(shape) != rank:
        hint = "is it a checkpoint of such a model?"
        raise ModelError("the checkpoint has {name} {shape}", name=name, shape=f"{shape}", hint=hint)
    return shape


def check_sizes(given: Mapping[str, Any], found: Mapping[str, int]) -> None:
    """Refuse a config that contradicts the tensors.

    Args:
        given: The config that lies beside the checkpoint.
        found: What its tensors say, by the config's keys.
    """
    cut = "was the vocabulary cut? put what is left of it beside the checkpoint, and its size into the config"
    for key, size in found.items():
        if given.get(key, size) != size:
            raise ModelError(
                "the config says {key} {given}, the checkpoint has {size}",
                key=key,
                given=given[key],
                size=size,
                hint=cut if key == "vocab_size" else "does the config belong to it?",
            )


def layers_of(names: Iterable[str], begin: str, end: str) -> int:
    """How many layers there are: numbers from 0 between these two parts of names. There is one at least."""
    found = {name[len(begin) : -len(end)] for name in names if name.startswith(begin) and name.endswith(end)}
    return max(1, len({int(number) for number in found if number.isdecimal()}))


def slots_of(names: Iterable[str]) -> set[str]:
    """The names of what an optimizer keeps: they lie below the name of another tensor, or count its steps."""
    known = set(names)
    counters = {"global_step", "beta1_power", "beta2_power", "save_counter"}
    return {name for name in known if name in counters or any(above in known for above in _above(name))}


def _above(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))
