"""A command line run in this process."""

import pytest

from textgen.cli.main import run


@pytest.fixture
def call(capsys):
    """Runs a command line and returns (exit code, stdout, stderr)."""

    def call(*args: object) -> tuple[int, str, str]:
        code = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call
