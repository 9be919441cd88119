"""What compose, rewrite, correct and fill promise; what holds of any weights is shown on small models."""

from __future__ import annotations

import random
from typing import Any

import pytest
from each_option import each_value

from textgen.backends.editing.source import SourceBackend
from textgen.events import ChainStep, Steps
from textgen.models.views import FRAME
from textgen.options import CgmhOptions
from textgen.schema import Candidate, Row
from textgen.text.length import characters

SENTENCE = "他昨天在图书馆看了一整天的书。"


def keywords(*words: str, name: str = "1") -> Row:
    return Row("", name=name, keywords=words)


def only(records: list[Any]) -> list[Candidate]:
    [record] = records
    assert record.error is None
    return record.candidates


@pytest.mark.parametrize("method", each_value(CgmhOptions, "method"))
@pytest.mark.parametrize("ordered", [True, False])
def test_every_word_is_in_every_text(editors: dict[str, Any], method: str, ordered: bool) -> None:
    words = ("开幕", "美食", "广州")
    found = only(
        editors["compose"].generate(
            [keywords(*words)], num_candidates=3, steps=30, seed=3, method=method, ordered=ordered
        )
    )
    assert len(found) == 3
    for candidate in found:
        places = [candidate.text.find(word) for word in words]
        assert min(places) >= 0
        assert not ordered or places == sorted(places)
        assert 6 <= characters(candidate.text) <= 24
        assert candidate.chain is not None
        assert candidate.chain.kind == ("sample" if method == "mh" else "search")
    if not ordered and method == "mh":  # each chain draws an order of its own
        orders = [tuple(sorted(words, key=candidate.text.find)) for candidate in found]
        assert len(set(orders)) > 1


def test_best_texts_come_first_and_differ(editors: dict[str, Any]) -> None:
    anything = {"paraphrase": 0, "checks": False, "fluency_loss": 100, "least_similarity": 0}
    found = only(editors["rewrite"].generate([SENTENCE], num_candidates=3, steps=40, seed=1, **anything))
    values = [candidate.chain.log_target for candidate in found if candidate.chain]
    assert len({candidate.text for candidate in found}) == 3
    assert values == sorted(values, reverse=True)


def test_rows_do_not_depend_on_each_other(editors: dict[str, Any]) -> None:
    rows = [
        keywords("春天", name="a"),
        keywords("GPT-2 模型", name="b"),  # its blank lets the others' tokens alone
        keywords("暴雨", "救援", "群众", name="c"),
    ]

    def texts(some: list[Row], **options: Any) -> dict[str, list[tuple[str, float]]]:
        records = editors["compose"].generate(
            some, steps=8, seed=5, num_candidates=2, method="mh", length="6-12", **options
        )
        return {r.id: [(c.text, c.score) for c in r.candidates] for r in records}

    wanted = texts(rows)
    assert texts(rows, batch_size=1) == wanted
    assert texts(rows, batch_size=3) == wanted
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)
    assert texts(shuffled) == wanted
    assert texts(rows[1:2]).items() <= wanted.items()


def test_more_texts_begin_with_the_same_ones(editors: dict[str, Any]) -> None:
    def texts(n: int, **options: Any) -> list[str]:
        found = editors["compose"].generate(
            [keywords("春天")], steps=20, seed=5, num_candidates=n, method="mh", **options
        )
        return [candidate.text for candidate in only(found)]

    assert texts(3)[:1] == texts(1)
    assert texts(1, chains=3) == texts(1)


def test_a_sample_starts_inside_its_length_and_runs_as_long_as_it_was_asked(editors: dict[str, Any]) -> None:
    events: list[Any] = []
    [candidate] = only(
        editors["compose"].generate(
            [keywords("春天")], steps=12, seed=2, method="mh", length="20-24", on_event=events.append
        )
    )
    assert candidate.chain is not None
    assert candidate.chain.steps == candidate.chain.step == 12
    assert 20 <= characters(candidate.text) <= 24
    steps = [event for event in events if isinstance(event, ChainStep)]
    assert len(steps[0].text) >= 19
    assert [event.done for event in events if isinstance(event, Steps)] == [10, 12]


