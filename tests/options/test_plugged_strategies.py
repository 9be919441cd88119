"""Strategies of other packages: their options join ours, go to other processes, and never break ours."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from textgen import plugins
from textgen.errors import TextgenError, UsageError
from textgen.options import ContinueOptions, Options, TitleOptions, composed, decoding, parse
from textgen.options.decoding import strategies
from textgen.options.fields import OptionGroup, field
from textgen.options.strategies.sampling import SamplingOptions
from textgen.options.strategies.strategy import Strategy

UNREADABLE = "the option nth needs a BeforeValidator that reads its type from text"


class NthOptions(OptionGroup):
    nth: int = field(2, "Which token.", ge=1)


def strategy(name: str, *groups: Any) -> Strategy:
    return Strategy(name, "a test", choose="nothing:choose", groups=groups)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let records be installed, for one test."""

    def put(*records: Any, load: Callable[[], Any] | None = None) -> None:
        entries = [
            SimpleNamespace(name=one.name, value="toy", dist=None, load=load or (lambda one=one: one))
            for one in records
        ]
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries if group == decoding.GROUP else [])
        strategies.cache_clear()
        composed.cache_clear()

    yield put
    strategies.cache_clear()
    composed.cache_clear()


def test_options_with_those_of_a_plug_in_go_to_another_process(install: Callable[..., None]) -> None:
    install(strategy("nth", SamplingOptions, NthOptions))
    for kind in (ContinueOptions, TitleOptions):
        options: Any = parse(composed(kind), {"decode": "nth", "nth": 3, "top_p": 0.5})
        again = pickle.loads(pickle.dumps(options))
        assert again == options
        assert (again.nth, again.top_p, again.model_fields_set) == (3, 0.5, options.model_fields_set)
        with pytest.raises(UsageError, match="nth needs decode nth, not greedy"):
            parse(composed(kind), {"decode": "greedy", "nth": 3})


def group(kind: Any = int, **fields: Any) -> type[OptionGroup]:
    names = {"__annotations__": dict.fromkeys(fields, kind), "__module__": __name__, **fields}
    return type("Brought", (OptionGroup,), names)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (strategy("greedy"), "the name is taken"),
        (strategy("agree"), "the name is taken"),
        (strategy("nth", Options), "the option num_candidates is taken"),
        (strategy("nth", type("Plain", (BaseModel,), {})), "Plain is no OptionGroup"),
        (strategy("nth", group(model=field(1, "A model."))), "the option model is taken"),
        (strategy("nth", group(width=field(1, "A width."))), "the option width is taken"),
        (strategy("nth", group(max_new_tokens=field(1, "As ours."))), "the option max_new_tokens is taken"),
        (strategy("nth", group(nth=Field(1))), "the option nth has no description"),
        (strategy("nth", group(list[float], nth=field([], "Some."))), UNREADABLE),
        (strategy("nth", group(tuple[int, ...], nth=field((), "Some."))), UNREADABLE),
        (strategy("nth", group(Path | None, nth=field(None, "A file."))), UNREADABLE),
        (strategy("nth", group(int | float, nth=field(1, "Some."))), UNREADABLE),
        (strategy("nth", group(Literal[1, 2], nth=field(1, "Some."))), UNREADABLE),
        (SimpleNamespace(name="nth"), "it is no Strategy"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_does_not_go_with_ours_is_left_out(
    install: Callable[..., None], record: Any, reason: str
) -> None:
    install(record)
    with pytest.warns(plugins.PluginWarning) as caught:
        assert list(strategies()) == [one.name for one in decoding.OURS]
    assert [str(one.message) for one in caught] == [
        f"{record.name} of toy in textgen.strategies is left out: {reason}"
    ]
    assert composed(ContinueOptions) is ContinueOptions


def test_a_module_that_ends_the_process_is_left_out(install: Callable[..., None]) -> None:
    def load() -> None:
        raise SystemExit(3)

    install(SimpleNamespace(name="nth"), load=load)
    with pytest.warns(plugins.PluginWarning, match="is left out: SystemExit: 3"):
        assert "nth" not in strategies()


def test_a_record_of_another_name_is_left_out(install: Callable[..., None]) -> None:
    install(SimpleNamespace(name="one"), load=lambda: strategy("other"))
    with pytest.warns(plugins.PluginWarning, match="its record has another name"):
        assert "one" not in strategies()


@pytest.mark.parametrize(
    "kind", [Literal["a", "b"] | None, Annotated[tuple[int, ...], BeforeValidator(tuple)] | None, float | str]
)
def test_types_that_text_can_give_are_taken(install: Callable[..., None], kind: Any) -> None:
    install(strategy("nth", group(kind, nth=field(None, "Some."))))
    assert "nth" in strategies()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nothing.there:choose", "ModuleNotFoundError: No module named 'nothing'"),
        ("json:choose", "AttributeError: module 'json' has no attribute 'choose'"),
    ],
)
def test_a_target_that_is_not_there_is_the_fault_of_its_package(target: str, reason: str) -> None:
    with pytest.raises(TextgenError) as caught:
        Strategy("nth", "a test", choose=target).chooser()
    package = target.partition(":")[0].partition(".")[0]
    assert caught.value.line == (
        f"{target} cannot be loaded: {reason} (the package {package} brings it, not textgen)"
    )
