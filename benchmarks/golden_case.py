"""A case of the golden records: its command lines run in forks, and what they leave is kept. See `golden.py`.

The libraries are imported once; each command line runs in a fork of its own, which imports textgen afresh, on
one thread. A case has a folder of its own with all the inputs, and runs its command lines there in order.
"""

from __future__ import annotations

import os

# before anything that counts threads or measures the terminal is imported
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "200", "TERM": "dumb"}

import gc
import gzip
import hashlib
import importlib.util
import json
import logging
import re
import runpy
import shlex
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 240  # seconds that a command line may take
LIBRARIES = (
    "torch", "numpy", "safetensors.torch", "sentencepiece", "pydantic", "typer", "rich.console",
    "rich.progress", "jieba", "opencc", "chardet", "sacrebleu", "pyarrow.parquet", "accelerate", "peft",
    "transformers", "matplotlib.figure", "matplotlib.backends.backend_agg",
)  # fmt: skip
# commands that compute on as many threads as there are cores unless they are told
COMPUTING = ("title", "sample", "compose", "rewrite", "correct", "fill", "eval", "train")
THREADS = {"--threads", "--workers", "--num-workers"}
VOLATILE = {
    "versions",
    "machine",
    "seconds",
    "seconds_left",
    "time",
    "tokens_per_second",
    "memory",
    "threads",
}
FAULT = 70  # exit code of a case that raised something


@dataclass
class Case:
    """A case, and how far it is.

    Attributes:
        name: Table and key in the file of cases.
        lines: Command lines; one that begins with `python:` is Python.
        code_only: Whether only the exit codes are kept.
        folder: Where it runs.
        steps: What the command lines before gave.
        stderr: What they said.
        began: When the case began.
    """

    name: str
    lines: list[str]
    code_only: bool = False
    folder: Path = Path()
    steps: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    began: float = 0.0


def import_libraries() -> None:
    """Import what textgen imports, once for all forks."""
    for name in LIBRARIES:
        importlib.import_module(name)
    import jieba

    jieba.setLogLevel(logging.CRITICAL)
    dictionary = jieba.Tokenizer()
    dictionary.initialize()

    def initialize(tokenizer: Any, _: Any = None) -> None:
        tokenizer.FREQ, tokenizer.total, tokenizer.initialized = dictionary.FREQ, dictionary.total, True

    jieba.Tokenizer.initialize = initialize  # to read it again would take as long as most cases
    gc.freeze()


def write_inputs(folder: Path, inputs: dict[str, Any]) -> None:
    """Write the texts that all cases may read: what their endings say, in the encoding that is given."""
    folder.mkdir()
    texts: dict[str, str] = {}
    for name, given in inputs.items():
        known = given if isinstance(given, dict) else {"text": given}
        texts[name] = texts[known["from"]] * known.get("times", 1) if "from" in known else known["text"]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            from pyarrow import Table, parquet

            rows = [json.loads(line) for line in texts[name].splitlines()]
            parquet.write_table(Table.from_pylist(rows), path)
        else:
            data = texts[name].encode(known.get("encoding", "utf-8"))
            path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def start(case: Case) -> int:
    """Run the next command line of a case in a fork; returns its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = FAULT
    try:
        signal.alarm(LIMIT)
        code = run_line(case.lines[len(case.steps)], case.folder)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or FAULT
        os._exit(code)


def run_line(line: str, folder: Path) -> int:
    """Run a command line, or a piece of Python, in this process; returns the exit code."""
    os.chdir(folder)
    os.environ["TEXTGEN_MODELS"] = "models"
    python = line.removeprefix("python:").strip() if line.startswith("python:") else None
    argv, stdin = ([], None) if python else arguments(line)
    for number, name, mode in ((0, stdin or os.devnull, "r"), (1, ".stdout", "w"), (2, ".stderr", "w")):
        with Path(name).open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["textgen", *argv]
    try:
        if python:
            exec(compile(python, "<case>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module("textgen", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def arguments(line: str) -> tuple[list[str], str | None]:
    """The arguments of a command line, and what it reads from stdin."""
    argv, stdin = shlex.split(line), None
    if len(argv) > 1 and argv[-2] == "<":
        *argv, _, stdin = argv
    given = {word.partition("=")[0] for word in argv}
    if argv[0] in COMPUTING and argv[1:2] != ["tokenizer"] and not given & THREADS:
        argv += ["--threads", "1"]
    return argv, stdin


def keep_step(case: Case, code: int) -> None:
    """Keep what a command line gave."""
    line = case.lines[len(case.steps)]
    step: dict[str, Any] = {"line": line, "exit": code}
    said = (case.folder / ".stderr").read_text(encoding="utf-8", errors="replace")
    case.stderr += f"$ {line}\n{said}exit {code}\n"
    if not case.code_only:
        step["stdout"] = steady(case.folder / ".stdout")
    for name in (".stdout", ".stderr"):
        (case.folder / name).unlink()
    case.steps.append(step)


def write_case(case: Case, inputs: Path, out: Path) -> None:
    """Write a case that has run, with the files that it has made or changed."""
    told: dict[str, Any] = {"steps": case.steps}
    if not case.code_only:
        told["files"] = {}
        for path in sorted(path for path in case.folder.rglob("*") if path.is_file()):
            before = inputs / path.relative_to(case.folder)
            if not (before.is_file() and before.read_bytes() == path.read_bytes()):
                told["files"][str(path.relative_to(case.folder))] = steady(path)
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (out / f"{case.name}.json").write_text(text + "\n", encoding="utf-8", errors="surrogatepass")
    (out / "stderr" / f"{case.name}.txt").write_text(case.stderr, encoding="utf-8")


def steady(path: Path) -> Any:
    """The content of a file without what another run would change: the lines of a text, else a digest."""
    if path.suffix == ".png":
        return "a picture" if path.stat().st_size else "nothing"
    if path.suffix == ".safetensors":
        return tensors(path)
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
        return [str(table.schema), *table.to_pylist()]
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return hashlib.sha256(data).hexdigest()
    if path.name.endswith("manifest.json") or path.name == "run.json":
        return without_volatile(json.loads(text))
    if path.name == "log.jsonl":
        return [without_volatile(json.loads(line)) for line in text.splitlines()]
    textgen = importlib.util.find_spec("textgen")
    if textgen and textgen.origin:  # where the models lie that come with it
        text = text.replace(str(Path(textgen.origin).parents[1]), "<place>")
    return re.sub(r"textgen \d+\.\d+\.\d+\S*", "textgen VERSION", text).split("\n")


def tensors(path: Path) -> dict[str, str]:
    """Names, types, shapes and digests of tensors."""
    import torch
    from safetensors.torch import load_file

    return {
        name: f"{tensor.dtype} {[*tensor.shape]} "
        + hashlib.sha256(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()[:16]
        for name, tensor in sorted(load_file(path).items())
    }


def without_volatile(value: Any) -> Any:
    """A JSON value without times, versions and machines, its keys in order."""
    if isinstance(value, dict):
        return {key: without_volatile(value[key]) for key in sorted(value) if key not in VOLATILE}
    return [without_volatile(inner) for inner in value] if isinstance(value, list) else value
