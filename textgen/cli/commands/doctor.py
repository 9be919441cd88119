"""`textgen doctor`: what is installed, what is found, and whether it computes what it should."""

from __future__ import annotations

import json
import platform
from typing import Any

from textgen.cli import flags as opt
from textgen.cli.render import console
from textgen.version import __version__, version_of

PACKAGES = ("torch", "transformers", "sentencepiece", "safetensors", "typer", "pydantic", "chardet")


def doctor(as_json: opt.Json = False, debug: opt.Debug = False) -> int:
    """Take a few seconds, for the self-test."""
    from textgen.backends.selftest import self_test

    facts = _facts()
    checks = self_test()
    passed = all(check.passed for check in checks)
    if as_json:
        tests = {check.name: check.passed for check in checks}
        console.json_result(json.dumps(facts | {"tests": tests}, ensure_ascii=False))
    else:
        for name, value in facts.items():
            console.result(f"{name:14} {', '.join(value) if isinstance(value, list) else value}")
        for check in checks:
            console.result(f"{check.name:14} {'ok' if check.passed else 'FAILED'}: {check.detail}")
    return 0 if passed else 1


def _facts() -> dict[str, Any]:
    from textgen.compute import import_torch

    import_torch()
    import torch

    from textgen.compute import share
    from textgen.models.place import Place, choose_device
    from textgen.models.precision import describe_auto
    from textgen.resources import models_dir
    from textgen.store.catalog import embedded_names

    device = choose_device()
    with Place(device).entered():
        precision = describe_auto()
    threads = share(torch.get_num_threads())
    devices = ["cpu"] + [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    return {
        "textgen": __version__,
        "python": platform.python_version(),
        **{package: version_of(package) for package in PACKAGES},
        "devices": devices,
        "threads": threads.threads,
        "threads by": threads.reason,
        "device": device,
        "precision": precision,
        "models": embedded_names(),
        "models in": str(models_dir()),
    }
