"""The files of a model: what config.json says, and whether the weights are what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from textgen.check.finding import BROKEN, NOTE, OK, Finding, broken
from textgen.check.subject import Subject
from textgen.compute import available_memory
from textgen.errors import ModelError
from textgen.messages import Message
from textgen.models.precision import INT8
from textgen.store.header import Stored, stored_tensors
from textgen.store.load import tensor_problems as own_problems
from textgen.store.pretrained import check_computable, memory_needed, read_network, rows_of, tensor_problems
from textgen.store.weights import SCALE
from textgen.tokenizers.base import Specials

SHOWN = 5  # faults of tensors that are named, and tensors of a list
PRECISIONS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "I8": "int8"}
FP32 = 4  # bytes of a number


def of_config(subject: Subject) -> Iterator[Finding]:
    """Its kind and its sizes."""
    files = subject.files
    ours = str(files.family.network).rpartition(":")[2]
    named = files.config.get("architectures") or [
        ours if files.family.network else files.config["model_type"]
    ]
    sizes = {name: files.size(name) for name in ("layers", "width", "positions")}
    listed = [f"{name} {size}" for name, size in sizes.items() if size is not None]
    template = "{kind} ({architecture}): {sizes}"
    text = Message(template, kind=files.kind, architecture=named[0], sizes=listed)
    facts = {"kind": files.kind, "class": named[0], "path": files.path, "embedded": files.embedded}
    yield Finding("config", OK, text, facts=facts | sizes)


def of_weights(subject: Subject) -> Iterator[Finding]:
    """What they are, and whether they fit into memory."""
    files = subject.files
    if subject.foreign:
        check_computable(files)
    stored = stored_tensors(files.weight_files)
    counted = Counter[str]()
    for tensor in stored:
        if not tensor.name.endswith(SCALE):
            counted[tensor.dtype] += tensor.count
    kind = max(counted, key=counted.__getitem__, default="")
    size = sum(file.stat().st_size for file in files.weight_files)
    needed = memory_needed(files) if subject.foreign else _own_memory(stored, files.precision)
    free = available_memory()
    facts = {
        "files": len(files.weight_files),
        "bytes": size,
        "parameters": counted.total(),
        "precision": PRECISIONS.get(kind, kind),
        "memory": needed,
        "free": free,
    }
    text = Message(
        "{millions} million parameters in {precision}, {megabytes} MB; memory: {needed} GB of {free} GB free",
        millions=f"{counted.total() / 1e6:,.1f}",
        precision=facts["precision"],
        megabytes=f"{size / 1e6:,.1f}",
        needed=f"{needed / 1e9:.2f}",
        free="?" if free is None else f"{free / 1e9:.1f}",
    )
    yield Finding("weights", OK, text, facts=facts)


def of_tensors(subject: Subject) -> Iterator[Finding]:
    """Whether they are those of the network that config.json describes."""
    files = subject.files
    names = [tensor.name for tensor in stored_tensors(files.weight_files)]
    count = len(names)
    unused: Sequence[str] = ()
    if not subject.known:
        text = Message("{count} tensors; another package loads {kind} models", count=count, kind=files.kind)
        yield Finding("tensors", NOTE, text)
        return
    if subject.foreign:
        network, report = read_network(files)
        subject.rows = rows_of(network)
        problems = tensor_problems(files.path, network, report)
        unused = sorted(report["unexpected_keys"])
    else:
        unused = sorted(filter(files.family.leaves, names))
        problems = own_problems(files, Specials(*range(8)))  # any ids do: shapes do not depend on them
    found = [*_listed(problems)]
    yield from found
    facts = {"tensors": count, "unused": [*unused]}
    if not found:
        text = Message("{count} tensors, of the shapes that config.json says, all finite", count=count)
        yield Finding("tensors", OK, text, facts=facts)
    if unused:
        more = ["…"] if len(unused) > SHOWN else []
        text = Message("not used: {count}, {names}", count=len(unused), names=[*unused[:SHOWN], *more])
        yield Finding("tensors", NOTE, text, facts=facts)


def _listed(problems: Iterator[ModelError]) -> Iterator[Finding]:
    """The first faults, and how many more there are."""
    yield from (broken("tensors", error) for error in islice(problems, SHOWN))
    if more := sum(1 for _ in problems):
        template = "1 more tensor is wrong" if more == 1 else "{more} more tensors are wrong"
        yield Finding("tensors", BROKEN, Message(template, more=more))


def _own_memory(stored: Sequence[Stored], precision: str) -> int:
    """Bytes that a network of ours takes: rows of int8 stay so where it multiplies in int8."""
    return sum(
        tensor.count * (1 if tensor.dtype == "I8" and precision == INT8 else FP32) for tensor in stored
    )
