"""Titles that fail an editor's checks: they come last, are looked for again, and say what they fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_titles import make_title

import textgen
from textgen.backends.title.backend import TitleBackend
from textgen.backends.title.chosen import check_notes, chosen
from textgen.backends.title.search import ATTEMPTS, Title, TitleSearch, View
from textgen.schema import Candidate
from textgen.text.checks.editor import Editor

ARTICLE = "前三季度，工业增加值同比增长百分之六点二，长江流域降水偏多。本文介绍这些插件：\n甲\n乙\n丙"
SOUND = "工业增加值同比增长百分之六点二"
CUT = "工业增加值同比增长百分之六点"
TWICE = "长江流域江流域降水偏多"
COUNT = "本文介绍5款插件"  # which is sound, for plug-ins are listed, though 5 is not in the article
TITLES = {"num_candidates": 3, "max_new_tokens": 8, "beams": 4}


def candidate(text: str, score: float) -> Candidate:
    return Candidate(text, score, "mean_logprob", score, 9, "stop")


def texts(found: Sequence[Candidate]) -> list[str]:
    return [one.text for one in found]


def test_sound_titles_come_first_and_numbers_of_the_article_before_others() -> None:
    ranked = [candidate(text, -n) for n, text in enumerate([CUT, COUNT, SOUND, TWICE])]
    found = chosen(ranked, Editor(ARTICLE), 4)
    assert texts(found) == [SOUND, COUNT, CUT, TWICE]
    assert [one.flags for one in found] == [(), (), ("number",), ("repeat",)]
    assert [one.score for one in found] == [-2, -1, 0, -3], "flags move places, no scores"
    assert texts(chosen(ranked, Editor(ARTICLE), 1)) == [SOUND]


def test_what_is_remarked_of_the_first_title() -> None:
    editor = Editor(ARTICLE)
    assert check_notes(chosen([candidate(CUT, 0), candidate(SOUND, -1)], editor, 1)) == ()
    (last,) = check_notes(chosen([candidate(CUT, 0), candidate(SOUND, -1)], editor, 2))
    assert last == "1 of 2 titles fail an editor's check (2: number)"
    (alone,) = check_notes(chosen([candidate(CUT, 0), candidate(TWICE, -1)], editor, 2))
    assert "no sound title was found" in alone
    assert "(number)" in alone
    assert check_notes([]) == ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_title(tmp_path_factory.mktemp("models") / "title")


@pytest.fixture(scope="module")
def title(folder: Path) -> TitleBackend:
    found: Any = textgen.load(str(folder))
    return found  # type: ignore[no-any-return]


def found_in_rounds(monkeypatch: pytest.MonkeyPatch, *rounds: Sequence[str]) -> list[int]:
    """Let the search find these titles, best first, round by round; how many rows each round was for."""
    asked: list[int] = []

    def found(self: TitleSearch, _: object, views: Sequence[View], attempt: int) -> list[list[Title]]:
        asked.append(len(views))
        pieces = {text: tuple(self.tokenizer.encode(text)) for text in rounds[min(attempt, len(rounds) - 1)]}
        pool = [
            Title(text, ids, ("l2r",), len(ids) + 1, "stop", -0.1 * n, {"l2r": -0.1 * n}, "l2r")
            for n, (text, ids) in enumerate(pieces.items())
        ]
        return [list(pool) for _ in views]

    monkeypatch.setattr(TitleSearch, "_round", found)
    return asked


def test_the_search_goes_on_until_a_title_is_sound(
    title: TitleBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = "3月工业增加值"
    asked = found_in_rounds(monkeypatch, [early], [early, TWICE], [early, TWICE, SOUND])
    other = ARTICLE.replace("前三季度", "今年3月")
    records = title.generate([ARTICLE, other], decode="beam", max_new_tokens=20)
    assert [texts(record.candidates) for record in records] == [[SOUND], [early]]
    assert [(record.candidates[0].flags, record.notes) for record in records] == [((), ())] * 2
    assert asked == [2, 1, 1], "only the row without a sound title is searched again"


def test_the_best_title_is_given_with_its_flags_where_none_is_sound(
    title: TitleBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = found_in_rounds(monkeypatch, [TWICE, CUT])
    (record,) = title.generate(ARTICLE, decode="beam")
    assert texts(record.candidates) == [TWICE]
    assert record.to_dict()["candidates"][0]["flags"] == ["repeat"]
    assert ["repeat" in note for note in record.notes] == [True]
    assert len(asked) == 2, "a wider beam that finds nothing new has seen all there is"
    asked = found_in_rounds(monkeypatch, *([f"{CUT}{n * '，'}" for n in range(m)] for m in range(1, 9)))
    title.generate(ARTICLE, decode="beam")
    assert len(asked) == ATTEMPTS


def test_no_more_is_drawn_for_a_sound_title(title: TitleBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = found_in_rounds(monkeypatch, [CUT, SOUND])
    for count, wanted in ((1, [CUT]), (2, [SOUND, CUT])):
        (record,) = title.generate(ARTICLE, decode="sample", seed=1, num_candidates=count)
        assert texts(record.candidates) == wanted
        assert record.candidates[-1].flags == ("number",)
    assert len(asked) == 2


def test_one_of_a_list_is_not_checked(title: TitleBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    found_in_rounds(monkeypatch, [CUT, SOUND])
    (record,) = title.generate(ARTICLE, one_of=(CUT, SOUND), rank="logprob")
    assert texts(record.candidates) == [CUT]
    assert (record.candidates[0].flags, record.notes) == ((), ())


def test_what_the_user_asks_for_is_no_fault(title: TitleBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    found_in_rounds(monkeypatch, ["2031年工业增加值"])
    (record,) = title.generate(ARTICLE + "2030年。", decode="beam")
    assert record.candidates[0].flags == ("number",)
    (record,) = title.generate(ARTICLE + "2030年。", decode="beam", keyword=("2031年",))
    assert record.candidates[0].flags == ()


@pytest.mark.parametrize(
    "options", [{}, {"decode": "diverse"}, {"decode": "sample", "rank": "mbr", "seed": 3}]
)
def test_titles_are_the_same_in_any_batch(title: TitleBackend, options: dict[str, Any]) -> None:
    articles = [ARTICLE, "百分之" * 20, "Kubernetes 与 LibreOffice", "春天来了。"]
    options = {"max_new_tokens": 7, **options}
    alone = [title.generate(article, **options)[0] for article in articles]
    together = title.generate(articles[::-1], **options)[::-1]
    assert [record.candidates for record in together] == [record.candidates for record in alone]
    assert [record.notes for record in together] == [record.notes for record in alone]


def test_without_checks_the_search_is_left_alone(
    title: TitleBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = found_in_rounds(monkeypatch, [TWICE, CUT], [SOUND])
    (record,) = title.generate(ARTICLE, decode="beam", num_candidates=2, checks=False)
    assert texts(record.candidates) == [TWICE, CUT]
    assert [one.flags for one in record.candidates] == [(), ()]
    assert len(asked) == 1
