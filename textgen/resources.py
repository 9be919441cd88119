"""Where the files that ship with the package lie."""

from __future__ import annotations

from pathlib import Path

from textgen.errors import ModelError


def data_dir() -> Path:
    """The folder `data`: inside the package when it was installed from a wheel, else of the checkout.

    Raises:
        ModelError: Neither exists: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "data", package.parent / "data"):
        if (folder / "models").is_dir():
            return folder
    raise ModelError(
        f"the shipped models are missing: no {package / 'data' / 'models'}",
        hint="reinstall textgen-zh; a copy of the source without data/ is incomplete",
    )


def models_dir() -> Path:
    """The folder of the embedded models."""
    return data_dir() / "models"
