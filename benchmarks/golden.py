"""Golden records: does textgen still write what it wrote, byte for byte?

    python benchmarks/golden.py record OUT [--only PATTERN]
    python benchmarks/golden.py compare BEFORE AFTER [--only PATTERN]
    python benchmarks/golden.py unused

For changes that are to change nothing: record before, record after, compare. The cases, in
`golden_cases.toml`, know textgen as its users do, by `python -m textgen …` and by the documented `import
textgen`, so modules may move and records of options may be written anew while texts, scores, streams of
random numbers, keys, exit codes and files must stay. Recorded is the textgen that Python finds: set
PYTHONPATH to the working copy.

`record` writes for each case OUT/NAME.json with command lines, exit codes, stdout and the content of all
files that came to be; what a manifest or a log says of when and by what it was made is left out. What was
said on stderr is in OUT/stderr, and the seconds a case took in OUT/seconds.tsv, to look at; neither is
compared. Nor are the words of errors and notes, wherever they stand: only that there are some. The last line
is a sha256 over all that is compared. It belongs to one machine and one torch, as the texts do. `compare`
shows what differs, and both hashes, and exits with 1 if anything does. PATTERN is a case or a group (`title`,
`title.beam`, `*.files`). `unused` lists the options of `--help` that no case gives.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from golden_case import (
    COMPUTING,
    Case,
    arguments,
    import_libraries,
    keep_step,
    start,
    write_case,
    write_inputs,
)

CASES = Path(__file__).with_name("golden_cases.toml")
AT_ONCE = 2
SHOWN = 12  # lines of a difference
# words for people: errors and notes of records, of exceptions, the options that a card tells, flags
MESSAGES = [
    (re.compile(r'(\\"error\\": )\\"(?:[^"\\]|\\\\\\"|\\\\)*\\"'), r"\1true"),
    (re.compile(r'(\\"notes\\": )\[(?:\\"(?:[^"\\]|\\\\\\"|\\\\)*\\"(?:, )?)*\]'), r"\1true"),
    (re.compile(r'"(\w+Error (?:True|False)) .*"'), r'"\1"'),
    (re.compile(r'"- options: .*"'), '"- options"'),
    (re.compile(r"--([a-z]+(?:-[a-z]+)*)"), lambda found: found[1].replace("-", "_")),
]
RECIPES = "tokenizer gpt2 bert title rnn-title conditional bidirectional title-rank title-scorer"


def main() -> None:
    command, *rest = sys.argv[1:] or [""]
    only = rest.pop() if "--only" in rest[:-1] else "*"
    places = [Path(name) for name in rest if name != "--only"]
    if command == "record" and len(places) == 1:
        record(places[0], only)
    elif command == "compare" and len(places) == 2:
        sys.exit(compare(*places, only))
    elif command == "unused" and not places:
        unused()
    else:
        sys.exit(str(__doc__))


def fits(name: str, only: str) -> bool:
    """Whether a pattern means a case."""
    return fnmatch(name, only) or fnmatch(name, f"{only}.*")


def cases() -> list[Case]:
    """All cases."""
    found = []
    for group, entries in tomllib.loads(CASES.read_text(encoding="utf-8")).items():
        for key, given in entries.items() if group != "input" else ():
            known = given if isinstance(given, dict) else {"run": given}
            lines = [line.strip() for line in known.get("run", "").splitlines() if line.strip()]
            if "python" in known:
                lines = ["python:" + known["python"]]
            found.append(Case(f"{group}.{key}", lines, known.get("code_only", False)))
    return found


def record(out: Path, only: str) -> None:
    """Run the cases, and write what they give."""
    begin = time.monotonic()
    waiting = [case for case in cases() if fits(case.name, only)][::-1]
    if not waiting:
        sys.exit(f"no case is called {only}")
    (out / "stderr").mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.json"), *out.glob("stderr/*.txt")):
        if fits(old.stem, only):
            old.unlink()
    import_libraries()
    textgen = importlib.util.find_spec("textgen")
    print(f"of {textgen.origin if textgen else 'no textgen'}: ", end="", flush=True)
    lines, seconds = sum(len(case.lines) for case in waiting), {}
    with tempfile.TemporaryDirectory() as work:
        inputs = Path(work) / "inputs"
        write_inputs(inputs, tomllib.loads(CASES.read_text(encoding="utf-8"))["input"])
        running: dict[int, Case] = {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                case = waiting.pop()
                case.folder, case.began = Path(work) / case.name, time.monotonic()
                shutil.copytree(inputs, case.folder)
                running[start(case)] = case
            pid, status = os.wait()
            case = running.pop(pid)
            keep_step(case, os.waitstatus_to_exitcode(status))
            if len(case.steps) < len(case.lines):
                running[start(case)] = case
                continue
            write_case(case, inputs, out)
            seconds[case.name] = time.monotonic() - case.began
            shutil.rmtree(case.folder)
    told = [f"{took:.1f}\t{name}\n" for name, took in sorted(seconds.items(), key=lambda pair: -pair[1])]
    if only == "*":
        (out / "seconds.tsv").write_text("".join(told), encoding="utf-8")
    print(f"{len(seconds)} cases, {lines} command lines, {time.monotonic() - begin:.0f} s")
    print(digest(out.glob("*.json")))


def compared(path: Path) -> list[str]:
    """The lines of a case without the words of messages, in which flags may be spelled in two ways."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        for pattern, plain in MESSAGES if '"line": ' not in line else ():
            line = pattern.sub(plain, line)
        lines.append(line)
    return lines


