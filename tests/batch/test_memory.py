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
for rows in sys.argv[2:]:
    summary = textgen.run_batch("sample", rows, rows + ".out.jsonl", model=sys.argv[1], seed=7, workers=1)
    print(summary.rows, summary.memory)
"""
TEXT = "山坡上的梯田一层接一层，" * 25


@pytest.mark.parametrize("rows", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_ten_times_the_rows_take_the_same_memory(tmp_path, rows):
    """Whatever a second run of one process holds more than the first is held for its rows."""
    files = [tmp_path / f"{count}.jsonl" for count in (rows, 10 * rows)]
    for path, count in zip(files, (rows, 10 * rows), strict=True):
        lines = (
            json.dumps({"text": f"{n}：{TEXT[: 200 + n % 100]}"}, ensure_ascii=False) for n in range(count)
        )
        path.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-c", COMMAND, make_model(tmp_path / "model"), *files]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, check=True, timeout=200)
    written, held = zip(*(map(int, line.split()) for line in done.stdout.splitlines()), strict=True)
    assert written == (rows, 10 * rows)
    if not held[0]:
        pytest.skip("this system does not tell")
    assert (held[1] - held[0]) / (9 * rows) < 500  # bytes a row: less than its text alone has
