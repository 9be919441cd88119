"""When a text is finished, and where it is cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textgen.choice.allowed import continuation_ids, punctuation_ids
from textgen.decoding.stop import RUN_ON, SentenceStop, Stop, loops, relabel
from textgen.resources import models_dir
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer

EOS = 0
TOKENIZER = SentencePieceTokenizer(models_dir() / "tokenizer" / "zh8k.model")


def ids(text: str) -> list[int]:
    return [ord(character) for character in text]


def decode(found: list[int]) -> str:
    return "".join(chr(i) for i in found if i != EOS)


def much(length: int) -> str:
    """A text without a sentence's end, and without a loop."""
    return "".join(chr(0x4E00 + n) for n in range(length))


def sentence_stop(most: int, prompt: str = "") -> SentenceStop:
    return SentenceStop(EOS, most, decode, prompt)


def run(stop: Stop, text: str) -> tuple[str, str]:
    """Write the text piece by piece until the rule ends it; what is kept, and why it ended."""
    written: list[int] = []
    for token in [*ids(text), EOS]:
        written.append(token)
        reason = stop.reason(written)
        if reason is not None:
            assert len(written) <= stop.limit
            kept, reason = stop.cut(written, reason)
            return decode(written[:kept]), reason
    raise AssertionError("never ended")


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        ("好", "好", "stop"),
        ("", "", "stop"),
        ("今天很", "今天很", "stop"),  # the end symbol is the fourth piece
        ("今天很好", "今天很好", "length"),
        ("今天很好。再来", "今天很好", "length"),
        ("好。好。好", "好。好。", "length"),
    ],
)
def test_stop(text: str, kept: str, reason: str) -> None:
    assert run(Stop(EOS, 4), text) == (kept, reason)


def test_stop_counts_the_end_symbol() -> None:
    stop = Stop(EOS, 3)
    assert stop.limit == 3
    assert stop.reason([5]) is None
    assert stop.reason([5, 6]) is None
    assert stop.reason([5, 6, 7]) == "length"
    assert stop.reason([5, 6, EOS]) == "stop"
    assert stop.reason([EOS]) == "stop"
    assert Stop(EOS, 1).reason([5]) == "length"


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        ("今天。明天。", "今天。明天。", "sentence"),  # not at the first end: four pieces come first
        ("今天很好。再来", "今天很好。", "sentence"),
        ("今天很。再来", "今天很。", "sentence"),
        ("今天很好，明天再说吧！后天", "今天很好，明天再说吧！", "sentence"),
        ("今天很好，明天", "今天很好，明天", "stop"),
        ("好。", "好。", "stop"),
        ("她说：“走吧。”好", "她说：“走吧。”", "sentence"),  # not inside the quotes
        ("她说：“走吧。再见！”好", "她说：“走吧。再见！”", "sentence"),
        ("（见图。）好", "（见图。）", "sentence"),
    ],
)
def test_runs_on_to_the_end_of_the_sentence(text: str, kept: str, reason: str) -> None:
    assert run(sentence_stop(4), text) == (kept, reason)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("好。今天" + much(200), "好。"),
        ("好。行！今" + much(200), "好。行！"),
        ("好。行“吧。" + much(200), "好。"),  # the later mark stands in open quotes
        ("“好。”今天" + much(200), "“好。”"),
        ("“好。今天。" + much(200) + "”", None),
        ("今天" + much(200), None),
    ],
)
def test_goes_back_to_the_last_sentence(text: str, kept: str | None) -> None:
    """Where no sentence ends in time; where there is none at all, everything stays."""
    stop = sentence_stop(5)
    wanted = (kept, "sentence") if kept else (text[: stop.limit], "length")
    assert run(stop, text) == wanted


def test_the_run_on_is_bounded() -> None:
    assert sentence_stop(4).limit == 4 + RUN_ON
    just = much(3 + RUN_ON) + "。"
    assert run(sentence_stop(4), "好。" + just[2:] + "很") == ("好。" + just[2:], "sentence")
    assert run(sentence_stop(4), "好。" + just[1:] + "很") == ("好。", "sentence")


def test_it_goes_back_no_further_than_it_must() -> None:
    """A sentence that is complete at the length itself is kept whole."""
    stop = sentence_stop(5)
    assert stop.cut(ids("甲。乙丙。"), "length") == (5, "sentence")
    assert stop.cut(ids("甲。乙丙丁" + much(RUN_ON)), "length") == (2, "sentence")


@pytest.mark.parametrize("reason", ["stop", "sentence", "loop"])
def test_other_reasons_cut_nothing(reason: str) -> None:
    assert sentence_stop(3).cut(ids("甲。乙丙"), reason) == (4, reason)


def test_the_sentence_may_have_begun_in_the_prompt() -> None:
    prompt = "她回过头说：“"
    assert run(sentence_stop(3, prompt), "走吧。快走。”然后") == ("走吧。快走。”", "sentence")
    assert run(sentence_stop(3), "走吧。快走。”然后") == ("走吧。", "sentence")
    assert run(sentence_stop(3, prompt), "走。”然" + much(200)) == ("走。”", "sentence")
    assert run(sentence_stop(3, "上一段的“\n"), "走吧。快") == ("走吧。", "sentence")