def digest(paths: Iterable[Path]) -> str:
    """The sha256 of all that is compared."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update("\n".join([path.name, *compared(path), ""]).encode())
    return total.hexdigest()


def compare(before: Path, after: Path, only: str) -> int:
    """Show the cases that differ; returns 1 if there are any."""
    first, second = (
        {path.stem: path for path in folder.glob("*.json") if fits(path.stem, only)}
        for folder in (before, after)
    )
    if not first:
        sys.exit(f"{before} has no case {only}")
    different = 0
    for name in sorted(first | second):
        if name not in first or name not in second:
            print(f"{name}: only in {before if name in first else after}")
            different += 1
            continue
        texts = [compared(folder[name]) for folder in (first, second)]
        if texts[0] != texts[1]:
            found = list(difflib.unified_diff(*texts, lineterm="", n=0))[2:]
            changed = [line for line in found if not line.startswith("@@")]
            print(f"{name}:", *(f"  {line[:200]}" for line in changed[:SHOWN]), sep="\n")
            if len(changed) > SHOWN:
                print(f"  … {len(changed) - SHOWN} lines more")
            different += 1
    print(f"{different} of {len(first | second)} cases differ")
    print(digest(first.values()), digest(second.values()), sep="\n")
    return int(different > 0)


def unused() -> None:
    """List the options that no case gives, by command; those of training by any recipe."""
    given: dict[str, set[str]] = {}
    for case in cases():
        for line in case.lines:
            argv = [] if line.startswith("python:") else arguments(line)[0]
            words = {word.partition("=")[0] for word in argv}
            for command in (" ".join(argv[:1]), " ".join(argv[:2])):
                given.setdefault(command, set()).update(words)
    for command, options in documented():
        used = given.get("train" if command.startswith("train ") else command, set())
        missing = [names[0] for names in options if not set(names) & used]
        print(f"{command}: {' '.join(missing) or 'all are used'}")


def documented() -> Iterator[tuple[str, list[list[str]]]]:
    """The commands, and the names of each of their options."""
    names = [*COMPUTING[:-1], "batch", "doctor"]
    names += [f"models {name}" for name in ("list", "info", "add", "remove", "export")]
    for command in [*names, *(f"train {recipe}" for recipe in RECIPES.split())]:
        argv = [sys.executable, "-m", "textgen", *command.split(), "--help"]
        told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        rows = re.findall(r"^│ +\*? *(-[-\w,]+(?: +-[-\w,]+)*)", told, flags=re.M)
        yield command, [re.split(r"[, ]+", row) for row in rows if "--help" not in row]


if __name__ == "__main__":
    main()
