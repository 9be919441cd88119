"""When a text is finished, and where it is cut."""

from __future__ import annotations

import pytest

from textgen.decoding.stop import RUN_ON, SentenceStop, Stop

EOS = 0


def ids(text: str) -> list[int]:
    return [ord(character) for character in text]


def decode(found: list[int]) -> str:
    return "".join(chr(i) for i in found if i != EOS)


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
        ("好。今天" + "很" * 200, "好。"),
        ("好。行！今" + "很" * 200, "好。行！"),
        ("好。行“吧。" + "很" * 200, "好。"),  # the later mark stands in open quotes
        ("“好。”今天" + "很" * 200, "“好。”"),
        ("“好。今天。" + "很" * 200 + "”", None),
        ("今天" + "很" * 200, None),
    ],
)
def test_goes_back_to_the_last_sentence(text: str, kept: str | None) -> None:
    """Where no sentence ends in time; where there is none at all, everything stays."""
    stop = sentence_stop(5)
    wanted = (kept, "sentence") if kept else (text[: stop.limit], "length")
    assert run(stop, text) == wanted


def test_the_run_on_is_bounded() -> None:
    assert sentence_stop(4).limit == 4 + RUN_ON
    just = "很" * (3 + RUN_ON) + "。"
    assert run(sentence_stop(4), "好。" + just[2:] + "很") == ("好。" + just[2:], "sentence")
    assert run(sentence_stop(4), "好。" + just[1:] + "很") == ("好。", "sentence")


def test_it_goes_back_no_further_than_it_must() -> None:
    """A sentence that is complete at the length itself is kept whole."""
    stop = sentence_stop(5)
    assert stop.cut(ids("甲。乙丙。"), "length") == (5, "sentence")
    assert stop.cut(ids("甲。乙丙丁" + "很" * RUN_ON), "length") == (2, "sentence")


@pytest.mark.parametrize("reason", ["stop", "sentence"])
def test_other_reasons_cut_nothing(reason: str) -> None:
    assert sentence_stop(3).cut(ids("甲。乙丙"), reason) == (4, reason)


def test_the_sentence_may_have_begun_in_the_prompt() -> None:
    prompt = "她回过头说：“"
    assert run(sentence_stop(3, prompt), "走吧。快走。”然后") == ("走吧。快走。”", "sentence")
    assert run(sentence_stop(3), "走吧。快走。”然后") == ("走吧。", "sentence")
    assert run(sentence_stop(3, prompt), "走。”然" + "后" * 200) == ("走。”", "sentence")
    assert run(sentence_stop(3, "上一段的“\n"), "走吧。快") == ("走吧。", "sentence")