def test_a_length_counts_letters_one_by_one(editors: dict[str, Any]) -> None:
    """`GPT-2 模型` has three tokens or four, and seven characters."""
    row = keywords("GPT-2 模型")
    [candidate] = only(
        editors["compose"].generate([row], steps=6, seed=2, method="mh", length="7-9", length_weight=50)
    )
    assert "GPT-2 模型" in candidate.text
    assert 7 <= characters(candidate.text) <= 9
    [record] = editors["compose"].generate([row], steps=1, seed=2, length="4-6")
    assert "7 characters" in record.error


def test_a_rewritten_sentence_is_another_and_keeps_what_it_must(editors: dict[str, Any]) -> None:
    found = only(
        editors["rewrite"].generate([SENTENCE], keep=["图书馆", "一整天"], num_candidates=2, steps=40, seed=1)
    )
    for candidate in found:
        assert candidate.text != SENTENCE
        assert "图书馆" in candidate.text
        assert "一整天" in candidate.text
        assert 11 <= characters(candidate.text) <= 19


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("今天___很好，我们去___", ["今天", "很好，我们去", ""]),
        ("__是中国的首都。", ["", "是中国的首都。"]),
        ("他＿没有来，＿＿＿生气了。", ["他", "没有来，", "生气了。"]),
    ],
)
def test_only_blanks_are_filled(editors: dict[str, Any], text: str, parts: list[str]) -> None:
    for candidate in only(editors["fill"].generate([text], steps=30, seed=4, num_candidates=2, length="1-5")):
        rest = candidate.text
        assert rest.startswith(parts[0])
        assert rest.endswith(parts[-1])
        rest = rest[len(parts[0]) : len(rest) - len(parts[-1])]
        blanks = len(parts) - 1
        for part in parts[1:-1]:
            filled, found, rest = rest.partition(part)
            assert found
            assert len(filled) >= 1
        assert len(rest) >= 1
        assert blanks <= len(candidate.text) - sum(map(len, parts)) <= 5 * blanks


def test_blanks_are_filled_in_the_characters_of_the_text(editors: dict[str, Any]) -> None:
    source = "  這部電影😀___，導演說後來___。👍🏽\n"
    [candidate] = only(editors["fill"].generate([source], steps=30, seed=1))
    before, between, after = source.split("___")
    assert candidate.text.startswith(before)
    assert candidate.text.endswith(after)
    assert between in candidate.text


def test_traditional_words_are_in_the_text_as_they_were_typed(editors: dict[str, Any]) -> None:
    for words in [("廣州", "後來"), ("广州", "頭髮")]:
        [candidate] = only(editors["compose"].generate([keywords(*words)], steps=20, seed=1))
        assert all(word in candidate.text for word in words)


def test_all_but_the_edits_stays_as_it_was_typed(editors: dict[str, Any]) -> None:
    source = "\u3000\u3000我今天😀很高心，\r\n\u3000\u3000因為考試\t成積很好。👍🏽\u200b"
    [candidate] = only(editors["correct"].generate([source], steps=30, seed=2, errors=0.0, evidence=0.0))
    made, end = "", 0
    for change in candidate.changes or ():
        made += source[end : change.source_start] + candidate.text[change.start : change.end]
        end = change.source_end
    assert candidate.changes
    assert made + source[end:] == candidate.text
    beside = "\u3000\u3000😀\r\n\u3000\u3000👍🏽\u200b"
    assert [c for c in candidate.text if c in beside] == list(beside)


def test_odd_characters_stay_whole(editors: dict[str, Any]) -> None:
    text = "王垚说：🙂\n第二行 with words"
    for candidate in only(
        editors["rewrite"].generate([text], steps=20, seed=2, num_candidates=2, paraphrase=0)
    ):
        assert "垚" in candidate.text
        assert "🙂" in candidate.text
        assert candidate.text.count("\n") == 1
        assert "\ufffd" not in candidate.text
    for candidate in only(editors["compose"].generate([keywords("垚", "🙂")], steps=60, seed=2)):
        assert "垚" in candidate.text
        assert "🙂" in candidate.text


