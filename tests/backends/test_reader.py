"""What of the rows' texts the embedded models know, with the shipped weights."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from textgen.backends.keywords import with_keywords
from textgen.backends.reader import Reader, _language_model
from textgen.backends.title.backend import TitleBackend
from textgen.errors import DataError
from textgen.options import TitleOptions
from textgen.schema import Candidate, Row
from textgen.store.load import LoadedModel
from textgen.text.model_input import as_read

TEXTS = Path(__file__).parents[1] / "text"
TRADITIONAL = (
    "本報訊（記者 李明）昨日，市政府宣佈首條跨海地鐵線路開始試運行🚇。該線路全長三十二公里，設車站十八座，"
    "後續將與機場線相連。"
    "市交通委員會表示，試運行期間列車不載客，為期三個月，幹線沿途的居民可以預約參觀。"
)


def texts(file: str) -> list[str]:
    return [json.loads(line)["text"] for line in (TEXTS / file).read_text(encoding="utf-8").splitlines()]


def told(reader: Reader, text: str) -> str:
    try:
        notes = reader.text_notes(reader.read(text).text, text)
    except DataError:
        return "refused"
    return "warned" if notes else "known"


def test_unknown_texts_are_refused_or_warned_of_and_known_ones_are_not_refused(
    gpt2_model: LoadedModel,
) -> None:
    reader = Reader(gpt2_model)
    unknown = [told(reader, text) for text in texts("unknown_texts.jsonl")]
    assert "known" not in unknown
    assert unknown.count("refused") >= 38
    known = [told(reader, text) for text in texts("known_texts.jsonl")]
    assert known.count("known") >= len(known) - 2
    assert "refused" not in known


def test_a_text_with_its_characters_shuffled_is_refused(gpt2_model: LoadedModel) -> None:
    reader = Reader(gpt2_model)
    characters = list(reader.read(TRADITIONAL).text)
    random.Random(1).shuffle(characters)
    assert told(reader, "".join(characters)) == "refused"
    assert told(reader, TRADITIONAL) == "known"


def test_models_of_ones_own_read_emoji_and_the_scripts_that_they_know(gpt2_model: LoadedModel) -> None:
    own = replace(gpt2_model, files=replace(gpt2_model.files, embedded=False))
    reader = Reader(own)
    assert reader.read("頭髮😀").text == "头发😀", "of the vocabulary of the models that come with textgen"
    assert reader.text_notes("林" * 40, "林" * 40) == ()
    assert reader.word("頭髮") == "头发"
    other = Reader(replace(own, scripts=frozenset({"traditional"})))
    assert other.read("頭髮😀").text == "頭髮😀"
    assert other.word("頭髮") == "頭髮"


def test_refused_texts_get_no_title_and_traditional_ones_a_traditional_title(
    title_model: LoadedModel,
) -> None:
    backend = TitleBackend(title_model)
    rows = [*texts("unknown_texts.jsonl")[::5], Row(TRADITIONAL, name="t")]
    records = backend.generate(rows, decode="greedy", explain=True)
    assert all(record.error and not record.candidates for record in records[:3])
    assert all(record.error is None or not record.candidates for record in records)
    assert any(record.error and "not Chinese: 98 % Latin letters" in record.error for record in records)
    [title] = records[-1].candidates
    assert set(title.text) <= set(TRADITIONAL)  # nothing simplified
    assert title.support
    for span in title.support:
        assert TRADITIONAL[span.source_start : span.source_end] == title.text[span.start : span.end]


@pytest.mark.parametrize("keyword", ["試運行", "试运行"])
def test_keywords_are_in_the_title_as_they_were_typed(title_model: LoadedModel, keyword: str) -> None:
    backend = TitleBackend(title_model)
    [record] = backend.generate(TRADITIONAL, decode="beam", keyword=(keyword,), beams=2)
    assert keyword in record.candidates[0].text


def test_a_title_in_whose_characters_a_keyword_is_not_there_is_none() -> None:
    """The same simplified character stands for several."""
    reading = as_read("頭髮很長，發展很快。")
    titles = [Candidate(text, 0.0, "", None, 3, "stop") for text in ("头发很长", "发展很快")]
    written = {keyword: lambda text, typed=keyword: reading.given_back(text, [typed]) for keyword in "發髮"}
    found = {
        keyword: with_keywords(titles, [keyword], TitleOptions(), written=give)
        for keyword, give in written.items()
    }
    assert found == {"發": titles[1:], "髮": titles[:1]}
    none = with_keywords(titles[:1], ["發"], TitleOptions(), written=written["發"])
    assert isinstance(none, DataError) and none.message == "no text with 發 was found"


def test_a_warning_is_in_the_record_of_its_row_alone(title_model: LoadedModel) -> None:
    mixed = next(text for text in texts("known_texts.jsonl") if "docker compose" in text)
    plain = "市图书馆昨天宣布，从下月起延长开放时间，周末开放到晚上九点，方便读者下班以后借阅。"
    records = TitleBackend(title_model).generate([mixed, plain], decode="greedy")
    latin = ["80 % Latin letters" in " ".join(record.notes) for record in records]
    assert latin == [True, False]


def test_a_blank_text_loads_no_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> LoadedModel:
        raise AssertionError("a model was loaded for a blank text")

    monkeypatch.setattr("textgen.backends.reader._language_model", refuse)
    files = SimpleNamespace(embedded=True, kind="bert")
    assert Reader(cast(LoadedModel, SimpleNamespace(files=files))).text_notes("", "") == ()


def test_the_language_model_of_the_reader_is_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no record, and a text waits for it."""

    def refuse(path: Path) -> str:
        raise AssertionError(f"{path} was hashed")

    monkeypatch.setattr("textgen.store.catalog.fingerprint", refuse)
    assert _language_model.__wrapped__("fp32", torch.device("cpu")).label == "gpt2"
