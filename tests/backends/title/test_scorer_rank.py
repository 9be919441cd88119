"""Titles ranked by a scorer: small random networks, one that writes and one that ranks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from small_titles import TOKENIZER, make_title, randomised

import textgen
from textgen.backends.title.backend import TitleBackend
from textgen.cli.main import run
from textgen.errors import UsageError
from textgen.models.families.bert import BertConfig, Trunk
from textgen.models.families.title_scorer import TitleScorer
from textgen.options.tokenizer import TokenizerTrainOptions
from textgen.schema import Record
from textgen.store.catalog import find_model
from textgen.store.load import load_model
from textgen.store.save import save_model
from textgen.tokenizers.sentencepiece import SentencePieceTokenizer
from textgen.tokenizers.training import FIXED, train_tokenizer

ARTICLES = [
    "本市图书馆昨天宣布，从下月起延长夜间开放时间，读者可以借阅到晚上十点。馆方说，新增的时段由志愿者参与服务。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。\n团队表示，量产还需要两年左右的时间。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队。" * 12,
    "春天来了。",
]
# random weights write no language that an editor could check
SHORT: dict[str, Any] = {"max_new_tokens": 7, "beams": 4, "checks": False}
WAYS: list[dict[str, Any]] = [
    {},
    {"decode": "sample", "seed": 5, "beams": None},
    {"decode": "diverse"},
    {"decode": "bidirectional", "interaction": False},
    {"direction": "r2l"},
    {"long": "chunk"},
    {"long": "head-tail"},
    {"keyword": ("志愿者",)},
]

Folders = dict[str, Path]


def make_scorer(folder: Path, seed: int = 3, tokenizer: Path = TOKENIZER, positions: int = 128) -> Path:
    sizes = BertConfig(8192, 16, 2, 2, 24, positions, 2, 1e-12)
    network = randomised(TitleScorer(Trunk(sizes), sizes), seed)
    config = {"model_type": "title-scorer", **asdict(sizes)}
    save_model(folder, network, config, tokenizer, storage="fp32")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    path = tmp_path_factory.mktemp("models")
    return {
        "title": make_title(path / "title"),
        "scorer": make_scorer(path / "scorer"),
        "other": make_scorer(path / "other", seed=4),
        "short": make_scorer(path / "short", positions=24),
    }


@pytest.fixture(scope="module")
def title(folders: Folders) -> TitleBackend:
    found: Any = textgen.load(str(folders["title"]), precision="fp32")
    return found  # type: ignore[no-any-return]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def do(*args: object) -> tuple[int, str, str]:
        code = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return do


def scores_of(folder: Path, article: str, titles: list[str]) -> list[float]:
    """What the network says, asked by hand."""
    model = load_model(find_model(str(folder)))
    assert isinstance(model.network, TitleScorer)
    encode, specials = model.tokenizer.encode, model.tokenizer.specials
    source = [specials.cls, *encode(article), specials.sep]
    found: list[float] = model.network.score(source, [encode(title) for title in titles]).tolist()
    return found


def ranked(title: TitleBackend, scorer: Path, articles: Any = None, **options: Any) -> list[Record]:
    return title.generate(articles or ARTICLES, rank="scorer", scorer=str(scorer), **made_of(options))


def made_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options with the usual ones; None takes one of those away."""
    made = SHORT | {"num_candidates": 4} | options
    return {name: value for name, value in made.items() if value is not None}


def in_order(record: Record) -> bool:
    keys = [(bool(one.flags), one.finish_reason != "stop", -one.score) for one in record.candidates]
    return keys == sorted(keys)


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_titles_come_by_their_scores(title: TitleBackend, folders: Folders, options: dict[str, Any]) -> None:
    """The candidates of the other rankings in the order of the scores, and nothing else is different."""
    found = ranked(title, folders["scorer"], **options)
    for record in found:
        assert in_order(record)
        assert {one.score_kind for one in record.candidates} == {"scorer"}
    whole = title.generate(ARTICLES, rank="mbr", **made_of(options))
    assert [r.candidates for r in found] != [r.candidates for r in whole]
    for record, other in zip(found, whole, strict=True):
        known = {one.text: one for one in other.candidates}
        for one in record.candidates:
            if one.text in known:
                same = known[one.text]
                assert replace(one, score=0, score_kind="", logprob=None) == replace(
                    same, score=0, score_kind="", logprob=None
                )
                assert one.logprob == pytest.approx(same.logprob, abs=1e-4)
        assert replace(record, candidates=[], model="") == replace(other, candidates=[], model="")


def test_the_scores_are_those_of_the_network(title: TitleBackend, folders: Folders) -> None:
    for article in (ARTICLES[0], ARTICLES[3]):
        (record,) = ranked(title, folders["scorer"], article)
        texts = [one.text for one in record.candidates]
        wanted = scores_of(folders["scorer"], article, texts)
        assert [one.score for one in record.candidates] == pytest.approx(wanted, abs=1e-4)
        assert max(wanted) - min(wanted) > 1e-3


