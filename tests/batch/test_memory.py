"""A run takes no more memory for more rows."""

import json
import subprocess
import sys

import pytest
from echo import SCRIPT, make_model

COMMAND = """
import sys
import echo, textgen
echo.register()
rows, out, model = sys.argv[1:]
summary = textgen.run_batch("sample", rows, out, model=model, seed=7, workers=1)
print(summary.rows, summary.memory)
"""
TEXT = "山坡上的梯田一层接一层，" * 25


def peak(folder, count: int) -> int:
    """Most bytes that a process has held that ran over so many rows."""
    rows = folder / f"{count}.jsonl"
    with rows.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(
                json.dumps({"text": f"{number}：{TEXT[: 200 + number % 100]}"}, ensure_ascii=False) + "\n"
            )
    command = [
        sys.executable,
        "-c",
        COMMAND,
        rows,
        folder / f"{count}.out.jsonl",
        make_model(folder / "model"),
    ]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, check=True, timeout=200)
    written, held = map(int, done.stdout.split())
    assert written == count
    return held


@pytest.mark.parametrize("rows", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_ten_times_the_rows_take_the_same_memory(tmp_path, rows):
    few = peak(tmp_path, rows)
    if not few:
        pytest.skip("this system does not tell")
    a_row = (peak(tmp_path, 10 * rows) - few) / (9 * rows)
    assert a_row < 500  # bytes: less than its text alone has
