"""Writing piece by piece, each row as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
from fakes import NarrowingTabularModel, TabularModel, batch_of, everything, random_table, table_of, written

from textgen.choice import filters
from textgen.choice.scoring import Scoring
from textgen.decoding.loop import Batch, Choose, write
from textgen.decoding.search.token_by_token import best, sample
from textgen.decoding.stop import Stop
from textgen.rng import Draws, row_key

VOCAB, EOS, PAD = 7, 5, 6
TABLE = random_table(VOCAB, 11)
SOURCES = [[1], [2, 3], [], [4, 4, 4], [1], [3, 1, 2, 4], [2]]
HISTORIES = [[1], [2, 3], [1, 2, 1, 2, 3], [4], [1], [3, 1, 2, 4], []]
BATCH = Batch(SOURCES, [1, 2, 3, 4, 1, 2, 3], HISTORIES)
KEYS = [row_key(5, f"row {row}") for row in range(len(SOURCES))]
STOP = Stop(EOS, 9)
ALLOWED = everything(VOCAB)
ALLOWED[PAD] = False
SCORING = Scoring(
    ALLOWED,
    soft=[partial(filters.repetition_penalty, penalty=1.3, exempt=(EOS, PAD))],
    hard=[partial(filters.no_repeat_ngram, n=3, exempt=(EOS, PAD))],
    draw=[lambda ids, scores: filters.top_p(filters.temperature(scores, 1.2), 0.95)],
)
Outcome = list[tuple[list[int], list[float], str | None]]


def ended(number: int, ids: Sequence[int]) -> str | None:
    return STOP.reason(ids)


def outcome(
    rows: Sequence[int],
    choice: Callable[[list[bytes]], Choose],
    copies: int = 1,
    scoring: Scoring = SCORING,
    model: type[TabularModel] = TabularModel,
) -> Outcome:
    """What is written after some of the sources, computed together."""
    batch = Batch(
        [BATCH.sources[row] for row in rows],
        [BATCH.first[row] for row in rows],
        [BATCH.history[row] for row in rows],
    )
    pick = choice([KEYS[row] for row in rows])
    return [
        (draft.ids, draft.logprobs, draft.reason)
        for draft in written(model(VOCAB, TABLE), batch, scoring, pick, ended, copies=copies, pad=PAD)
    ]


def drawing(copies: int, first_candidate: int = 0) -> Callable[[list[bytes]], Choose]:
    return lambda keys: sample(SCORING, Draws(keys, copies, first_candidate))


@pytest.mark.parametrize(
    ("choice", "copies"),
    [(lambda keys: best, 1), (drawing(1), 1), (drawing(3), 3)],
    ids=["greedy", "sample", "sample of 3"],
)
def test_a_batch_equals_single_rows(choice: Callable[[list[bytes]], Choose], copies: int) -> None:
    rows = range(len(SOURCES))
    together = outcome(rows, choice, copies)
    alone = [found for row in rows for found in outcome([row], choice, copies)]
    assert together == alone
    backwards = outcome(rows[::-1], choice, copies)
    assert [found for at in rows[::-1] for found in backwards[at * copies : (at + 1) * copies]] == together
    assert len({len(ids) for ids, _, _ in together}) > 2  # they did end at different times


@pytest.mark.parametrize("model", [TabularModel, NarrowingTabularModel])
def test_what_is_drawn_does_not_depend_on_how_many(model: type[TabularModel]) -> None:
    four = outcome(range(7), drawing(4), 4, model=model)
    two = outcome(range(7), drawing(2), 2)
    assert two == [found for n, found in enumerate(four) if n % 4 < 2]
    last = outcome(range(7), drawing(1, first_candidate=3), 1)
    assert last == four[3::4]


def test_candidates_differ() -> None:
    for row in range(7):
        assert len({tuple(ids) for ids, _, _ in outcome([row], drawing(8), 8)}) > 4


def test_rows_with_the_same_key_and_source_agree() -> None:
    found = outcome([0, 0, 4], drawing(1))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]  # row 4 has the same source, but a key of its own


def test_greedy_takes_the_best_and_tells_the_unfiltered_logprob() -> None:
    for row, (ids, logprobs, _) in enumerate(outcome(range(7), lambda keys: best)):
        history = torch.tensor([HISTORIES[row]], dtype=torch.long)
        prefix = (*SOURCES[row], BATCH.first[row])
        for token, logprob in zip(ids, logprobs, strict=True):
            logits = TABLE(prefix)[None]
            assert token == int(SCORING(history, logits)[1].argmax())
            assert logprob == pytest.approx(float(logits[:, ALLOWED].log_softmax(-1)[0, token]), abs=1e-6)
            prefix += (token,)
            history = torch.cat([history, torch.tensor([[token]])], 1)


def test_reasons() -> None:
    found = outcome(range(7), drawing(4), 4)
    assert {reason for _, _, reason in found} == {"stop", "length"}
    for ids, logprobs, reason in found:
        assert len(ids) == len(logprobs)
        assert EOS not in ids[:-1]
        assert (ids[-1] == EOS) == (reason == "stop")
        assert len(ids) == STOP.max_new_tokens or reason == "stop"


def countdown(prefix: tuple[int, ...]) -> torch.Tensor:
    """Source `n` writes `n - 1` ones and the end; nothing else is possible."""
    n, written_so_far = prefix[0], len(prefix) - 2
    return torch.eye(VOCAB, dtype=torch.float64)[EOS if written_so_far >= n - 1 else 1].log()


def test_finished_rows_drop_out_and_stay_as_they_are() -> None:
    model = TabularModel(VOCAB, countdown)
    steps = write(model, batch_of([[3], [1], [5], [1]]), Scoring(everything(VOCAB)), best, ended, copies=2)
    seen = []
    for step, drafts in enumerate(steps, 1):
        assert model.calls == [4, 8 - 4, 4, 2, 2][:step]  # one call ahead of each yield, two rows a source
        lengths = [len(draft.ids) for draft in drafts]
        assert lengths == [min(step, n) for n in (3, 3, 1, 1, 5, 5, 1, 1)]
        assert [draft.reason for draft in drafts] == [
            "stop" if step >= n else None for n in (3, 3, 1, 1, 5, 5, 1, 1)
        ]
        seen.append(drafts)
    assert len(seen) == 5
    assert all(drafts is seen[0] for drafts in seen)
    assert [draft.ids for draft in seen[0]] == [[1] * (n - 1) + [EOS] for n in (3, 3, 1, 1, 5, 5, 1, 1)]


@pytest.mark.parametrize(
    ("model", "computed"),
    [
        (TabularModel, [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1]]),
        (NarrowingTabularModel, [[0, 1, 2, 3], [1, 3], [1]]),
    ],
)
def test_finished_rows_of_a_group_stay_only_where_it_cannot_narrow(
    model: type[TabularModel], computed: list[list[int]]
) -> None:
    """The first copy ends at once, the second goes on; what the first would add is not kept."""
    table = table_of({}, [0, 0.5, 0.2, 0.1, 0.1, 0.1, 0])
    numbers: list[list[int]] = []

    def pick(ids: torch.Tensor, search: torch.Tensor, rows: Sequence[int], step: int) -> torch.Tensor:
        numbers.append(list(rows))
        return torch.tensor(
            [EOS if (row == 0 and not step) or (row == 3 and step == 1) else 1 for row in rows]
        )

    stop = Stop(EOS, 3)
    drafts = written(
        model(VOCAB, table),
        batch_of([[], []]),
        Scoring(everything(VOCAB)),
        pick,
        lambda row, ids: "asked" if row == 2 else stop.reason(ids),
        copies=2,
    )
    assert [draft.ids for draft in drafts] == [[EOS], [1, 1, 1], [1], [1, EOS]]
    assert [draft.reason for draft in drafts] == ["stop", "length", "asked", "stop"]
    assert numbers == computed


def test_groups_narrow_to_the_rows_of_the_fullest() -> None:
    """Of the sources' three copies one, two and none go on: a finished row fills up the first."""
    left = {0: 2, 4: 2, 5: 3}
    numbers: list[list[int]] = []

    def pick(ids: torch.Tensor, search: torch.Tensor, rows: Sequence[int], step: int) -> torch.Tensor:
        numbers.append(list(rows))
        return torch.tensor([EOS if step + 1 >= left.get(row, 1) else 1 for row in rows])

    model = NarrowingTabularModel(VOCAB, table_of({}, [0.0, 0.5, 0.2, 0.1, 0.1, 0.1, 0.0]))
    scoring = Scoring(everything(VOCAB))
    drafts = written(model, batch_of([[], [], []]), scoring, pick, ended, copies=3)
    assert numbers == [list(range(9)), [0, 1, 4, 5], [5]]
    assert model.calls == [3, 4, 1]
    assert [len(draft.ids) for draft in drafts] == [left.get(row, 1) for row in range(9)]


def test_histories_are_padded_on_the_left() -> None:
    assert BATCH.history_tensor(9).tolist()[:4] == [
        [9, 9, 9, 9, 1],
        [9, 9, 9, 2, 3],
        [1, 2, 1, 2, 3],
        [9, 9, 9, 9, 4],
    ]
    empty = batch_of([[1], [2]]).history_tensor(9)
    assert empty.shape == (2, 0)
    assert empty.dtype == torch.long