def test_all_candidates_of_both_directions_are_ranked(title: TitleBackend, folders: Folders) -> None:
    article = ARTICLES[0]
    pool = set()
    for direction in ("l2r", "r2l"):
        (record,) = title.generate(article, decode="beam", direction=direction, num_candidates=4, **SHORT)
        pool |= {(one.text, one.finish_reason) for one in record.candidates}
    done = sorted(text for text, reason in pool if reason == "stop") or sorted(text for text, _ in pool)
    scores = scores_of(folders["scorer"], article, done)
    best = done[max(range(len(done)), key=lambda n: scores[n])]
    assert ranked(title, folders["scorer"], article, num_candidates=1)[0].candidates[0].text == best


@pytest.mark.parametrize("options", [{}, {"decode": "sample", "seed": 2, "beams": None}], ids=str)
def test_batches_change_nothing(title: TitleBackend, folders: Folders, options: dict[str, Any]) -> None:
    whole = ranked(title, folders["scorer"], **options)
    for size in (1, 3):
        found = ranked(title, folders["scorer"], batch_size=size, **options)
        for one, other in zip(found, whole, strict=True):
            assert [c.text for c in one.candidates] == [c.text for c in other.candidates]
            assert [c.score for c in one.candidates] == pytest.approx(
                [c.score for c in other.candidates], abs=1e-4
            )
    assert ranked(title, folders["scorer"], **options) == whole


def test_another_scorer_ranks_otherwise(title: TitleBackend, folders: Folders) -> None:
    """One backend serves several; records say which it was."""
    first, other = ranked(title, folders["scorer"]), ranked(title, folders["other"])
    assert [r.candidates[0].text for r in first] != [r.candidates[0].text for r in other]
    assert ranked(title, folders["scorer"]) == first
    writer, of_first = first[0].model.split("+")
    assert (writer, of_first.partition("@")[0]) == (title.model.label, "scorer")
    assert other[0].model.startswith(f"{writer}+other@sha256:")
    assert title.generate(ARTICLES[3], **SHORT)[0].model == writer


def test_listed_titles_are_ranked(title: TitleBackend, folders: Folders) -> None:
    listed = ("体育", "科技", "文化", "天气")
    (record,) = ranked(title, folders["scorer"], ARTICLES[0], one_of=listed)
    scores = dict(zip(listed, scores_of(folders["scorer"], ARTICLES[0], list(listed)), strict=True))
    assert [one.text for one in record.candidates] == sorted(listed, key=lambda text: -scores[text])


def test_a_scorer_that_reads_less(title: TitleBackend, folders: Folders) -> None:
    found = ranked(title, folders["short"])
    assert all(in_order(record) and not record.error for record in found)


def test_a_scorer_has_its_own_pieces(title: TitleBackend, tmp_path: Path) -> None:
    letters = "".join(sorted(set("".join(ARTICLES)) - set("，。\n")))
    plan = TokenizerTrainOptions(vocab_size=FIXED + len(letters) + 8, latin_pieces=0)
    train_tokenizer([letters, "，。 "], tmp_path / "own.model", plan)
    article = ARTICLES[0]
    own, theirs = (
        SentencePieceTokenizer(path).encode(article) for path in (tmp_path / "own.model", TOKENIZER)
    )
    assert own != theirs
    scorer = make_scorer(tmp_path / "mine", tokenizer=tmp_path / "own.model")
    (record,) = ranked(title, scorer, article)
    texts = [one.text for one in record.candidates]
    assert [one.score for one in record.candidates] == pytest.approx(
        scores_of(scorer, article, texts), abs=1e-4
    )


REFUSED = [
    (("--scorer", "{scorer}"), "--scorer needs --rank scorer"),
    (("--rank", "blend", "--scorer", "{scorer}"), "--scorer needs --rank scorer"),
    (("--rank", "scorer"), "--rank scorer needs --scorer, a model that ranks"),
    (("--rank", "scorer", "--scorer", ""), "--scorer"),
    (("--rank", "scorer", "--scorer", "nobody"), "there is no model nobody"),
    (("--rank", "scorer", "--scorer", "bert"), "--scorer bert is a bert model"),
    (("--rank", "scorer", "--scorer", "{title}"), "title is a title model"),
    (("--decode", "agree", "--rank", "scorer", "--scorer", "{scorer}"), "--decode agree means --rank agree"),
]


@pytest.mark.parametrize(("flags", "told"), REFUSED, ids=str)
def test_refusals(call: Any, folders: Folders, tmp_path: Path, flags: tuple[str, ...], told: str) -> None:
    (tmp_path / "in.txt").write_text(ARTICLES[3], encoding="utf-8")
    given = [flag.format(**folders) for flag in flags]
    output = tmp_path / "out.jsonl"
    code, out, err = call("title", tmp_path / "in.txt", "-m", folders["title"], *given, "-o", output)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert told in err
    assert not output.exists()


