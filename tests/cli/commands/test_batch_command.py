"""`textgen batch`, and the flags of runs over files."""

import json
import time

import pytest

pytestmark = pytest.mark.usefixtures("small_as_shipped")  # what they write does not matter
ARTICLES = [
    "本市图书馆昨天宣布，从下月起延长夜间开放时间。",
    "研究人员开发出一种新的电池材料，充电十分钟可以行驶四百公里。",
    "周末举行的青少年足球赛上，红队以三比二战胜蓝队。",
]
JOB = "command = 'title'\ninput = 'in.jsonl'\noutput = 'o.jsonl'\n"
FAST = "decode = 'greedy'\nmax_new_tokens = 6\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"a{n}", "text": text, "版面": n} for n, text in enumerate(ARTICLES)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "lines.txt").write_text("\n".join(ARTICLES) + "\n", encoding="utf-8")
    return tmp_path


def job(folder, content: str) -> str:
    (folder / "job.toml").write_text(content, encoding="utf-8")
    return "job.toml"


def records(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_job_is_the_command_that_it_describes(call, folder):
    name = job(
        folder, f"command = 'title'\ninput = 'in.jsonl'\noutput = 'job.jsonl'\nkeep-fields = true\n{FAST}"
    )
    assert call("batch", name, "-q") == (0, "", "")
    flags = ("--decode", "greedy", "--max-new-tokens", "6", "--keep-fields")
    assert call("title", "in.jsonl", "-o", "cli.jsonl", *flags)[0] == 0
    assert (folder / "job.jsonl").read_bytes() == (folder / "cli.jsonl").read_bytes()
    assert [record["fields"] for record in records(folder / "job.jsonl")] == [{"版面": n} for n in range(3)]


def test_a_job_is_resumed_forced_and_refused_like_any_run(call, folder):
    name = job(folder, f"command = 'title'\ninput = ['in.jsonl']\noutput = 'o.jsonl'\n{FAST}")
    assert call("batch", name, "--resume", "--workers", "1")[0] == 0
    code, _, err = call("batch", name, "--resume")
    assert code == 0
    assert "has all 3 records already" in err
    assert call("batch", name)[0] == 2
    assert call("batch", name, "--force")[0] == 0
    assert call("batch", name, "--shard", "2/3", "--force")[0] == 0
    assert [record["id"] for record in records(folder / "o.jsonl")] == ["a1"]


def test_a_job_of_prompts_reads_them_from_files(call, folder):
    content = "input = 'lines.txt'\noutput = 'o.txt'\n[sample]\nseed = 3\nmax_new_tokens = 4\n"
    assert call("batch", job(folder, "command = 'sample'\n" + content))[0] == 0
    lines = (folder / "o.txt").read_text(encoding="utf-8").splitlines()
    assert [line[:4] for line in lines] == [text[:4] for text in ARTICLES]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "names no command"),
        ("command = 'titel'", "command 'titel'"),
        ("command = 'eval'\ninput = 'x'\noutput = 'y'", "command 'eval'"),
        ("command = 'title'\noutput = 'o.jsonl'", "names no input"),
        ("command = 'title'\ninput = 3\noutput = 'o.jsonl'", "names no input"),
        ("command = 'title'\ninput = 'in.jsonl'", "names no output"),
        ("command = 'title'\ninput = 'gone.jsonl'\noutput = 'o.jsonl'", "no such file: gone.jsonl"),
        ("command = 'title'\ninput = 'in.jsonl'\noutput = 'o.jsonl'\nsweeps = 3", ": sweeps does not apply"),
        ("command = 'title'\ninput = 'in.jsonl'\noutput = 'o.jsonl'\nworkers = 0", ": workers 0: should be"),
        (
            JOB + "numcandidates = 3",
            "error: job.toml: numcandidates does not apply to title models (did you mean num_candidates?)",
        ),
        (JOB + "no-checks = true", ": no_checks does not apply to title models (write checks = false)"),
        (JOB + "best = 1", "error: job.toml: best does not apply to title models (it takes beams, "),
        (JOB + "temperature = 0.5", ": temperature needs decode sample or stochastic; the default"),
        (JOB + "json = true", ": output writes the records, json prints them"),
        (JOB + "trace = 't.jsonl'", "(leave out watch, trace and plot)"),
        (JOB + "num_candidates = 3\nnum-candidates = 4", "job.toml has num_candidates twice"),
        ("command = ", "job job.toml: "),
    ],
)
def test_a_wrong_job_is_one_line_with_a_hint(call, folder, content, words):
    code, out, err = call("batch", job(folder, content))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err
    assert not (folder / "o.jsonl").exists()


def test_a_job_is_overridden_by_flags_which_errors_name_so(call, folder):
    name = job(folder, JOB + FAST + "workers = 2\n")
    assert ": --workers 0: should be" in call("batch", name, "--workers", 0)[2]
    (folder / "o.jsonl").touch()
    assert (
        call("batch", name)[2] == "error: output o.jsonl exists (give another name; --force overwrites it)\n"
    )


@pytest.mark.parametrize("table", ["", "[title]\n"])
def test_a_config_has_no_input(call, folder, table):
    name = job(folder, table + "input = 'lines.txt'\n")
    code, _, err = call("title", "in.jsonl", "--config", name)
    assert code == 2
    assert err == (
        "error: --config job.toml has an input (give it on the command line; "
        "`textgen batch` runs a file with command, input, output)\n"
    )


