"""The best of several draws: its score against sums over a table, and which draws it is chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import TabularModel, random_table
from small_networks import GPT2, network_of

from textgen.backends.best_of import best, blended, is_sound
from textgen.backends.gpt2 import Gpt2Backend
from textgen.errors import UsageError
from textgen.options import ContinueOptions, parse
from textgen.schema import Candidate
from textgen.store.catalog import find_model
from textgen.store.load import LoadedModel, load_tokenizer

LETTERS = "^甲乙丙。！"


@dataclass
class Letters:
    """A tokenizer of a few characters; `^` is the start symbol."""

    specials = SimpleNamespace(bos=0)

    def encode(self, text: str) -> list[int]:
        return [LETTERS.index(character) for character in text]

    def decode(self, ids: list[int]) -> str:
        return "".join(LETTERS[i] for i in ids)


def draw(text: str, score: float = 0.0, reason: str = "stop") -> Candidate:
    return Candidate(text, score, "mean_logprob", score, len(text), reason)


def logprob(model: TabularModel, text: str) -> float:
    """Piece by piece, from the table."""
    ids = [0, *Letters().encode(text)]
    steps = [model.table(tuple(ids[: n + 1])).log_softmax(-1)[ids[n + 1]] for n in range(len(ids) - 1)]
    return float(sum(steps))


def test_a_blend_adds_what_sentences_tell_about_each_other() -> None:
    model = TabularModel(len(LETTERS), random_table(len(LETTERS), 3))
    texts = ["甲乙。丙甲！乙", "甲乙丙。", "丙丙", "。甲。"]
    found = blended([draw(text, -0.5) for text in texts], model, Letters(), 64)  # type: ignore[arg-type]
    parts = [["甲乙。", "丙甲！", "乙"], ["甲乙丙。"], ["丙丙"], ["。", "甲。"]]
    for candidate, text, split in zip(found, texts, parts, strict=True):
        wanted = -0.5 + (logprob(model, text) - sum(logprob(model, part) for part in split)) / len(text)
        assert candidate.score == pytest.approx(wanted, abs=1e-5)
        assert candidate.score_kind == "mean_logprob+coherence"
        assert candidate.text == text
    assert found[1].score == found[2].score == -0.5


def test_a_longer_text_counts_as_far_as_the_model_reads() -> None:
    model = TabularModel(len(LETTERS), random_table(len(LETTERS), 3))
    long, short = blended([draw("甲。乙。丙。"), draw("甲。乙")], model, Letters(), 4)  # type: ignore[arg-type]
    assert long.score == short.score


def test_a_finished_draw_comes_before_a_better_one_that_was_cut() -> None:
    draws = [draw("甲", -1), draw("乙", -0.1, "length"), draw("丙", -0.5, "sentence"), draw("丁", 0, "loop")]
    assert best(draws).text == "丙"
    assert best(draws[1:2] + draws[3:]).text == "丁"
    assert best([draw("甲", -1), draw("乙", -1)]).text == "甲"


def test_what_says_a_thing_twice_or_has_a_mark_without_partner_comes_last() -> None:
    draws = [draw("他今天很高兴他今天很高兴。", -1), draw("他说“好。", -2), draw("他很高兴。", -3)]
    assert [is_sound(one.text) for one in draws] == [False, False, True]
    assert best(draws, sound=True).text == "他很高兴。"
    assert best(draws).text == draws[0].text
    assert best(draws[:2], sound=True).text == draws[0].text, "if none is sound, the score decides"


@pytest.fixture(scope="module")
def backend() -> Gpt2Backend:
    files = find_model("gpt2")
    return Gpt2Backend(LoadedModel(files, network_of(GPT2), load_tokenizer(files), "toy"))


SHORT: dict[str, Any] = {"seed": 5, "max_new_tokens": 8, "end_at": "any"}


@pytest.mark.parametrize("rank", ["logprob", "blend"])
def test_each_text_is_the_best_of_draws_of_its_own(backend: Gpt2Backend, rank: str) -> None:
    [drawn] = backend.generate("春天。", num_candidates=12, **SHORT)
    [ranked] = backend.generate("春天。", num_candidates=4, rank=rank, best_of=3, **SHORT)
    scored = drawn.candidates
    if rank == "blend":
        scored = blended(scored, backend.network, backend.tokenizer, backend.network.positions)
    wanted = [best(scored[at : at + 3]) for at in range(0, 12, 3)]
    assert [c.text for c in ranked.candidates] == [c.text for c in wanted]
    assert [c.score for c in ranked.candidates] == pytest.approx([c.score for c in wanted], abs=1e-4)
    assert len({c.text for c in ranked.candidates}) == 4
    [two] = backend.generate("春天。", num_candidates=2, rank=rank, best_of=3, **SHORT)
    assert two.candidates == ranked.candidates[:2]


def test_a_sound_text_is_as_good_as_its_least_probable_token(backend: Gpt2Backend) -> None:
    [drawn] = backend.generate("春天。", num_candidates=6, rank="sound", best_of=2, **SHORT)
    [plain] = backend.generate("春天。", num_candidates=12, **SHORT)
    texts = [candidate.text for candidate in plain.candidates]
    for number, candidate in enumerate(drawn.candidates):
        assert candidate.text in texts[2 * number : 2 * number + 2]
        assert candidate.score_kind == "least_logprob"
        assert candidate.score <= candidate.logprob / candidate.tokens


def test_the_best_does_not_depend_on_other_rows(backend: Gpt2Backend) -> None:
    rows = ["春天。", "", "山", "他说：“走。”"]
    together = backend.generate(rows, rank="blend", best_of=3, num_candidates=5, batch_size=4, **SHORT)
    for row, record in zip(rows, together, strict=True):
        [alone] = backend.generate(row, rank="blend", best_of=3, num_candidates=5, **SHORT)
        assert [c.text for c in alone.candidates] == [c.text for c in record.candidates]


def test_nothing_is_ranked_in_python_unless_asked_for(backend: Gpt2Backend) -> None:
    assert parse(ContinueOptions, {}).draws_each == 1
    assert parse(ContinueOptions, {"rank": "logprob"}).draws_each == 4
    [record] = backend.generate("春天", **SHORT)
    assert record.candidates[0].score_kind == "mean_logprob"


def test_the_best_of_several_is_not_known_while_the_first_is_written(backend: Gpt2Backend) -> None:
    with pytest.raises(UsageError, match="best of several"):
        list(backend.stream("春天", rank="blend", **SHORT))


def test_a_short_model_leaves_room_for_a_prompt_beside_the_end_of_a_sentence(backend: Gpt2Backend) -> None:
    assert backend.network.positions == 64  # of which a sentence may take 12 more, and not 128
    [record] = backend.generate("春天", max_new_tokens=40, seed=1)
    assert record.error is None
    assert record.candidates[0].tokens <= 52
