"""The places of models: those that ship with the package, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from textgen.errors import ModelError, UsageError

USER_MODELS = "TEXTGEN_MODELS"  # the environment variable


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
        "the shipped models are missing: no {folder}",
        folder=package / "data" / "models",
        hint="reinstall textgen-zh; a copy of the source without data/ is incomplete",
    )


def models_dir() -> Path:
    """The folder of the embedded models."""
    return data_dir() / "models"


def user_models_dir() -> Path:
    """The folder of the models that the user added; it need not exist.

    The environment variable TEXTGEN_MODELS names it; else it is `models` where this system keeps the data
    of users' programs, on Linux `~/.local/share/textgen-zh/models`.

    Raises:
        UsageError: The variable begins with the home of nobody.
    """
    given = os.environ.get(USER_MODELS)
    if not given:
        return user_data_path("textgen-zh", appauthor=False) / "models"
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise UsageError(
            "{name} cannot be {given}", name=USER_MODELS, given=given, hint="there is no such user"
        ) from None