def test_a_config_has_nothing_that_only_the_command_line_gives(call, folder):
    name = job(folder, "predictions = 'other.jsonl'\n")
    code, _, err = call("eval", "in.jsonl", "--config", name)
    assert code == 2
    assert err == "error: --config job.toml has predictions (give it on the command line)\n"
    err = call("sample", "春天", "--json", "--config", job(folder, "stream = true\n"))[2]
    assert err == "error: stream shows text, not records (leave out --json and -o)\n"


def test_a_config_is_told_by_its_keys_and_the_command_line_by_its_flags(call, folder):
    name = job(folder, "numcandidates = 3\n")
    err = call("title", "in.jsonl", "--config", name)[2]
    assert err == (
        "error: job.toml: numcandidates does not apply to title models (did you mean num_candidates?)\n"
    )
    name = job(folder, "colour = 3\n")
    err = call("title", "in.jsonl", "--config", name)[2]
    assert err.startswith("error: job.toml: colour does not apply to title models (it takes ")
    assert err.count(",") == 4, "five others, and how many more"
    assert " others)" in err
    name = job(folder, "num_candidates = 3\n")
    err = call("title", "in.jsonl", "--config", name, "--decode", "greedy")[2]
    assert "--decode greedy finds one text: num_candidates 1, or --decode beam" in err


def test_a_job_is_no_config_of_another_command(call, folder):
    name = job(folder, "command = 'title'\ninput = 'in.jsonl'\noutput = 'o.jsonl'\n")
    code, _, err = call("sample", "春天", "--config", name)
    assert code == 2
    assert "runs it: batch job.toml" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("title", "in.jsonl", "--resume"), "--resume needs a file"),
        (("title", "in.jsonl", "-o", "-", "--force"), "--force needs a file"),
        (("title", "in.jsonl", "-o", "o.jsonl", "--resume", "--force"), "exclude each other"),
        (("title", "in.jsonl", "-o", "o.jsonl", "--workers", "2", "--threads", "2"), "--threads"),
        (("title", "in.jsonl", "--shard", "0/2"), "--shard 0/2: should be"),
        (("title", "in.jsonl", "--shard", "two"), "--shard two"),
        (("title", "lines.txt", "--keep-fields"), "--keep-fields is for tables"),
        (("title", "in.jsonl", "--num-gpus", "1"), "--num-gpus needs --engine ray"),
        (
            ("title", "in.jsonl", "--engine", "ray", "--device", "cuda"),
            "--device cuda on a cluster needs --num-gpus",
        ),
        (
            ("title", "in.jsonl", "--engine", "ray", "--num-gpus", "1", "--device", "cpu"),
            "--num-gpus and --device cpu exclude each other",
        ),
        (("title", "in.jsonl", "--engine", "spark"), "--engine spark"),
        (("title", "in.jsonl", "--id-field", "nr"), "--id-field one of: id, text, 版面"),
        (("sample", "春天", "--keep-fields"), "--keep-fields says how files are read"),
        (("sample", "春天", "-i", "lines.txt"), "exclude each other"),
        (("rewrite", "-i", "in.jsonl", "--field", "title", "--seed", "1"), "--field one of"),
        (("title", "in.jsonl", "-o", "in.jsonl", "--force"), "also an input"),
        (("title", "*.parquet"), "no file matches"),
        (("compose", "春天", "--watch", "--workers", "2"), "--watch"),
    ],
)
def test_what_cannot_be_is_refused_before_a_model_is_loaded(call, folder, monkeypatch, args, words):
    monkeypatch.setattr("textgen.batch.engine.Task.open", lambda task: pytest.fail("loaded a model"))
    code, out, err = call(*args)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err


def test_prompt_field_is_the_field_of_the_prompt(call, folder):
    flags = ("--max-new-tokens", "3", "--seed", "1", "-q", "-o", "-")
    first = call("sample", "-i", "in.jsonl", "--prompt-field", "text", *flags)
    assert first[0] == 0
    assert first == call("sample", "-i", "in.jsonl", *flags)


def test_lines_are_articles_where_that_is_said(call, folder):
    code, out, _ = call("title", "lines.txt", "--lines", "--decode", "greedy", "--max-new-tokens", "5")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["1", "2", "3"]


def test_words_compose_into_a_table(call, folder):
    (folder / "words.csv").write_text("id,keywords\nk1,春天、花\nk2,\n", encoding="utf-8")
    flags = ("--steps", "20", "--length", "4-12", "--seed", "1")
    code, _, err = call("compose", "-i", "words.csv", "-o", "o.csv", *flags)
    assert code == 3
    assert "k2: " in err
    text = (folder / "o.csv").read_text(encoding="utf-8-sig").splitlines()
    assert text[1].startswith("k1,1,")
    assert text[2].startswith("k2,,")
    assert (folder / "o.csv.records.jsonl").exists()


def test_the_bar_tells_speed_and_errors(monkeypatch):
    from textgen.cli.render.bars import Bars
    from textgen.events import Progress

    now = iter([100.0, 110.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    bars = Bars.__new__(Bars)
    bars._first = None
    assert bars._facts(Progress(54, 100, errors=0, tokens=400, rows=4)) == ""
    assert (
        bars._facts(Progress(74, 100, errors=2, tokens=2400, rows=24)) == "2.0 rows/s  200 tokens/s  2 errors"
    )
