"""`--plot`: what is collected of the chains, and what the figure shows of it."""

from __future__ import annotations

import subprocess
import sys
from math import inf, isnan, sin
from pathlib import Path

import pytest

from textgen.cli.observers import Observation, check_observation, observing
from textgen.cli.render import plot
from textgen.cli.render.plot import Curve, Curves, draw, figure
from textgen.errors import TextgenError, UsageError
from textgen.events import ChainStep, Note, Progress, Steps, ignore

PNG = b"\x89PNG\r\n\x1a\n"


def step(number, *, name="1", chain=0, move="replace", accepted=True, target=None, tokens=5):
    target = -20 + sin(number * (chain + 2)) if target is None else target
    return ChainStep(name, chain, number, move, accepted, accepted, target, "文本", (0, 1), tokens)


def collected(*events):
    curves = Curves()
    for event in events:
        curves(event)
    return curves


def run(chains=2, steps=40, names=("1",)):
    """Chains of some rows, side by side."""
    keys = [(name, chain) for name in names for chain in range(chains)]
    return [
        step(n, name=name, chain=chain, accepted=n % 4 == 0, tokens=n)
        for n in range(1, steps + 1)
        for name, chain in keys
    ]


def axes(curves):
    return figure(curves).axes


def drawn_lines(axes, count):
    return [list(line.get_ydata()) for line in axes.lines[:count]]


def test_numbers_are_kept_by_chain_and_texts_are_not():
    curves = collected(Note("a"), *run(chains=2, steps=3, names=("a", "b")), Steps(3, 3), Progress(1, 1))
    labels = [curve.label for curve in curves.curves]
    assert labels == ["row a, chain 0", "row a, chain 1", "row b, chain 0", "row b, chain 1"]
    assert all(list(curve.lengths) == [1, 2, 3] for curve in curves.curves)
    assert list(curves.curves[1].energies) == [-20 + sin(3 * n) for n in (1, 2, 3)]
    assert "文本" not in repr(vars(curves))


def test_moves_are_counted_over_all_chains():
    curves = collected(step(1, move="insert"), step(2, move="insert", accepted=False), step(1, chain=1))
    assert curves.moves.proposed == {"insert": 2, "replace": 1}
    assert curves.moves.acceptance == {"insert": 0.5, "replace": 1.0}


def test_what_is_impossible_is_a_gap():
    [curve] = collected(step(1, target=-inf), step(2, target=-3.0)).curves
    assert isnan(curve.energies[0])
    assert curve.energies[1] == -3.0


def test_rows_of_one_name_in_different_batches_are_different_chains():
    curves = collected(step(1), step(2), step(1), step(2), step(3))
    assert [len(curve.lengths) for curve in curves.curves] == [2, 3]


def test_a_row_beyond_the_bound_adds_nothing_to_one_of_its_name(monkeypatch):
    monkeypatch.setattr(plot, "MOST_CURVES", 1)
    curves = collected(step(1), step(2), step(1), step(2), step(3))
    assert ([len(curve.lengths) for curve in curves.curves], curves.more) == ([2], 1)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(plot, "MOST_CURVES", 3)
    curves = collected(*run(chains=5, steps=4))
    assert ([len(curve.lengths) for curve in curves.curves], curves.more) == ([4, 4, 4], 2)
    assert curves.moves.steps == 20
    assert figure(curves).get_suptitle() == "5 chains, 20 steps (curves of the first 3 chains)"


@pytest.mark.parametrize("name", ["新闻.txt", "$x^2$", "a\nb", "_hidden", "x" * 40])
def test_a_name_that_the_font_may_lack_becomes_a_number(name):
    curves = collected(step(1), step(1, name=name))
    label = curves.curves[1].label
    assert label == ("row _hidden, chain 0" if name == "_hidden" else "row #2, chain 0")
    texts = [text.get_text() for text in axes(curves)[0].get_legend().get_texts()]
    assert texts == ["row 1, chain 0", label]


def test_correlations_are_of_the_second_half_and_after_the_last_gap():
    curve = Curve("x")
    curve.energies.extend([5.0] * 8 + [1.0, -1.0] * 4)
    assert curve.autocorrelation()[:2] == pytest.approx([1.0, -7 / 8])
    curve.energies[9] = float("nan")
    assert len(curve.autocorrelation()) == 4  # lags 0 to half of six values


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 9, [float("nan")] * 9])
def test_a_series_that_does_not_vary_has_no_correlations(values):
    curve = Curve("x")
    curve.energies.extend(values)
    assert curve.autocorrelation() == []


def test_the_panels_show_what_was_collected():
    curves = collected(*run(chains=2, steps=40))
    energies, shares, lengths, correlations = axes(curves)
    assert drawn_lines(energies, 2) == [list(curve.energies) for curve in curves.curves]
    assert list(energies.lines[0].get_xdata()) == list(range(1, 41))
    assert drawn_lines(lengths, 2) == [list(range(1, 41))] * 2
    assert [bar.get_height() for bar in shares.patches] == [25.0]
    assert [text.get_text() for text in shares.texts] == ["20 of 80"]
    each = [curve.autocorrelation() for curve in curves.curves]
    mean = [(a + b) / 2 for a, b in zip(*each, strict=True)]
    first, second, drawn_mean = drawn_lines(correlations, 3)
    assert ([first, second], drawn_mean) == (each, pytest.approx(mean))