# loops


@pytest.mark.parametrize(
    ("unit", "pieces"),
    [(1, 32), (2, 32), (3, 33), (5, 35), (7, 35), (8, 32), (9, 36), (16, 64), (31, 124), (32, 128)],
)
def test_a_loop_needs_so_many_pieces(unit: int, pieces: int) -> None:
    text = ids(much(unit)) * 40
    assert not any(loops(text[:length]) for length in range(1, pieces))
    assert all(loops(text[:length]) for length in range(pieces, 200))
    assert loops([EOS, *text[:pieces]])
    assert not loops([*text[: pieces - 1], 7])


def test_a_longer_unit_is_none() -> None:
    assert not any(loops((ids(much(33)) * 20)[:length]) for length in range(1, 400))


def test_punctuation_alone_is_no_loop() -> None:
    dash, bar, word = ids("—|好")
    exempt = frozenset((dash, bar))
    assert loops([dash] * 50)
    assert not loops([dash] * 150, exempt)
    assert not loops([dash, bar, bar] * 50, exempt)
    assert loops([dash, bar, word] * 11, exempt)
    assert loops([word] * 32, exempt)


def naive(found: list[int], exempt: frozenset[int], inside: frozenset[int]) -> bool:
    """The definition, counted."""
    for size in range(1, 33):
        unit, times = found[-size:], 0
        while found[len(found) - size * (times + 1) : len(found) - size * times] == unit:
            times += 1
        if times >= 4 and times * size >= 32 and not set(unit) <= exempt and unit[0] not in inside:
            return True
    return False


symbols = st.integers(1, 4)


@settings(deadline=None)
@given(
    st.lists(symbols, max_size=6),
    st.lists(symbols, min_size=1, max_size=34),
    st.integers(0, 40),
    st.integers(0, 34),
    st.frozensets(symbols, max_size=3),
    st.frozensets(symbols, max_size=2),
)
@example([], [1], 32, 0, frozenset(), frozenset())
@example([2], [1, 1, 2], 10, 2, frozenset({1}), frozenset({1}))
def test_loops_by_their_definition(
    before: list[int],
    unit: list[int],
    times: int,
    more: int,
    exempt: frozenset[int],
    inside: frozenset[int],
) -> None:
    found = [*before, *unit * times, *unit[:more]] or [1]
    assert loops(found, exempt, inside) == naive(found, exempt, inside)


def test_a_loop_ends_the_text() -> None:
    looping = "我们走了，" * 20
    assert run(Stop(EOS, 99), "后来" + looping) == ("后来" + "我们走了，" * 7, "loop")
    assert run(sentence_stop(99), "后来" + looping) == ("后来" + "我们走了，" * 7, "loop")
    assert run(Stop(EOS, 99, exempt=frozenset(ids("—"))), "—" * 60 + "好") == ("—" * 60 + "好", "stop")
    assert run(sentence_stop(9), much(6) + "很" * 99) == (much(6) + "很" * 32, "loop")
    assert run(sentence_stop(5), "好。" * 40) == ("好。" * 3, "sentence")


def test_which_reason_comes_first() -> None:
    looping = [7] * 31
    assert Stop(EOS, 32).reason([*looping, 7]) == "loop"  # not length
    assert Stop(EOS, 32).reason([*looping, 8]) == "length"
    assert Stop(EOS, 32).reason([*looping, EOS]) == "stop"
    assert Stop(7, 32).reason([*looping, 7]) == "stop"
    assert sentence_stop(8).reason(ids("好。" * 16)) == "loop"  # not sentence


def test_what_a_beam_cut_in_a_loop() -> None:
    looping = [7] * 32
    assert relabel("length", looping) == "loop"
    assert relabel("length", looping[1:]) == "length"
    assert relabel("length", looping, frozenset({7})) == "length"
    assert relabel("stop", looping) == "stop"
    assert relabel("sentence", looping) == "sentence"


@pytest.mark.parametrize("unit", ["😀", "龘", "龘𠮷", "好😀"])
def test_a_loop_ends_no_text_inside_a_character(unit: str) -> None:
    """Even if the bytes before happen to be the last bytes of the unit."""
    vocabulary = TOKENIZER.vocabulary
    exempt, inside = punctuation_ids(vocabulary), continuation_ids(vocabulary)
    size = len(TOKENIZER.encode(unit))
    broken = 0
    for shared in range(size):
        written = (TOKENIZER.encode(unit) * 40)[size - shared :]
        whole, early = (
            next(
                n
                for n in range(1, len(written))
                if Stop(EOS, 999, exempt=exempt, inside=held).reason(written[:n])
            )
            for held in (inside, frozenset[int]())
        )
        text = TOKENIZER.decode(written[shared:whole])
        assert (unit * 40).startswith(text)  # no U+FFFD at the end
        broken += TOKENIZER.decode(written[shared:early])[-1] == "\ufffd"
    assert broken  # without the rule there would be
