"""What a language model is trained on: windows of documents end to end, passages with hidden pieces."""

from __future__ import annotations

import pytest
import torch
from tiny import LETTERS, Bench, some_text, some_texts

from textgen.errors import UsageError
from textgen.train.step.loop import Loop


def told(loop: Loop) -> list[list[int]]:
    return [loop.arrays.ids("text", n) for n in range(len(loop.arrays))]


def test_windows_predict_every_piece_once(bench: Bench) -> None:
    rows = some_texts(5)
    loop = bench.loop("gpt2", rows=rows, window=8)
    tokenizer, specials = loop.recipe.tokenizer, loop.recipe.tokenizer.specials
    stream = [i for row in rows for i in (specials.bos, *tokenizer.encode(row["text"]), specials.eos)]
    windows = told(loop)
    assert [window[0] for window in windows] == [windows[0][0], *(window[-1] for window in windows[:-1])]
    assert [stream[0], *(i for window in windows for i in window[1:])] == stream
    assert {len(window) for window in windows[:-1]} == {9}


def test_windows_do_not_mix_sources_that_are_weighted(bench: Bench) -> None:
    """So that a weight is that of a source alone."""
    rows = [row | {"source": "ab"[n % 2]} for n, row in enumerate(some_texts(6))]
    for row in rows:
        row["text"] = some_text(11, 3, LETTERS[:20] if row["source"] == "a" else LETTERS[20:])
    loop = bench.loop("gpt2", rows=rows, window=8, weight={"a": 0.5})
    of_a = set(loop.recipe.tokenizer.encode(LETTERS[:20]))
    for number, window in enumerate(told(loop)):
        letters = {i for i in window if i >= min(of_a)}
        assert letters <= of_a or not letters & of_a, number
        assert (letters <= of_a) == (loop.arrays.number("source", number) == 0)


def test_sources_without_weights_share_windows(bench: Bench) -> None:
    """There may be as many as documents, such as the files of a folder."""
    rows = [row | {"source": str(n)} for n, row in enumerate(some_texts(6))]
    together = told(bench.loop("gpt2", "one", rows=some_texts(6), window=8))
    assert told(bench.loop("gpt2", "many", rows=rows, window=8)) == together


def test_a_window_larger_than_the_model_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="window 81 is more than the model reads"):
        bench.loop("gpt2", window=81)
    with pytest.raises(UsageError, match="length 81 is more than the model reads"):
        bench.loop("bert", length=81)


def test_passages_are_of_whole_sentences_as_far_as_they_fit(bench: Bench) -> None:
    sentences = ["春夏秋冬。", "风花。", "雪月山川河。", "东西" * 9 + "。", "天地。"]
    loop = bench.loop("bert", rows=[{"text": "".join(sentences)}], length=12)  # ten beside the frame
    decoded = [loop.recipe.tokenizer.decode(ids) for ids in told(loop)]
    assert decoded == ["春夏秋冬。风花。", "雪月山川河。", "东西" * 5, "东西" * 4 + "。", "天地。"]
    assert "".join(decoded) == "".join(sentences)


def test_pieces_are_hidden_as_they_should_be(bench: Bench) -> None:
    rows = [{"text": some_text(40, n)} for n in range(300)]
    loop = bench.loop("bert", rows=rows, mask_rate=(0.3, 0.3))
    specials, ordinary = loop.recipe.tokenizer.specials, set(loop.recipe.tokenizer.encode(LETTERS))
    batch = loop.recipe.batch(loop.arrays, range(300), 0)
    asked = batch.asked.sum(1)
    assert set(asked.tolist()) == {12}
    was = torch.tensor([[specials.cls, *loop.arrays.ids("text", n), specials.sep] for n in range(300)])
    seen = batch.ids[:, :42]
    assert torch.equal(was[batch.asked[:, :42]], batch.targets)
    assert torch.equal(seen[~batch.asked[:, :42]], was[~batch.asked[:, :42]]), (
        "what is not asked for is shown"
    )
    fates = seen[batch.asked[:, :42]]
    hidden = float((fates == specials.mask).float().mean())
    kept = float((fates == batch.targets).float().mean())
    assert hidden == pytest.approx(0.8, abs=0.02)
    assert kept == pytest.approx(0.1, abs=0.02)
    swapped = fates[(fates != specials.mask) & (fates != batch.targets)].tolist()
    assert ordinary >= set(swapped) - set(loop.recipe.tokenizer.encode("。 \n")), "a special is shown"
    places = batch.asked.float().mean(0)[1:41]
    assert float((places - 0.3).abs().max()) < 0.1


def test_how_much_is_hidden_differs_within_the_span(bench: Bench) -> None:
    rows = [{"text": some_text(50, n)} for n in range(200)]
    loop = bench.loop("bert", rows=rows, mask_rate=(0.1, 0.5))
    shares = loop.recipe.batch(loop.arrays, range(200), 0).asked.sum(1) / 50
    assert 0.1 <= float(shares.min()) < 0.15
    assert 0.45 < float(shares.max()) <= 0.5
    assert float(shares.mean()) == pytest.approx(0.3, abs=0.03)


def test_epochs_hide_other_pieces_and_a_dev_file_always_the_same(bench: Bench) -> None:
    loop = bench.loop("bert")

    def asked(epoch: int | None, examples: list[int]) -> torch.Tensor:
        return loop.recipe.batch(loop.arrays, examples, epoch).asked

    assert not torch.equal(asked(0, [0, 1, 2]), asked(1, [0, 1, 2]))
    assert not torch.equal(asked(None, [0, 1, 2]), asked(0, [0, 1, 2]))
    assert torch.equal(asked(None, [0, 1, 2]), asked(None, [0, 1, 2]))
    assert torch.equal(asked(0, [2])[0], asked(0, [0, 1, 2])[2])


def test_texts_with_styles_are_cut_without_their_end(bench: Bench) -> None:
    rows = [{"text": LETTERS[:6], "label": "甲"}, {"text": LETTERS[:7], "label": "乙"}]
    loop = bench.loop("conditional", rows=rows, length=8)
    eos = loop.recipe.tokenizer.specials.eos
    letters = loop.recipe.tokenizer.encode(LETTERS[:6])
    assert told(loop) == [[*letters, eos], letters]
    assert loop.recipe.styles == ["甲", "乙"]
    assert loop.arrays.numbers("style").tolist() == [0, 1]


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_a_share_of_the_styles_is_hidden(bench: Bench, share: float) -> None:
    loop = bench.loop("conditional", rows=some_texts(400), null_share=share)
    styles = loop.recipe.batch(loop.arrays, range(400), 0).styles
    assert float((styles == 2).float().mean()) == pytest.approx(share, abs=0.06)
    assert torch.equal(styles[styles < 2], (torch.arange(400) % 2)[styles < 2])
    assert not (loop.recipe.batch(loop.arrays, range(400), None).styles == 2).any()