@pytest.mark.parametrize("options", [{"proposals": "title"}, {"proposals": "gpt2"}, {"candidates": 4}])
def test_other_proposals(editors: dict[str, Any], options: dict[str, Any]) -> None:
    [record] = editors["compose"].generate(
        [keywords("春天", "公园")], steps=20, seed=2, length="6-12", **options
    )
    [candidate] = record.candidates
    assert "春天" in candidate.text
    assert "公园" in candidate.text
    assert f"+{options.get('proposals', 'bert')}@" in record.model


def test_steps_are_told_with_what_was_edited(editors: dict[str, Any]) -> None:
    steps: list[ChainStep] = []

    def listen(event: object) -> None:
        if isinstance(event, ChainStep):
            steps.append(event)

    [candidate] = only(
        editors["compose"].generate(
            [keywords("春天", "公园")], steps=40, seed=2, method="mh", on_event=listen
        )
    )
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].text == candidate.text
    assert candidate.chain is not None
    assert steps[-1].log_target == candidate.chain.log_target
    before = steps[0].text  # the chain begins within the length, so its first state is not the words alone
    for step in steps[1:]:
        first, last = step.edited
        assert 0 <= first <= last <= len(step.text)
        assert step.changed == (step.text != before)
        assert step.accepted or not step.changed
        if step.move == "insert" and step.accepted:
            assert step.text[:first] + step.text[last:] == before
        if step.move == "delete" and step.accepted:
            assert before[:first] == step.text[:first]
            assert before[first + len(before) - len(step.text) :] == step.text[first:]
        before = step.text
    assert {step.move for step in steps} == {"replace", "insert", "delete", "swap"}
    assert candidate.chain.acceptance.keys() == {step.move for step in steps}


def test_a_text_as_long_as_the_models_read(editors: dict[str, Any]) -> None:
    """Every longer state is impossible, and there are steps in which all that is proposed is longer."""
    for editor in (one for one in editors.values() if isinstance(one, SourceBackend)):
        [record] = editor.generate([SENTENCE * 34], chains=1, steps=3, seed=3)
        assert record.error is None or "no other text" in record.error
        for candidate in record.candidates:
            assert len(editor.tokenizer.encode(candidate.text)) <= editor.network.positions - FRAME
            assert editor.tokenizer.decode(editor.tokenizer.encode(candidate.text)) == candidate.text


def test_a_correction_is_never_empty(editors: dict[str, Any]) -> None:
    [candidate] = only(editors["correct"].generate(["嗯"], errors=0.0, evidence=0.0, steps=40, seed=1))
    assert candidate.text


def test_fewer_texts_than_asked_for_are_told(editors: dict[str, Any]) -> None:
    [record] = editors["compose"].generate([keywords("广州")], length=2, num_candidates=3, steps=5, seed=1)
    assert [candidate.text for candidate in record.candidates] == ["广州"]
    assert record.notes == ("1 of 3 texts were found",)


def test_one_character_reaches_the_length_well_within_sixty_steps(editors: dict[str, Any]) -> None:
    for method in each_value(CgmhOptions, "method"):
        first: dict[int, int] = {}

        def listen(event: object, first: dict[int, int] = first) -> None:
            if isinstance(event, ChainStep) and 10 <= event.tokens <= 24:
                first.setdefault(event.chain, event.step)

        editors["compose"].generate(
            [keywords("春天")],
            method=method,
            length="10-24",
            steps=60,
            num_candidates=8,
            seed=1,
            on_event=listen,
        )
        assert len(first) == 8
        assert max(first.values()) <= 50


def test_a_string_of_keywords_is_split(editors: dict[str, Any]) -> None:
    rows = [Row("", name="1", keywords=words) for words in ("春天,花园", ("春天", "花园"))]
    split, listed = editors["compose"].generate(rows, steps=5, seed=1, method="mh")
    assert split == listed
    assert split.error is None