def test_the_mean_is_of_the_chains_that_went_far():
    curves = collected(*run(chains=2, steps=40), *(step(n, chain=9) for n in range(1, 9)))
    drawn = axes(curves)[3].lines
    first, second, _ = [curve.autocorrelation() for curve in curves.curves]
    assert [len(line.get_ydata()) for line in drawn[:3]] == [11, 11, 3]
    assert list(drawn[3].get_ydata()) == pytest.approx(
        [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    )


def test_the_bars_stand_over_their_moves():
    moves = [("insert", True), ("delete", False), ("insert", False), ("replace", True)]
    shares = axes(collected(*(step(n, move=move, accepted=ok) for n, (move, ok) in enumerate(moves, 1))))[1]
    shares.figure.canvas.draw()
    assert [label.get_text() for label in shares.get_xticklabels()] == ["delete", "insert", "replace"]
    assert [bar.get_height() for bar in shares.patches] == [0.0, 50.0, 100.0]
    assert [text.get_text() for text in shares.texts] == ["0 of 1", "1 of 2", "1 of 1"]


def test_many_chains_are_thin_and_have_no_legend():
    few, many = axes(collected(*run(chains=3)))[0], axes(collected(*run(chains=30)))[0]
    assert few.get_legend() is not None
    assert many.get_legend() is None
    assert len(many.lines) == 30
    assert many.lines[0].get_linewidth() < few.lines[0].get_linewidth()


@pytest.mark.parametrize("events", [[step(1)], [step(1, accepted=False, target=-inf)], run(1, 2), run(1, 9)])
def test_short_and_constant_chains_are_drawn(tmp_path, events):
    draw(collected(*events), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("name", "head"), [("a.png", PNG), ("a.PNG", PNG), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_ending_tells_the_format(tmp_path, name, head):
    path = tmp_path / name
    check_observation(Observation(plot=path), [], force=False)
    with observing(Observation(plot=path), ignore) as on_event:
        for event in run():
            on_event(event)
        assert not path.exists()
    assert path.read_bytes().startswith(head)


@pytest.mark.filterwarnings("error")
def test_nothing_is_drawn_in_a_window_or_warned_of(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # its import would fail
    draw(collected(*run(names=("甲", "乙"))), tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TextgenError("broken"), GeneratorExit()])
def test_what_was_seen_is_drawn_after_an_error(tmp_path, error):
    path = tmp_path / "a.png"
    with pytest.raises(type(error)), observing(Observation(plot=path), ignore) as on_event:
        for event in run():
            on_event(event)
        raise error
    assert path.read_bytes().startswith(PNG)


def test_the_first_error_is_told(tmp_path):
    path = tmp_path / "none" / "a.png"
    with pytest.raises(KeyboardInterrupt), observing(Observation(plot=path), ignore) as on_event:
        on_event(step(1))
        raise KeyboardInterrupt


def test_a_figure_that_cannot_be_written_is_one_line(tmp_path):
    path = tmp_path / "none" / "a.png"
    with pytest.raises(TextgenError, match="failed: No such file or directory"):  # noqa: SIM117
        with observing(Observation(plot=path), ignore) as on_event:
            on_event(step(1))


def test_without_chains_nothing_is_drawn(tmp_path):
    seen, path = [], tmp_path / "a.png"
    with observing(Observation(plot=path), seen.append) as on_event:
        on_event(Progress(1, 1))
    assert seen == [Progress(1, 1), Note(f"no chain made a step; not written: {path}")]
    assert not path.exists()


def test_all_observers_at_once(tmp_path):
    trace, path = tmp_path / "t.jsonl", tmp_path / "a.png"
    with observing(Observation(trace=trace, plot=path), ignore) as on_event:
        for event in run(chains=2, steps=5):
            on_event(event)
    assert len(trace.read_text(encoding="utf-8").splitlines()) == 10
    assert path.read_bytes().startswith(PNG)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(UsageError) as caught:
        check_observation(Observation(plot=tmp_path / "a.jpg"), [], force=False)
    assert caught.value.line.endswith("(give a name that ends in .png or .svg or .pdf)")


def test_a_plot_without_matplotlib_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("textgen.cli.observers.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        check_observation(Observation(plot=tmp_path / "a.png"), [], force=False)
    assert caught.value.line == "plot needs matplotlib (pip install '.[plot]')"


def test_checks_and_numbers_do_not_take_matplotlib(tmp_path):
    code = (
        "import sys; from pathlib import Path; from textgen.cli.render import plot;"
        "from textgen.cli import observers;"
        "observers.check_observation(observers.Observation(plot=Path(sys.argv[1])), [], force=False);"
        "plot.Curves(); sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[3]).returncode == 0