def test_refusals_of_the_library(title: TitleBackend, folders: Folders) -> None:
    with pytest.raises(UsageError, match="rank scorer needs scorer"):
        title.generate("文", rank="scorer")
    with pytest.raises(UsageError, match="scorer gpt2 is a gpt2 model"):
        title.generate("文", rank="scorer", scorer="gpt2")


@pytest.mark.parametrize("command", ["title", "sample"])
def test_it_writes_nothing_itself(call: Any, folders: Folders, tmp_path: Path, command: str) -> None:
    (tmp_path / "in.txt").write_text(ARTICLES[3], encoding="utf-8")
    named = ["-i"] if command == "sample" else []
    code, out, err = call(command, *named, tmp_path / "in.txt", "-m", folders["scorer"])
    assert (code, out) == (2, "")
    assert err == (
        "error: a title-scorer model writes nothing itself "
        "(title models rank by it, with --rank scorer and --scorer)\n"
    )
    with pytest.raises(UsageError, match="writes nothing itself"):
        textgen.load(str(folders["scorer"]))


def test_nor_does_it_propose_pieces(call: Any, folders: Folders) -> None:
    code, _, err = call("rewrite", "春天来了", "--proposals", folders["scorer"], "--seed", 1)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "a title-scorer model proposes nothing" in err


def test_the_commands(call: Any, folders: Folders, title: TitleBackend, tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in ARTICLES]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    flags: list[object] = [
        "--rank",
        "scorer",
        "--beams",
        4,
        "--max-new-tokens",
        7,
        "-n",
        4,
        "--no-checks",
        "--precision",
        "fp32",
    ]
    command = ["title", tmp_path / "in.jsonl", "-m", folders["title"], *flags]
    wanted = ranked(title, folders["scorer"])
    code, out, _ = call(*command, "--scorer", folders["scorer"], "--json")
    assert code == 0
    texts = [[c.text for c in record.candidates] for record in wanted]
    assert [[c["text"] for c in json.loads(line)["candidates"]] for line in out.splitlines()] == texts
    output = tmp_path / "out.jsonl"
    code, _, _ = call(*command, "--scorer", folders["scorer"], "-o", output, "--workers", 2, "-q")
    assert code == 0
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [[c["text"] for c in record["candidates"]] for record in records] == texts
    assert {record["model"] for record in records} == {wanted[0].model}
    code, _, err = call(*command, "--scorer", folders["other"], "-o", output, "--resume")
    assert code == 2
    assert "scorer" in err


def test_a_run_knows_its_scorer_by_its_weights(call: Any, folders: Folders, tmp_path: Path) -> None:
    """Trained anew in the same place it is another one."""
    (tmp_path / "in.txt").write_text(ARTICLES[3], encoding="utf-8")
    scorer = make_scorer(tmp_path / "scorer", seed=5)
    command = ["title", tmp_path / "in.txt", "-m", folders["title"], "--rank", "scorer", "--scorer", scorer]
    command += ["--beams", 4, "--max-new-tokens", 7, "-o", tmp_path / "out.jsonl"]
    assert call(*command)[0] == 0
    assert call(*command, "--resume")[0] == 0
    make_scorer(scorer, seed=6)
    code, _, err = call(*command, "--resume")
    assert code == 2
    assert "model" in err


def test_the_commands_of_models(
    call: Any, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTGEN_MODELS", str(tmp_path / "shelf"))
    assert call("models", "add", folders["scorer"], "--name", "judge", "-q") == (0, "", "")
    code, out, _ = call("models", "info", "judge", "--json")
    facts = json.loads(out)
    assert (code, facts["kind"], facts["layers"], facts["positions"]) == (0, "title-scorer", 2, 128)
    code, out, _ = call("models", "list")
    assert (code, out.splitlines()[-1].split("\t")[:2]) == (0, ["judge", "title-scorer"])
    assert call("models", "export", "judge", tmp_path / "small", "--storage", "int8", "-q")[0] == 0
    (tmp_path / "in.txt").write_text(ARTICLES[3], encoding="utf-8")
    flags = ["--rank", "scorer", "--beams", 4, "--max-new-tokens", 7]
    for name in ("judge", tmp_path / "small"):
        code, out, _ = call(
            "title", tmp_path / "in.txt", "-m", folders["title"], *flags, "--scorer", name, "--json"
        )
        assert code == 0
        assert json.loads(out)["model"].split("+")[1].startswith(f"{Path(name).name}@sha256:")
    code, _, err = call("models", "export", "judge", tmp_path / "theirs")
    assert (code, len(err.splitlines())) == (2, 1)
